/** The hybrid logical clock and the order it makes. Threats L12, L13. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  compareOrder,
  compareStamps,
  nextStamp,
  orderText,
  parseOrder,
  stampOfWall,
  takenInStamp,
} from "../../../src/core/inbox/stamp.ts";
import type { OrderKey, Stamp } from "../../../src/core/inbox/types.ts";
import { assertCode } from "../../support/assert-code.ts";
import { idOf, orderAt } from "../../support/operations.ts";

const END: Stamp = { ms: 2 ** 48 - 1, counter: 65_535 };
const stamp: fc.Arbitrary<Stamp> = fc.record(
  {
    ms: fc.oneof(
      fc.nat(3),
      fc.maxSafeNat().map((ms) => ms % 2 ** 48),
      fc.constant(END.ms),
    ),
    counter: fc.oneof(fc.nat(2), fc.constantFrom(65_534, 65_535)),
  },
  { noNullPrototype: true },
);
const order: fc.Arbitrary<OrderKey> = fc.record(
  { stamp, id: fc.nat(5).map(idOf) },
  { noNullPrototype: true },
);
const wall = fc.oneof(fc.maxSafeNat(), fc.double(), fc.integer());

describe("the clock", () => {
  /** CockroachDB's table. Its clock ticks before and after each receive; here a receive is what was seen, and a send is `nextStamp`. */
  const table: readonly (readonly [wall: number, seen: Stamp | null, expected: Stamp])[] = [
    [5, null, { ms: 5, counter: 0 }],
    [6, null, { ms: 6, counter: 0 }],
    [10, { ms: 10, counter: 5 }, { ms: 10, counter: 6 }],
    [7, null, { ms: 10, counter: 7 }],
    [8, { ms: 10, counter: 4 }, { ms: 10, counter: 8 }],
    [10, { ms: 10, counter: 99 }, { ms: 10, counter: 100 }],
    [11, { ms: 10, counter: 31 }, { ms: 11, counter: 0 }],
    [11, null, { ms: 11, counter: 1 }],
  ];

  it("follows CockroachDB's table", () => {
    let last: Stamp | null = null;
    for (const [wallMs, seen, expected] of table) {
      if (seen !== null && (last === null || compareStamps(seen, last) > 0)) last = seen;
      last = nextStamp(wallMs, last);
      deepEqual(last, expected, `wall ${wallMs}`);
    }
  });

  it("always goes forward, and no further than it must", () => {
    fc.assert(
      fc.property(wall, stamp, (wallMs, last) => {
        const next = nextStamp(wallMs, last);
        ok(compareStamps(next, last) > 0 || (compareStamps(last, END) === 0 && next === last));
        const expected = stampOfWall(wallMs).ms > last.ms ? stampOfWall(wallMs).ms : last.ms;
        ok(next.ms === expected || (next.ms === expected + 1 && last.counter === 65_535));
      }),
    );
  });

  it("L13: takes any wall clock, NaN, 1970, 2106 and before, and never fails", () => {
    deepEqual(stampOfWall(Number.NaN), { ms: 0, counter: 0 });
    deepEqual(stampOfWall(-5), { ms: 0, counter: 0 });
    deepEqual(stampOfWall(Number.POSITIVE_INFINITY), { ms: END.ms, counter: 0 });
    deepEqual(stampOfWall(4_294_967_296_000.9), { ms: 4_294_967_296_000, counter: 0 });
    deepEqual(nextStamp(Number.NaN, { ms: 7, counter: 0 }), { ms: 7, counter: 1 });
  });

  it("L13: carries a full counter into the milliseconds, and stays at the end of all stamps", () => {
    deepEqual(nextStamp(0, { ms: 7, counter: 65_535 }), { ms: 8, counter: 0 });
    deepEqual(nextStamp(0, END), END);
    deepEqual(nextStamp(Number.POSITIVE_INFINITY, END), END);
  });

  it("L12: what is taken in is never later than now", () => {
    const nowMs = 1_800_000_000_000;
    deepEqual(takenInStamp(nowMs + 1, nowMs), { ms: nowMs, counter: 0 });
    deepEqual(takenInStamp(nowMs - 1, nowMs), { ms: nowMs - 1, counter: 0 });
  });

  it("L13: a clock that shows 1970 pulls nothing that is taken in back to it", () => {
    const sentMs = 1_700_000_000_000;
    deepEqual(takenInStamp(sentMs, 5_000), { ms: sentMs, counter: 0 });
    deepEqual(takenInStamp(sentMs, Number.NaN), { ms: sentMs, counter: 0 });
  });
});

describe("the order", () => {
  it("is total: stamps first, then ids", () => {
    fc.assert(
      fc.property(order, order, order, (a, b, c) => {
        equal(Math.sign(compareOrder(a, b)), -Math.sign(compareOrder(b, a)) || 0);
        equal(compareOrder(a, b) === 0, orderText(a) === orderText(b));
        if (compareOrder(a, b) <= 0 && compareOrder(b, c) <= 0) ok(compareOrder(a, c) <= 0);
      }),
    );
    ok(compareOrder(orderAt(1, 9), orderAt(2, 1)) < 0);
    ok(compareOrder(orderAt(1, 1), orderAt(1, 2)) < 0);
  });

  it("as text sorts as it compares, and comes back", () => {
    fc.assert(
      fc.property(order, order, (a, b) => {
        equal(orderText(a) < orderText(b), compareOrder(a, b) < 0);
        equal(orderText(a).length, 48);
        deepEqual(parseOrder(orderText(a)), a);
      }),
    );
    equal(orderText(orderAt(1_700_000_000_000, 255, 1)), `018bcfe568000001${idOf(255)}`);
  });

  it("refuses texts that are no order", () => {
    const good = orderText(orderAt(1, 1));
    for (const text of [
      "",
      good.slice(1),
      `${good}0`,
      good.toUpperCase().replace("0", "A"),
      good.replace("0", " "),
    ]) {
      assertCode(() => parseOrder(text), "WIRE_NOT_CANONICAL");
    }
  });
});
