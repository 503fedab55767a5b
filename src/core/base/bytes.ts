/**
 * Byte arrays: joining, comparing, text and hex. Knows no format.
 * Tests: test/unit/base/bytes.test.ts.
 */
import { EngineError } from "./errors.ts";

// The language library without DOM lacks these; every supported runtime has them.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: string,
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// Tables of our own: ids are turned over for every message, and the general functions take ten times as long for 32 bytes.
const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);
/** Up to here joining characters is faster than a call of the decoder. */
const SHORT_TEXT_BYTES = 16;
const characters: readonly string[] = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
/** The longest id. */
const HEX_AT_ONCE_MAX = 32;
const NO_DIGIT = 16;
const valueOfDigit = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) valueOfDigit[value.toString(16).charCodeAt(0)] = value;

/** UTF-8 bytes of `text`. Lone surrogates become U+FFFD, so refuse them before where it matters. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Text of UTF-8 bytes, byte for byte reversible.
 *
 * @throws EngineError `TEXT_NOT_UTF8` for anything that is not well-formed UTF-8.
 */
export function utf8ToText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new EngineError("TEXT_NOT_UTF8", "the bytes are not well-formed UTF-8", { cause });
  }
}

/**
 * The text of `size` bytes from `at` on where they are few and all are ASCII, else undefined: for short fields, of which a message
 * has several, and each call of the decoder costs as much as reading twenty of their characters here.
 */
export function asciiToText(bytes: Uint8Array, at: number, size: number): string | undefined {
  if (size > SHORT_TEXT_BYTES) return undefined;
  let text = "";
  for (let next = at; next < at + size; next++) {
    const byte = bytes[next]!;
    if (byte >= 0x80) return undefined;
    text += characters[byte]!;
  }
  return text;
}

/** Lower-case hex. */
export function hex(bytes: Uint8Array): string {
  if (bytes.length > HEX_AT_ONCE_MAX) {
    let text = "";
    for (let at = 0; at < bytes.length; at++) text += hexOfByte[bytes[at]!];
    return text;
  }
  // One string of one piece: ids are keys of maps, which would put the pieces together again and again.
  const codes: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const pair = hexOfByte[bytes[at]!]!;
    codes.push(pair.charCodeAt(0), pair.charCodeAt(1));
  }
  return String.fromCharCode(...codes);
}

/**
 * Bytes of lower-case hex of even length.
 *
 * @throws EngineError `WIRE_NOT_CANONICAL` for anything else.
 */
export function hexToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    const high = valueOfDigit[text.charCodeAt(2 * at)] ?? NO_DIGIT;
    const low = valueOfDigit[text.charCodeAt(2 * at + 1)] ?? NO_DIGIT;
    if (high === NO_DIGIT || low === NO_DIGIT) throw notHex();
    bytes[at] = high * 16 + low;
  }
  if (text.length % 2 !== 0) throw notHex();
  return bytes;
}

/** One array of all parts, in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Same length and same bytes. Not constant in time: use `crypto` where one side is secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Negative, zero or positive as `a` sorts before, with or after `b`; the order of LevelDB's keys. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const size = Math.min(a.length, b.length);
  for (let at = 0; at < size; at++) {
    const difference = a[at]! - b[at]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Eight bytes, most significant first, of a whole number below 2^53. */
export function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  let rest = value;
  for (let at = 7; at >= 0; at--) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

function notHex(): EngineError {
  return new EngineError("WIRE_NOT_CANONICAL", "not lower-case hex of even length");
}
