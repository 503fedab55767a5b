/**
 * Rows of a memory store: a map that also knows its keys in their order, so that a range is found without looking at all rows.
 * Tests: test/unit/doubles/memory-rows.test.ts.
 */
import type { Row, RowKey } from "../../src/core/log/rows.ts";

export interface RowBounds {
  readonly from: string;
  /** The first key behind the range. */
  readonly to: string;
  readonly reverse: boolean;
  readonly limit: number;
}

export class MemoryRows extends Map<RowKey, Row> {
  /** In order; null until it is asked for, so that rows that nobody reads cost nothing. */
  #keys: RowKey[] | null = null;
  #version: object = {};

  /** Another object after each change: what was computed from these rows holds for as long as it is the same. */
  get version(): object {
    return this.#version;
  }

  override set(key: RowKey, row: Row): this {
    this.#version = {};
    if (this.#keys !== null && !this.has(key)) this.#keys.splice(firstFrom(this.#keys, key), 0, key);
    return super.set(key, row);
  }

  override delete(key: RowKey): boolean {
    const isGone = super.delete(key);
    if (!isGone) return false;
    this.#version = {};
    this.#keys?.splice(firstFrom(this.#keys, key), 1);
    return true;
  }

  override clear(): void {
    this.#version = {};
    this.#keys = null;
    super.clear();
  }

  range({ from, to, reverse, limit }: RowBounds): readonly (readonly [RowKey, Row])[] {
    const sorted = this.#sorted();
    const first = firstFrom(sorted, from);
    const end = Math.max(first, firstFrom(sorted, to));
    const keys = reverse
      ? sorted.slice(Math.max(first, end - limit), end).reverse()
      : sorted.slice(first, Math.min(end, first + limit));
    return keys.map((key) => this.#pair(key));
  }

  inOrder(): readonly (readonly [RowKey, Row])[] {
    return this.#sorted().map((key) => this.#pair(key));
  }

  #sorted(): RowKey[] {
    this.#keys ??= [...this.keys()].toSorted();
    return this.#keys;
  }

  #pair(key: RowKey): readonly [RowKey, Row] {
    return [key, this.get(key)!];
  }
}

/** Where the first key stands that is not before `bound`. */
function firstFrom(keys: readonly RowKey[], bound: string): number {
  let from = 0;
  let to = keys.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (keys[middle]! < bound) from = middle + 1;
    else to = middle;
  }
  return from;
}
