/** When a device catches up, and what is told of it. */
import { deepEqual, equal } from "node:assert/strict";
import { CatchingUp } from "../../../src/app/node/catching-up.ts";
import type { NewEvent } from "../../../src/app/node/event-hub.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function set(): {
  catching: CatchingUp;
  told: (readonly [number, number | null])[];
  clock: ManualClock;
  miss: (count: number) => void;
} {
  const clock = new ManualClock();
  const told: (readonly [number, number | null])[] = [];
  let missing = 0;
  const emit = (event: NewEvent): void => {
    if (event.event === "progress") told.push([event.done, event.total]);
  };
  const catching = new CatchingUp({ missing: () => missing, emit, now: clock.monotonicMs });
  const miss = (count: number): void => {
    missing = count;
  };
  return { catching, told, clock, miss };
}

describe("Catching up", () => {
  it("begins above 200 missing entries and lasts to the last of them", () => {
    const { catching, miss } = set();
    miss(200);
    catching.advanced();
    equal(catching.isRunning, false);
    miss(201);
    equal(catching.isRunning, true, "from the first message on");
    catching.advanced();
    miss(3);
    catching.advanced();
    equal(catching.isRunning, true);
    miss(0);
    catching.reached();
    equal(catching.isRunning, false);
  });

  it("is told four times a second at most, with a total that only grows, and at its end", () => {
    const { catching, told, clock, miss } = set();
    miss(1_000);
    for (let left = 1_000; left > 0; left -= 10) {
      miss(left === 500 ? 900 : left);
      catching.advanced();
      clock.pass(10);
    }
    miss(0);
    catching.reached();
    equal(told.length, 5);
    deepEqual(told[0], [0, 1_000]);
    deepEqual(told.at(-1), [1_000, 1_000]);
  });

  it("goes on where another peer still has what is missing, and ends where nobody has", () => {
    const { catching, told, miss } = set();
    miss(500);
    catching.advanced();
    miss(100);
    catching.reached();
    catching.interrupted();
    equal(catching.isRunning, true);
    miss(0);
    catching.interrupted();
    equal(catching.isRunning, false);
    equal(told.length, 1);
  });
});
