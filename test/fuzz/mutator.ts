/**
 * Makes inputs out of inputs: flips, cuts, repeats, joins, numbers at their edges, words of the format. The same chance
 * gives the same inputs. Tests: test/unit/fuzz/fuzzer.test.ts.
 */
import { ByteWriter } from "../../src/core/base/byte-writer.ts";
import { utf8 } from "../../src/core/base/bytes.ts";
import type { Random } from "../../simulations/doubles/random.ts";

/** Edges of what the formats count with (threats N9, U12), in each of their encodings. */
const EDGES = [
  0,
  1,
  2,
  31,
  32,
  63,
  64,
  127,
  128,
  255,
  256,
  4_095,
  4_096,
  65_535,
  65_536,
  2 ** 20,
  2 ** 24,
  2 ** 31,
  2 ** 32,
];
const LARGE_EDGES = [2 ** 47, 2 ** 48 - 1, 2 ** 48, 2 ** 53 - 1];

/** Bytes that mean something in some format here, or that no format may take (threats U3, U4, U12). */
const WORDS: readonly Uint8Array[] = [
  ...[...EDGES, ...LARGE_EDGES].map((edge) => new ByteWriter().uint(edge).finish()),
  ...[...EDGES, ...LARGE_EDGES]
    .filter((edge) => edge < 2 ** 48)
    .map((edge) => new ByteWriter().u48(edge).finish()),
  // Longer than need be, for ever, and past 2^53.
  Uint8Array.of(0x80, 0x00),
  Uint8Array.of(0x81, 0x80, 0x00),
  new Uint8Array(10).fill(0x80),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  // Half a surrogate pair, overlong, past the end of Unicode, a byte order mark.
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xc0, 0xaf),
  Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
  Uint8Array.of(0xef, 0xbb, 0xbf),
  ...["__proto__", "constructor", "1e400", "-0", "9007199254740993", "\\ud83d", "\u202e"].map(utf8),
];
const INTERESTING = [0, 1, 2, 0x0a, 0x22, 0x3c, 0x7f, 0x80, 0xfe, 0xff];
const STEPS_MAX = 6;

export class Mutator {
  readonly #random: Random;
  readonly #words: readonly Uint8Array[];
  readonly #sizeMax: number;

  constructor(random: Random, words: readonly string[], sizeMax: number) {
    this.#random = random;
    this.#words = [...words.map(utf8), ...WORDS];
    this.#sizeMax = sizeMax;
  }

  /** Another input, some steps away from `input`; `other` lends parts. */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    let bytes: Uint8Array = input.slice();
    for (let left = 1 + this.#random.below(STEPS_MAX); left > 0; left--) bytes = this.#step(bytes, other);
    return bytes.length > this.#sizeMax ? bytes.subarray(0, this.#sizeMax) : bytes;
  }

  #step(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const random = this.#random;
    const at = random.below(bytes.length + 1);
    switch (random.below(10)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        return bytes;
      case 1:
        if (at < bytes.length) bytes[at] = random.chance(50) ? random.pick(INTERESTING) : random.below(256);
        return bytes;
      case 2:
        if (at < bytes.length) bytes[at] = bytes[at]! + (random.chance(50) ? 1 : -1);
        return bytes;
      case 3:
        return splice(bytes, at, 1 + random.below(8), new Uint8Array(0));
      case 4:
        return splice(bytes, at, random.below(bytes.length + 1), new Uint8Array(0));
      case 5:
        return splice(bytes, at, random.chance(50) ? 0 : 1, random.pick(this.#words));
      case 6:
        return splice(bytes, at, 0, random.bytes(1 + random.below(16)));
      case 7:
        return splice(bytes, at, 0, this.#part(bytes));
      case 8: {
        const part = this.#part(other);
        return splice(bytes, at, random.chance(50) ? part.length : 0, part);
      }
      default:
        // A word over bytes of the same number, so that what follows keeps its place.
        return overwrite(bytes, at, random.pick(this.#words));
    }
  }

  #part(bytes: Uint8Array): Uint8Array {
    const from = this.#random.below(bytes.length + 1);
    return bytes.slice(from, from + 1 + this.#random.below(Math.min(256, bytes.length - from + 1)));
  }
}

function splice(bytes: Uint8Array, at: number, drop: number, put: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + drop));
  const made = new Uint8Array(at + put.length + rest.length);
  made.set(bytes.subarray(0, at));
  made.set(put, at);
  made.set(rest, at + put.length);
  return made;
}

function overwrite(bytes: Uint8Array, at: number, put: Uint8Array): Uint8Array {
  bytes.set(put.subarray(0, bytes.length - at), at);
  return bytes;
}
