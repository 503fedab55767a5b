import { deepEqual } from "node:assert/strict";
import { untilNoneLeft } from "../../../src/app/node/until-none-left.ts";
import { createVirtualClock } from "../../../simulations/doubles/virtual-clock.ts";

/** When it ends, and what is left then, where one comes every so often; each wakes the waiter, and so does `noise`. */
async function wait(options: {
  readonly left: number;
  readonly everyMs: number;
  readonly isNoise?: boolean;
  readonly overAtMs?: number;
  readonly moreSilences?: number;
}): Promise<readonly [atMs: number, left: number]> {
  const clock = createVirtualClock();
  let { left, moreSilences = 0 } = { ...options };
  let wake = (): void => undefined;
  const come = (): void => {
    if (options.isNoise !== true) left--;
    wake();
    if (left > 0) clock.after(options.everyMs, come);
  };
  clock.after(options.everyMs, come);
  const waiting = untilNoneLeft({
    clock,
    left: () => left,
    next: () => new Promise((resolve) => (wake = resolve)),
    patienceMs: 1_000,
    longestMs: 5_000,
    isOver: () => clock.monotonicMs() >= (options.overAtMs ?? Infinity),
    onSilence: () => moreSilences-- > 0,
  });
  await clock.run(waiting);
  return [clock.monotonicMs(), left];
}

describe("waiting for what comes piece by piece", () => {
  it("ends with the last of it", async () => deepEqual(await wait({ left: 4, everyMs: 900 }), [3_600, 0]));

  it("does not begin where nothing is left", async () =>
    deepEqual(await wait({ left: 0, everyMs: 900 }), [0, 0]));

  it("ends when nothing more comes for a while, whatever else happens", async () => {
    deepEqual(await wait({ left: 4, everyMs: 1_100 }), [1_000, 4]);
    deepEqual(await wait({ left: 4, everyMs: 300, isNoise: true }), [1_000, 4]);
  });

  it("goes on after a silence where that may help", async () =>
    deepEqual(await wait({ left: 4, everyMs: 3_500, moreSilences: 2 }), [3_000, 4]));

  it("N8: ends in the end, however steadily a little comes", async () =>
    deepEqual(await wait({ left: 100, everyMs: 900 }), [5_000, 95]));

  it("ends when nothing can come any more", async () =>
    deepEqual(await wait({ left: 4, everyMs: 900, overAtMs: 1_500 }), [1_800, 2]));
});
