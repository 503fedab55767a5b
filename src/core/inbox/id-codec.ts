/**
 * Ids between their three forms: lower-case hex as the types carry them, raw bytes as payloads carry them, and binary
 * strings as row keys carry them. The general `idBytes` and `bytesToId` cost several times more, and every message
 * passes here at least three times. Tests: test/unit/inbox/id-codec.test.ts.
 */
import { assert } from "../base/errors.ts";

export const SHORT_ID_BYTES = 16;
export const DEVICE_ID_BYTES = 32;

const NO_DIGIT = 255;
const digits = "0123456789abcdef";
/** Value of the hex digit with that character code. */
const valueByCode = new Uint8Array(128).fill(NO_DIGIT);
/** Character codes of the first and second digit of a byte. */
const firstDigit = new Uint8Array(256);
const secondDigit = new Uint8Array(256);
for (let value = 0; value < 16; value++) valueByCode[digits.charCodeAt(value)] = value;
for (let byte = 0; byte < 256; byte++) {
  firstDigit[byte] = digits.charCodeAt(byte >> 4);
  secondDigit[byte] = digits.charCodeAt(byte & 15);
}

/** Hex of the 16 bytes at `at`. */
export function readShortId<Id extends string>(bytes: Uint8Array, at: number): Id {
  assert(at + SHORT_ID_BYTES <= bytes.length, "an id is read within its bytes");
  const a = firstDigit;
  const b = secondDigit;
  const i = bytes;
  // One call with all digits takes 50 ns; joining pairs from a table leaves a string of parts that maps flatten at 5 times that.
  // prettier-ignore
  return String.fromCharCode(
    a[i[at]!]!, b[i[at]!]!, a[i[at + 1]!]!, b[i[at + 1]!]!, a[i[at + 2]!]!, b[i[at + 2]!]!, a[i[at + 3]!]!, b[i[at + 3]!]!,
    a[i[at + 4]!]!, b[i[at + 4]!]!, a[i[at + 5]!]!, b[i[at + 5]!]!, a[i[at + 6]!]!, b[i[at + 6]!]!, a[i[at + 7]!]!, b[i[at + 7]!]!,
    a[i[at + 8]!]!, b[i[at + 8]!]!, a[i[at + 9]!]!, b[i[at + 9]!]!, a[i[at + 10]!]!, b[i[at + 10]!]!, a[i[at + 11]!]!, b[i[at + 11]!]!,
    a[i[at + 12]!]!, b[i[at + 12]!]!, a[i[at + 13]!]!, b[i[at + 13]!]!, a[i[at + 14]!]!, b[i[at + 14]!]!, a[i[at + 15]!]!, b[i[at + 15]!]!,
  ) as Id;
}

/** Hex of the 32 bytes at `at`. */
export function readDeviceId<Id extends string>(bytes: Uint8Array, at: number): Id {
  return `${readShortId(bytes, at)}${readShortId(bytes, at + SHORT_ID_BYTES)}` as Id;
}

/** Writes the bytes of a hex id to `bytes` at `at`. */
export function writeId(id: string, bytes: Uint8Array, at: number): void {
  for (let digit = 0; digit < id.length; digit += 2) bytes[at + digit / 2] = byteAt(id, digit);
}

/** The id as a binary string: one character below U+0100 per byte. */
export function idToKey(id: string): string {
  const codes: number[] = [];
  for (let digit = 0; digit < id.length; digit += 2) codes.push(byteAt(id, digit));
  return String.fromCharCode(...codes);
}

/** The hex id whose bytes are the characters `[from, to)` of a binary string. */
export function keyToId<Id extends string>(key: string, from: number, to: number): Id {
  const codes: number[] = [];
  for (let at = from; at < to; at++) {
    const byte = key.charCodeAt(at);
    codes.push(firstDigit[byte]!, secondDigit[byte]!);
  }
  return String.fromCharCode(...codes) as Id;
}

/** The byte that two hex digits name. */
export function byteAt(id: string, digit: number): number {
  const high = valueByCode[id.charCodeAt(digit)] ?? NO_DIGIT;
  const low = valueByCode[id.charCodeAt(digit + 1)] ?? NO_DIGIT;
  assert(high < 16 && low < 16, "an id is lower-case hex");
  return high * 16 + low;
}
