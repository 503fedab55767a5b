/**
 * The body of a tombstone, which says of purged messages everything but their text, to bytes and back. Decides nothing.
 * Spec: docs/spec/purge.md. Tests: test/unit/inbox/operation.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { compareBytes } from "../base/bytes.ts";
import { EngineError, assert } from "../base/errors.ts";
import type { ControlId, LogId, MessageId } from "../base/ids.ts";
import { readId, readStamp, writeStamp, writeText } from "./body-fields.ts";
import { DEVICE_ID_BYTES, readDeviceId } from "./id-codec.ts";
import type { ScratchWriter } from "./scratch-writer.ts";
import {
  ADDRESS_BYTES_MAX,
  NAMED_PER_TOMBSTONE_MAX,
  type NamedMessage,
  type OperationBody,
} from "./types.ts";

type TombstoneBody = Extract<OperationBody, { kind: "tombstone" }>;

/** Of a content hash; operation.ts names it for everybody else, and reads this file. */
const HASH_BYTES = 16;
const POSITION_MAX = 2 ** 48 - 1;
/** Those of `messageFlag` but *deleted*: in, read at source, taken in, of a later kind. */
const CONTENT_FLAGS_KNOWN = 1 | 2 | 4 | 16;

/** Negative where `a` stands before `b` in a tombstone: by message, content hash, log and position. */
export function compareNamed(a: NamedMessage, b: NamedMessage): number {
  return (
    compareText(a.message, b.message) ||
    compareBytes(a.contentHash, b.contentHash) ||
    compareText(a.log, b.log) ||
    a.position - b.position
  );
}

/** @throws EngineError `TEXT_TOO_LONG`, `TEXT_NOT_UTF8` for a conversation that no device may write. */
export function writeTombstone(writer: ScratchWriter, { purge, conversation, named }: TombstoneBody): void {
  assert(
    named.length >= 1 && named.length <= NAMED_PER_TOMBSTONE_MAX,
    "a tombstone names 1 to 1000 places of messages",
  );
  writer.id(purge);
  writeText(writer, conversation, ADDRESS_BYTES_MAX);
  writer.uint(named.length);
  for (const [at, each] of named.entries()) {
    assert(at === 0 || compareNamed(named[at - 1]!, each) < 0, "a tombstone names in order, each place once");
    assert((each.flags & ~CONTENT_FLAGS_KNOWN) === 0, "a tombstone states flags of a content");
    writer.id(each.message).raw(each.contentHash);
    writeStamp(writer, each.stamp);
    writer.u8(each.flags).id(each.log).uint(each.position);
  }
}

/** @throws EngineError `WIRE_*` or `TEXT_NOT_UTF8` for anything that `writeTombstone` does not write. */
export function readTombstone(reader: ByteReader): TombstoneBody {
  const purge = readDeviceId<ControlId>(reader.input, reader.skip(DEVICE_ID_BYTES));
  const conversation = reader.text(ADDRESS_BYTES_MAX);
  let before: NamedMessage | null = null;
  const named = reader.list(NAMED_PER_TOMBSTONE_MAX, () => {
    const each = readNamed(reader);
    if (before !== null && compareNamed(before, each) >= 0)
      throw new EngineError("WIRE_NOT_CANONICAL", "what a tombstone names is out of order or there twice");
    before = each;
    return each;
  });
  if (named.length === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a tombstone names no message");
  return { kind: "tombstone", purge, conversation, named };
}

function readNamed(reader: ByteReader): NamedMessage {
  const message = readId<MessageId>(reader);
  // Kept in rows, and what was opened lies in memory that the next opening takes.
  const contentHash = reader.raw(HASH_BYTES).slice();
  const stamp = readStamp(reader);
  const flags = reader.u8();
  if ((flags & ~CONTENT_FLAGS_KNOWN) !== 0)
    throw new EngineError("WIRE_NOT_CANONICAL", "a tombstone states flags without a meaning");
  const log = readDeviceId<LogId>(reader.input, reader.skip(DEVICE_ID_BYTES));
  return { message, contentHash, stamp, flags, log, position: reader.uint(POSITION_MAX) };
}

/** Hex compares as its bytes do. */
function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
