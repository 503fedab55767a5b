/**
 * Writes the encodings of docs/spec/encoding.md into one growing buffer. The inverse of ByteReader.
 * Tests: test/unit/base/encoding.test.ts.
 */
import { utf8 } from "./bytes.ts";
import { assert } from "./errors.ts";

export class ByteWriter {
  #buffer: Uint8Array;
  #size = 0;

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  u8(value: number): this {
    this.#room(1);
    this.#buffer[this.#size++] = value;
    return this;
  }

  /** Two bytes, most significant first. */
  u16(value: number): this {
    return this.u8(Math.floor(value / 256)).u8(value % 256);
  }

  /** Six bytes, most significant first, of a whole number below 2^48. */
  u48(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 48, "a 48-bit number is in range");
    this.#room(6);
    let rest = value;
    for (let at = 5; at >= 0; at--) {
      this.#buffer[this.#size + at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#size += 6;
    return this;
  }

  /** An unsigned LEB128 number below 2^53 in its one shortest form. */
  uint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, "an encoded number is whole and not negative");
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#size++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#size++] = rest;
    return this;
  }

  /** Bytes whose length both sides know. */
  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#size);
    this.#size += bytes.length;
    return this;
  }

  /** A length, then that many bytes. */
  blob(bytes: Uint8Array): this {
    return this.uint(bytes.length).raw(bytes);
  }

  /** A length in bytes, then UTF-8. */
  text(text: string): this {
    return this.blob(utf8(text));
  }

  /** A count, then each item as `write` puts it. */
  list<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.uint(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** Begins again with nothing written, in the same memory. */
  clear(): void {
    this.#size = 0;
  }

  /** What was written, as a view that the next write changes. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#size);
  }

  #room(size: number): void {
    const needed = this.#size + size;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = larger;
  }
}
