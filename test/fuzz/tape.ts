/**
 * An input as a list of choices: for what is not one encoding but a history or a call with many arguments. Whatever the bytes
 * are, they choose something; where they end, every choice is 0.
 */
import { LOG_LENGTH_LIMIT } from "../../src/core/log/types.ts";

const NUMBERS = [
  0,
  1,
  2,
  255,
  256,
  65_535,
  2 ** 31,
  2 ** 32,
  LOG_LENGTH_LIMIT - 1,
  LOG_LENGTH_LIMIT,
] as const;
/** What no position is, and what arithmetic on positions may come to (threat U12). */
const STRANGE = [-1, -0, 0.5, 2 ** 53 - 1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY] as const;

export class Tape {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  below(limit: number): number {
    return this.byte() % limit;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  flag(): boolean {
    return this.byte() % 2 === 1;
  }

  /** As many as there are, at most. */
  bytes(size: number): Uint8Array {
    const bytes = this.#bytes.slice(this.#at, this.#at + size);
    this.#at += bytes.length;
    return bytes;
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /** Mostly small; sometimes an edge, seldom no position at all. */
  position(): number {
    const choice = this.byte();
    if (choice < 200) return choice % 64;
    return choice < 240 ? NUMBERS[choice % NUMBERS.length]! : STRANGE[choice % STRANGE.length]!;
  }
}
