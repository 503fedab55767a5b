import { deepEqual } from "node:assert/strict";
import type { DeviceId, LogId } from "../../../src/core/base/ids.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import { NOTHING } from "../../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";
import { BrokenPromises, TELL_AFTER_MS } from "../../../src/app/node/broken-promises.ts";
import { createVirtualClock, type VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";

const laptop = "aa".repeat(32) as DeviceId;
const tablet = "bb".repeat(32) as DeviceId;
const places = (from: number, to: number): RangesByLog =>
  new Map([["cc".repeat(32) as LogId, rangeOf(from, to)]]);

describe("broken promises", () => {
  let clock: VirtualClock;
  let unkept: RangesByLog;
  let told: (readonly [DeviceId, number])[];
  let promises: BrokenPromises;
  beforeEach(() => {
    clock = createVirtualClock();
    unkept = places(0, 9);
    told = [];
    promises = new BrokenPromises({
      clock,
      unkept: () => unkept,
      tell: (device, entries) => told.push([device, entries]),
    });
  });

  it("are told after a while, those of one device together", async () => {
    promises.noticed(laptop, places(0, 2));
    await clock.runFor(TELL_AFTER_MS - 1);
    promises.noticed(laptop, places(1, 4));
    promises.noticed(tablet, places(8, 9));
    deepEqual(told, []);
    await clock.runFor(1);
    deepEqual(told, [
      [laptop, 4],
      [tablet, 1],
    ]);
    await clock.runFor(2 * TELL_AFTER_MS);
    deepEqual(told.length, 2, "once");
  });

  it("are told only as far as nobody else has promised by then", async () => {
    promises.noticed(laptop, places(0, 4));
    unkept = places(3, 9);
    await clock.runFor(TELL_AFTER_MS);
    deepEqual(told, [[laptop, 1]]);
    promises.noticed(laptop, places(0, 4));
    unkept = NOTHING;
    await clock.runFor(TELL_AFTER_MS);
    deepEqual(told, [[laptop, 1]]);
  });

  it("are told no more once the device closes", async () => {
    promises.noticed(laptop, places(0, 4));
    promises.close();
    await clock.runFor(TELL_AFTER_MS);
    deepEqual(told, []);
  });
});
