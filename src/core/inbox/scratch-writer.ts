/**
 * Writes the encodings of docs/spec/encoding.md into one buffer that is used again for each value. For what is encoded once
 * per message; everything else uses ByteWriter. Not re-entrant: nothing else may write between `begin` and `finish`.
 * Tests: test/unit/inbox/scratch-writer.test.ts.
 */
import { assert } from "../base/errors.ts";
import { takeMemory } from "../crypto/memory.ts";
import { writeId } from "./id-codec.ts";

// The language library without DOM lacks it; every supported runtime has it.
declare const TextEncoder: new () => {
  encodeInto(text: string, into: Uint8Array): { readonly written: number };
};

const encoder = new TextEncoder();
/** UTF-8 never takes more bytes for one UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;
/** Up to here writing ASCII digit by digit is faster than a call of the encoder. */
const SHORT_TEXT_UNITS = 96;

export class ScratchWriter {
  readonly #buffer: Uint8Array;
  #at = 0;

  /** @param capacity Of the largest value; writing beyond it is a broken invariant. */
  constructor(capacity: number) {
    this.#buffer = new Uint8Array(capacity);
  }

  /** Starts a value; what was written before is forgotten. */
  begin(): this {
    this.#at = 0;
    return this;
  }

  /** A copy of what was written since `begin`. */
  finish(): Uint8Array {
    const copy = takeMemory(this.#at);
    copy.set(this.written());
    return copy;
  }

  /** What was written since `begin`, as a view that the next `begin` overwrites. */
  written(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  u8(value: number): this {
    this.#room(1);
    this.#buffer[this.#at++] = value;
    return this;
  }

  u16(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 16, "a 16-bit number is in range");
    return this.u8(value >> 8).u8(value & 255);
  }

  u48(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 48, "a 48-bit number is in range");
    const high = Math.floor(value / 2 ** 24);
    const low = value % 2 ** 24;
    this.#room(6);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = high >> 16;
    buffer[at++] = high >> 8;
    buffer[at++] = high;
    buffer[at++] = low >> 16;
    buffer[at++] = low >> 8;
    buffer[at++] = low;
    this.#at = at;
    return this;
  }

  uint(value: number): this {
    this.#room(8);
    this.#at = putUint(this.#buffer, this.#at, value);
    return this;
  }

  /** A hex id as its raw bytes. */
  id(id: string): this {
    this.#room(id.length / 2);
    writeId(id, this.#buffer, this.#at);
    this.#at += id.length / 2;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /**
   * A text with its length before it; returns its size in bytes. Where that is over `bytesMax` nothing is written, and the
   * caller must refuse the text.
   */
  text(text: string, bytesMax: number): number {
    if (text.length > bytesMax) return text.length;
    this.#room(4 + text.length * BYTES_PER_UNIT_MAX);
    const start = this.#at;
    const guess = uintSize(text.length);
    const size = this.#putText(text, start + guess);
    if (size > bytesMax) return size;
    const prefix = uintSize(size);
    if (prefix !== guess) this.#buffer.copyWithin(start + prefix, start + guess, start + guess + size);
    putUint(this.#buffer, start, size);
    this.#at = start + prefix + size;
    return size;
  }

  #putText(text: string, at: number): number {
    const buffer = this.#buffer;
    if (text.length <= SHORT_TEXT_UNITS) {
      let unit = 0;
      for (; unit < text.length; unit++) {
        const code = text.charCodeAt(unit);
        if (code >= 0x80) break;
        buffer[at + unit] = code;
      }
      if (unit === text.length) return unit;
    }
    return encoder.encodeInto(text, buffer.subarray(at)).written;
  }

  #room(size: number): void {
    assert(this.#at + size <= this.#buffer.length, "a value fits the buffer that it is written to");
  }
}

/** Bytes of an unsigned LEB128 number. */
export function uintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes an unsigned LEB128 number in its shortest form and returns where it ends. */
export function putUint(bytes: Uint8Array, at: number, value: number): number {
  assert(Number.isSafeInteger(value) && value >= 0, "an encoded number is whole and not negative");
  let rest = value;
  let end = at;
  while (rest >= 128) {
    bytes[end++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  bytes[end++] = rest;
  return end;
}
