/**
 * The row of a log's state: head, peaks, what is held, and the hole-free prefix. Read whole at every start, so it grows with
 * holes and not with the log.
 * Spec: docs/spec/storage.md. Tests: test/unit/store/row-codecs.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import type { LogId, TreeHash } from "../../core/base/ids.ts";
import { SIGNATURE_BYTES } from "../../core/log/head.ts";
import { countOf } from "../../core/log/ranges.ts";
import { perfectNodeCount, TREE_HASH_BYTES } from "../../core/log/tree.ts";
import { LOG_LENGTH_LIMIT, type LogState } from "../../core/log/types.ts";
import { readRanges, writeRanges } from "../../core/wire/ranges-codec.ts";
import { damaged } from "./row-check.ts";

/** Ranges of one log; a log with every second entry missing would need as many as it has entries. */
const HELD_RANGES_MAX = 2 ** 24;

export function encodeLogState(state: LogState): Uint8Array {
  const { head, peaks, held, prefix } = state;
  const writer = new ByteWriter(256 + TREE_HASH_BYTES * peaks.length);
  writer.u48(head.length).raw(head.root).raw(head.signature);
  for (const peak of peaks) writer.raw(peak);
  writeRanges(writer, held);
  return writer.u48(prefix.length).raw(prefix.root).finish();
}

/**
 * What a second row says of a log, at the other end of the keys: an older state in place of the newest would let a device write
 * its own log twice, so one damaged table must not be enough.
 */
export function encodeWitness({ head, held }: LogState): Uint8Array {
  return new ByteWriter(12).u48(head.length).u48(countOf(held)).finish();
}

/** @throws EngineError `STORE_DAMAGED` for anything but what `encodeLogState` writes. */
export function decodeLogState(log: LogId, body: Uint8Array): LogState {
  try {
    // A copy: the state outlives the block that it was read with.
    const reader = new ByteReader(body.slice());
    const length = reader.u48();
    const root = reader.raw(TREE_HASH_BYTES) as TreeHash;
    const signature = reader.raw(SIGNATURE_BYTES);
    const peaks: TreeHash[] = [];
    for (let n = perfectNodeCount(0, length); n > 0; n--) peaks.push(reader.raw(TREE_HASH_BYTES) as TreeHash);
    const held = readRanges(reader, { countMax: HELD_RANGES_MAX, limit: Math.min(length, LOG_LENGTH_LIMIT) });
    const prefix = { length: reader.u48(), root: reader.raw(TREE_HASH_BYTES) as TreeHash };
    reader.end();
    return { head: { log, length, root, signature }, peaks, held, prefix };
  } catch (cause) {
    throw damaged("the state of a log cannot be read", cause);
  }
}
