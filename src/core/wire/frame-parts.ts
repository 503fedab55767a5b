/**
 * What several kinds of frames are made of, to bytes and back: what is said of one log, heads, ids and lengths.
 * Format: docs/spec/sync.md. Tests: test/unit/wire/frame-codec.test.ts, test/unit/wire/wire-vectors.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import type { ByteWriter } from "../base/byte-writer.ts";
import { EngineError } from "../base/errors.ts";
import { bytesToId, idBytes, type LogId, type TreeHash } from "../base/ids.ts";
import { type Head, LOG_LENGTH_LIMIT } from "../log/types.ts";
import { type FrontierEntry, type Hello, type LogRanges, type NeedEntry, RANGES_MAX } from "./frames.ts";
import { readRanges, writeRanges } from "./ranges-codec.ts";

export const LENGTH_MAX = LOG_LENGTH_LIMIT - 1;
export const HASH_BYTES = 32;
export const SIGNATURE_BYTES = 64;

export function writeHello(writer: ByteWriter, hello: Hello): void {
  writer.u8(hello.version).uint(hello.features);
}

export function readHello(reader: ByteReader): Hello {
  return { version: reader.u8(), features: reader.uint(Number.MAX_SAFE_INTEGER) };
}

export function writeFrontierEntry(writer: ByteWriter, { log, length, root, held }: FrontierEntry): void {
  writer.raw(idBytes(log)).uint(length).raw(root);
  writeRanges(writer, held);
}

export function readFrontierEntry(reader: ByteReader): FrontierEntry {
  const log = readLogId(reader);
  const length = readLength(reader);
  const root = reader.raw(HASH_BYTES) as TreeHash;
  return { log, length, root, held: readRanges(reader, { countMax: RANGES_MAX, limit: length }) };
}

export function writeNeedEntry(
  writer: ByteWriter,
  { log, knownLength, headLength, ranges }: NeedEntry,
): void {
  writer.raw(idBytes(log)).uint(knownLength).uint(headLength);
  writeRanges(writer, ranges);
}

export function readNeedEntry(reader: ByteReader): NeedEntry {
  const log = readLogId(reader);
  const knownLength = reader.uint(LENGTH_MAX);
  const headLength = readLength(reader);
  return {
    log,
    knownLength,
    headLength,
    ranges: readRanges(reader, { countMax: RANGES_MAX, limit: headLength }),
  };
}

export function writeLogRanges(writer: ByteWriter, { log, ranges }: LogRanges): void {
  writer.raw(idBytes(log));
  writeRanges(writer, ranges);
}

export function readLogRanges(reader: ByteReader): LogRanges {
  const log = readLogId(reader);
  return { log, ranges: readRanges(reader, { countMax: RANGES_MAX, limit: LENGTH_MAX }) };
}

export function readHead(reader: ByteReader, log: LogId, length: number): Head {
  return { log, length, root: reader.raw(HASH_BYTES) as TreeHash, signature: reader.raw(SIGNATURE_BYTES) };
}

export function readLogId(reader: ByteReader): LogId {
  return bytesToId<LogId>(reader.raw(32));
}

/** A head's length: an empty log has no head. */
export function readLength(reader: ByteReader): number {
  const length = reader.uint(LENGTH_MAX);
  if (length === 0) throw new EngineError("WIRE_NOT_CANONICAL", "an empty log has no head");
  return length;
}
