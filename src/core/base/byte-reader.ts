/**
 * Reads the encodings of docs/spec/encoding.md field by field. Every length is checked before it is trusted.
 * Throws only EngineErrors whose code begins with WIRE_, and TEXT_NOT_UTF8.
 * Tests: test/unit/base/encoding.test.ts.
 */
import { asciiToText, utf8ToText } from "./bytes.ts";
import { EngineError } from "./errors.ts";

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** All bytes, those that were read included. */
  get input(): Uint8Array {
    return this.#bytes;
  }

  /** Offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  u8(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new EngineError("WIRE_TRUNCATED", "the bytes end too early");
    this.#at++;
    return byte;
  }

  u16(): number {
    const at = this.skip(2);
    const bytes = this.#bytes;
    return bytes[at]! * 256 + bytes[at + 1]!;
  }

  u48(): number {
    const at = this.skip(6);
    const bytes = this.#bytes;
    const high = bytes[at]! * 65_536 + bytes[at + 1]! * 256 + bytes[at + 2]!;
    return high * 2 ** 24 + bytes[at + 3]! * 65_536 + bytes[at + 4]! * 256 + bytes[at + 5]!;
  }

  /** An unsigned LEB128 number of at most `limit`, in its one shortest form. */
  uint(limit: number): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte % 128) * scale;
      if (value > limit) throw new EngineError("WIRE_LIMIT_EXCEEDED", `a number is over ${limit}`);
      if (byte < 128) {
        if (byte === 0 && scale > 1) {
          throw new EngineError("WIRE_NOT_CANONICAL", "a number is padded with zeroes");
        }
        return value;
      }
      if (scale > 2 ** 49) throw new EngineError("WIRE_LIMIT_EXCEEDED", "a number has too many bytes");
    }
  }

  /** `size` bytes as a view of the input, not a copy. */
  raw(size: number): Uint8Array {
    const at = this.skip(size);
    return this.#bytes.subarray(at, at + size);
  }

  /** Passes over `size` bytes and returns where in `input` they begin: a view costs more than reading a short field. */
  skip(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new EngineError("WIRE_TRUNCATED", "the bytes end too early");
    this.#at = at + size;
    return at;
  }

  /** A length of at most `sizeMax`, then that many bytes, as a view. */
  blob(sizeMax: number): Uint8Array {
    return this.raw(this.uint(sizeMax));
  }

  /** A length in bytes of at most `sizeMax`, then UTF-8. */
  text(sizeMax: number): string {
    const size = this.uint(sizeMax);
    const at = this.skip(size);
    return asciiToText(this.#bytes, at, size) ?? utf8ToText(this.#bytes.subarray(at, at + size));
  }

  /** A count of at most `countMax`, then each item. */
  list<Item>(countMax: number, read: () => Item): Item[] {
    const count = this.uint(countMax);
    const items: Item[] = [];
    for (let n = 0; n < count; n++) items.push(read());
    return items;
  }

  /** Exactly 0 or 1. */
  flag(): boolean {
    const byte = this.u8();
    if (byte > 1) throw new EngineError("WIRE_NOT_CANONICAL", "a flag is neither 0 nor 1");
    return byte === 1;
  }

  /** Call at the end: a decoder accepts no bytes that it did not read. */
  end(): void {
    if (this.left > 0) throw new EngineError("WIRE_TRAILING_BYTES", `${this.left} bytes too many`);
  }
}
