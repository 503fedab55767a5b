import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  contains,
  countOf,
  covers,
  intersect,
  isValidRanges,
  NO_RANGES,
  prefixOf,
  type Range,
  rangeOf,
  type Ranges,
  subtract,
  union,
} from "../../../src/core/log/ranges.ts";

const LIMIT = 60;

const positions = fc.oneof(
  fc.uniqueArray(fc.nat(LIMIT - 1), { maxLength: LIMIT }),
  // Long runs with few holes, as logs have them.
  fc
    .uniqueArray(fc.nat(LIMIT - 1), { maxLength: 4 })
    .map((holes) => Array.from({ length: LIMIT }, (_, n) => n).filter((n) => !holes.includes(n))),
);

/** The set of the positions, made position by position. */
const rangesOf = (some: readonly number[]): Ranges =>
  some.reduce((ranges, at) => union(ranges, rangeOf(at, at + 1)), NO_RANGES);

const positionsOf = (ranges: Ranges): number[] =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, n) => from + n));

const sorted = (some: Iterable<number>): number[] => [...some].toSorted((a, b) => a - b);

describe("ranges", () => {
  it("of positions are the same set, sorted, apart and never empty", () => {
    fc.assert(
      fc.property(positions, (some) => {
        const ranges = rangesOf(some);
        deepEqual(positionsOf(ranges), sorted(some));
        ok(isValidRanges(ranges, LIMIT));
        equal(countOf(ranges), some.length);
        for (let at = 0; at < LIMIT + 2; at++) equal(contains(ranges, at), some.includes(at));
        let prefix = 0;
        while (some.includes(prefix)) prefix++;
        equal(prefixOf(ranges), prefix);
      }),
    );
  });

  it("unite, subtract, intersect and cover as sets do, and stay valid", () => {
    fc.assert(
      fc.property(positions, positions, (some, others) => {
        const [a, b] = [rangesOf(some), rangesOf(others)];
        const inB = new Set(others);
        const results: readonly [Ranges, readonly number[]][] = [
          [union(a, b), sorted(new Set([...some, ...others]))],
          [union(b, a), sorted(new Set([...some, ...others]))],
          [subtract(a, b), sorted(some).filter((at) => !inB.has(at))],
          [intersect(a, b), sorted(some).filter((at) => inB.has(at))],
          [intersect(b, a), sorted(some).filter((at) => inB.has(at))],
        ];
        for (const [ranges, expected] of results) {
          deepEqual(positionsOf(ranges), expected);
          ok(isValidRanges(ranges, LIMIT));
        }
        equal(
          covers(a, b),
          others.every((at) => some.includes(at)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it("never change what they were made from", () => {
    fc.assert(
      fc.property(positions, positions, (some, others) => {
        const [a, b] = [rangesOf(some), rangesOf(others)];
        const before = JSON.stringify([a, b]);
        union(a, b);
        subtract(a, b);
        intersect(a, b);
        equal(JSON.stringify([a, b]), before);
      }),
    );
  });

  it("hold a million positions with one hole as two ranges, at any place", () => {
    const far = 2 ** 47;
    const whole = subtract(rangeOf(far, far + 1_000_000), rangeOf(far + 5, far + 6));
    deepEqual(whole, [
      { from: far, to: far + 5 },
      { from: far + 6, to: far + 1_000_000 },
    ]);
    equal(countOf(whole), 999_999);
    deepEqual(union(whole, rangeOf(far + 5, far + 6)), rangeOf(far, far + 1_000_000));
  });

  it("of nothing are nothing", () => {
    deepEqual(rangeOf(3, 3), NO_RANGES);
    deepEqual(rangeOf(4, 3), NO_RANGES);
    ok(covers(NO_RANGES, NO_RANGES));
    equal(prefixOf(rangeOf(1, 5)), 0);
  });

  it("from outside are sets only if sorted, apart, not empty and below the limit", () => {
    const good: Range[] = [
      { from: 0, to: 3 },
      { from: 4, to: 5 },
    ];
    ok(isValidRanges(good, 5));
    ok(isValidRanges([], 0));
    const bad: Range[][] = [
      [{ from: 0, to: 6 }],
      [{ from: 3, to: 3 }],
      [{ from: 3, to: 2 }],
      [{ from: -1, to: 2 }],
      [{ from: 0.5, to: 2 }],
      [{ from: 0, to: Number.NaN }],
      [{ from: Number.NaN, to: 2 }],
      [{ from: 0, to: 2 ** 53 }],
      [
        { from: 0, to: 2 },
        { from: 2, to: 3 },
      ],
      [
        { from: 0, to: 2 },
        { from: 1, to: 3 },
      ],
      [
        { from: 3, to: 4 },
        { from: 0, to: 1 },
      ],
    ];
    for (const ranges of bad) equal(isValidRanges(ranges, 5), false, JSON.stringify(ranges));
  });
});
