/** The count of time that no jump of a clock ends a waiting by. */
import { deepEqual, equal } from "node:assert/strict";
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import {
  decodeTimePassed,
  encodeTimePassed,
  passTime,
  type TimePassed,
} from "../../../src/core/membership/time-passed.ts";
import { assertCode } from "../../support/assert-code.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const BEGIN: TimePassed = { countedMs: 1_750_000_000_000, wallMs: 1_750_000_000_000 };

/** How long `steps` of (wall clock forward by, program ran for) count. */
function counted(...steps: readonly (readonly [wall: number, ran: number])[]): number {
  let time = BEGIN;
  for (const [wall, ranMs] of steps) time = passTime(time, { wallMs: time.wallMs + wall, ranMs });
  return time.countedMs - BEGIN.countedMs;
}

describe("the time that has passed here", () => {
  it("begins with the wall clock", () => {
    deepEqual(passTime(null, { wallMs: 77, ranMs: 5 }), { countedMs: 77, wallMs: 77 });
  });

  it("is that of the clocks while they agree, also over sleep and over days without running", () => {
    equal(counted([HOUR, HOUR], [9 * HOUR, HOUR], [3 * DAY, 0]), 10 * HOUR + 3 * DAY);
  });

  it("L13: is a week longer at most for each time that the clock jumps ahead", () => {
    equal(counted([3_650 * DAY, HOUR]), 7 * DAY + HOUR);
    equal(counted([3_650 * DAY, 0], [HOUR, HOUR]), 7 * DAY + HOUR);
  });

  it("L13: goes on while the clock goes back, and never goes back itself", () => {
    equal(counted([-3_650 * DAY, HOUR]), HOUR);
    equal(counted([-DAY, 0]), 0);
    equal(counted([-DAY, 0], [HOUR, 0]), HOUR);
    equal(counted([-DAY, 10.75]), 10);
  });

  it("is kept as bytes, and of another version not read", () => {
    deepEqual(decodeTimePassed(new ByteReader(encodeTimePassed(BEGIN))), BEGIN);
    const other = encodeTimePassed(BEGIN);
    other[0] = 2;
    assertCode(() => decodeTimePassed(new ByteReader(other)), "WIRE_UNKNOWN_VERSION");
    assertCode(
      () => decodeTimePassed(new ByteReader(encodeTimePassed(BEGIN).slice(0, -1))),
      "WIRE_TRUNCATED",
    );
  });
});
