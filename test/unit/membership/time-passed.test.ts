/** The count of time that no jump of a clock ends a waiting by. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import {
  beginTime,
  decodeTimePassed,
  encodeTimePassed,
  passTime,
  type TimePassed,
} from "../../../src/core/membership/time-passed.ts";
import { assertCode } from "../../support/assert-code.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const BEGIN = beginTime({ wallMs: 1_750_000_000_000, upMs: 1_000 });

/** Wall clock forward by, program ran for, and what the machine was up since the last look; null: it was switched on then, or is a moment later. */
type Step = readonly [wall: number, ran: number, up?: number | null | undefined];

/** One look later. Where a step does not say it, the machine was up for as long as the program ran. */
function after(time: TimePassed, [wall, ranMs, up = ranMs]: Step): TimePassed {
  const upMs = up === null ? ranMs : time.upMs + up;
  return passTime(time, { wallMs: time.wallMs + wall, ranMs, upMs });
}

/** How much these steps count. */
function counted(...steps: readonly Step[]): number {
  return steps.reduce(after, BEGIN).countedMs - BEGIN.countedMs;
}

/** After how many such steps 30 days have been counted. */
function untilMonth(step: Step): number {
  let time = BEGIN;
  for (let steps = 1; steps < 10_000; steps++) {
    time = after(time, step);
    if (time.countedMs - BEGIN.countedMs >= 30 * DAY) return steps;
  }
  return Number.POSITIVE_INFINITY;
}

describe("the time that has passed here", () => {
  it("begins with the wall clock, where that can be right, or where it is told to", () => {
    const rest = { upMs: 5, allowanceMs: WEEK };
    deepEqual(beginTime({ wallMs: 2 ** 41, upMs: 5.5 }), { countedMs: 2 ** 41, wallMs: 2 ** 41, ...rest });
    deepEqual(beginTime({ wallMs: 77, upMs: 5 }), { countedMs: 2 ** 40, wallMs: 77, ...rest });
    deepEqual(beginTime({ wallMs: 77, upMs: 5 }, 9), { countedMs: 9, wallMs: 77, ...rest });
  });

  it("is that of the clocks while they agree, also over sleep and over days without running", () => {
    equal(counted([HOUR, HOUR], [9 * HOUR, HOUR, 9 * HOUR], [3 * DAY, 0, null]), 10 * HOUR + 3 * DAY);
    equal(counted([300 * DAY, HOUR, 300 * DAY]), 300 * DAY, "asleep for most of a year");
    equal(counted([300 * DAY, 0, 300 * DAY]), 300 * DAY, "up, and no program ran");
  });

  it("L13: is a week longer at most where the clock jumps ahead, however often and over however many starts", () => {
    equal(counted([3_650 * DAY, HOUR]), WEEK + HOUR);
    equal(counted([3_650 * DAY, 0], [HOUR, HOUR]), WEEK + HOUR);
    const start: Step = [WEEK, 0, null];
    equal(counted(start, start, start, start, start), WEEK);
    const back: Step = [-3_650 * DAY, 0, null];
    equal(counted([3_650 * DAY, 0, null], back, [3_650 * DAY, 0, null], back), WEEK);
  });

  it("L13: makes 69 hours of thirty days at the least, whatever the wall clock does at every look", () => {
    equal(untilMonth([WEEK, HOUR]), 70, "what the first one gives back is lost");
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            wall: fc.integer({ min: -20 * DAY, max: 20 * DAY }),
            ran: fc.nat(6 * HOUR),
            up: fc.constantFrom(undefined, null),
          }),
          { maxLength: 60 },
        ),
        (steps) => {
          const ran = steps.reduce((sum, each) => sum + each.ran, 0);
          const sum = counted(...steps.map(({ wall, ran: each, up }): Step => [wall, each, up]));
          ok(sum >= ran);
          // Where the machine was switched on, what it was up since then is certain as well: it is what the program ran.
          ok(sum <= WEEK + 8 * ran, `${sum} of ${ran}`);
        },
      ),
    );
  });

  it("ends the bin of a device that is seldom on, in as many days and weeks as are promised", () => {
    const daily = (hours: number): number => {
      let time = BEGIN;
      for (let day = 1; day < 1_000; day++) {
        time = after(after(time, [hours * HOUR, hours * HOUR]), [DAY - hours * HOUR, 0, null]);
        if (time.countedMs - BEGIN.countedMs >= 30 * DAY) return day;
      }
      return Number.POSITIVE_INFINITY;
    };
    deepEqual([daily(8), daily(3), daily(2), daily(1)], [30, 30, 36, 70]);
    equal(untilMonth([WEEK, HOUR, null]), 70, "an hour a week");
    equal(Math.ceil(untilMonth([WEEK, HOUR, WEEK]) * 7), 35, "the same, asleep in between");
    equal(counted([365 * DAY, 0, null], [DAY, DAY], [365 * DAY, 0, null]), 2 * WEEK + DAY, "off for years");
  });

  it("L13: goes on while the clock goes back, and never goes back itself", () => {
    equal(counted([-3_650 * DAY, HOUR]), HOUR);
    equal(counted([-DAY, 0]), 0);
    equal(counted([-DAY, 0], [HOUR, 0]), HOUR);
    equal(counted([-DAY, 10.75]), 10);
    equal(counted([-365 * DAY, HOUR], [30 * DAY, 30 * DAY], [365 * DAY, HOUR]), 30 * DAY + WEEK + 2 * HOUR);
  });

  it("L13: takes nothing for certain that the wall clock does not show, where the directory came from another machine", () => {
    equal(counted([HOUR, 0, 700 * DAY]), HOUR);
    equal(counted([-HOUR, 0, 700 * DAY]), 0);
  });

  it("is kept as bytes, and of another version not read", () => {
    const time = after(BEGIN, [2 * DAY, HOUR]);
    deepEqual(decodeTimePassed(new ByteReader(encodeTimePassed(time))), time);
    const other = encodeTimePassed(BEGIN);
    other[0] = 1;
    assertCode(() => decodeTimePassed(new ByteReader(other)), "WIRE_UNKNOWN_VERSION");
    assertCode(
      () => decodeTimePassed(new ByteReader(encodeTimePassed(BEGIN).slice(0, -1))),
      "WIRE_TRUNCATED",
    );
  });
});
