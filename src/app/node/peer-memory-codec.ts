/**
 * How what is remembered of peers lies in the store. Whatever cannot be read is forgotten: it costs a question, never a message.
 * Spec: docs/spec/storage.md. Tests: test/unit/app/peer-memory.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { isEngineError } from "../../core/base/errors.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import { NAME_BYTES_MAX } from "../../core/inbox/types.ts";
import { isValidRanges, type Range, type Ranges } from "../../core/log/ranges.ts";
import { LOG_LENGTH_LIMIT } from "../../core/log/types.ts";

const ADDRESSES_MAX = 4;
const ADDRESS_BYTES_MAX = 512;
const LOGS_MAX = 100_000;
const RANGES_MAX = 100_000;

/** A memory that cannot be read is none. */
export function tolerant<Value>(
  bytes: Uint8Array | undefined,
  decode: (reader: ByteReader) => Value,
): Value | undefined {
  if (bytes === undefined) return undefined;
  try {
    const reader = new ByteReader(bytes);
    const value = decode(reader);
    reader.end();
    return value;
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

export function encodeTime(ms: number): Uint8Array {
  return new ByteWriter().u48(Math.max(0, Math.floor(ms))).finish();
}

export function decodeTime(reader: ByteReader): number {
  return reader.u48();
}

export function encodeAddresses(addresses: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  return writer.list(addresses.slice(0, ADDRESSES_MAX), (address) => writer.text(address)).finish();
}

export function decodeAddresses(reader: ByteReader): readonly string[] {
  return reader.list(ADDRESSES_MAX, () => reader.text(ADDRESS_BYTES_MAX));
}

export function encodeAcked(acked: ReadonlyMap<LogId, Ranges>): Uint8Array {
  const writer = new ByteWriter();
  writer.list([...acked].slice(0, LOGS_MAX), ([log, ranges]) => {
    writer.raw(idBytes(log)).list(ranges.slice(0, RANGES_MAX), ({ from, to }) => writer.u48(from).u48(to));
  });
  return writer.finish();
}

export function decodeAcked(reader: ByteReader): ReadonlyMap<LogId, Ranges> {
  const pairs = reader.list(LOGS_MAX, (): readonly [LogId, Ranges] => {
    const log = bytesToId<LogId>(reader.raw(32));
    const ranges = reader.list(RANGES_MAX, (): Range => ({ from: reader.u48(), to: reader.u48() }));
    return [log, isValidRanges(ranges, LOG_LENGTH_LIMIT) ? ranges : []];
  });
  return new Map(pairs);
}

export function encodeName(name: string): Uint8Array {
  return new ByteWriter().text(name).finish();
}

export function decodeName(reader: ByteReader): string {
  return reader.text(NAME_BYTES_MAX);
}
