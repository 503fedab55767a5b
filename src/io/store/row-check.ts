/**
 * The four bytes at the end of every value: a CRC-32 of key and value. LevelDB reads blocks without looking at their checksums,
 * so a flipped bit would come back as data. This finds accidents, not attacks: against those stand tags and tree hashes.
 * Spec: docs/spec/storage.md. Tests: test/unit/store/row-check.test.ts.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import { crc32 } from "./crc.ts";

export const CHECK_BYTES = 4;

/** Writes the check of `bytes[from, to)`, which is the key and then the value, behind them. */
export function putCheck(bytes: Uint8Array, from: number, to: number): void {
  const check = crc32(bytes, from, to);
  bytes[to] = check >>> 24;
  bytes[to + 1] = check >>> 16;
  bytes[to + 2] = check >>> 8;
  bytes[to + 3] = check;
}

/** `body` with its check. */
export function withCheck(key: Uint8Array, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(key.length + body.length + CHECK_BYTES);
  whole.set(key);
  whole.set(body, key.length);
  putCheck(whole, 0, key.length + body.length);
  return whole.subarray(key.length);
}

/** What was written under the key, as a view; undefined where key or value are not as they were. */
export function bodyOf(key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  const size = value.length - CHECK_BYTES;
  if (size < 0) return undefined;
  const stored =
    ((value[size]! << 24) | (value[size + 1]! << 16) | (value[size + 2]! << 8) | value[size + 3]!) >>> 0;
  if (crc32(value, 0, size, crc32(key, 0, key.length)) !== stored) return undefined;
  // Not `subarray`: what comes from the database is a Buffer, and callers get a plain array.
  return new Uint8Array(value.buffer, value.byteOffset, size);
}

/** @throws EngineError `STORE_DAMAGED` where key or value are not as they were. */
export function checkedBody(key: Uint8Array, value: Uint8Array): Uint8Array {
  const body = bodyOf(key, value);
  if (body === undefined) throw damaged("a stored value is not what was written");
  return body;
}

export function damaged(what: string, cause?: unknown): EngineError {
  return new EngineError("STORE_DAMAGED", what, {
    cause,
    remedy: "Run `kinlog verify --repair`; what is damaged here is fetched again from your other devices.",
  });
}

/** Undefined where the database reports damage: then there is nothing to be had, and that is an answer. */
export async function readable<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isEngineError(error, "STORE_DAMAGED")) return undefined;
    throw error;
  }
}
