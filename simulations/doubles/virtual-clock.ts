/**
 * The Clock port over virtual time: nothing happens until a test or a simulation runs it. After each event all that was waiting
 * for it goes on, before the next comes, so that a seed repeats.
 */
import { assert } from "../../src/core/base/errors.ts";
import type { CancelTimer, Clock, WallMs } from "../../src/core/base/ports.ts";
import { EventQueue } from "./event-queue.ts";

/** Somewhere in 2025; only differences matter. */
const WALL_FROM_MS = 1_750_000_000_000;

const RUN_MS_MAX = 3_600_000;

export interface VirtualClock extends Clock {
  /** Lets time pass until `work` is done, an hour at most. */
  readonly run: <Result>(work: Promise<Result>) => Promise<Result>;
  readonly runFor: (ms: number) => Promise<void>;
}

export function createVirtualClock(queue: EventQueue = new EventQueue()): VirtualClock {
  const after = (delayMs: number, fire: () => void): CancelTimer => {
    let isCancelled = false;
    queue.after(delayMs, () => {
      if (!isCancelled) fire();
    });
    return () => {
      isCancelled = true;
    };
  };
  const step = async (until: number): Promise<boolean> => {
    const isMore = queue.step(until);
    await settle();
    return isMore;
  };
  return {
    wallMs: () => (WALL_FROM_MS + queue.now) as WallMs,
    monotonicMs: () => queue.now,
    upMs: () => queue.now,
    after,
    run: async (work) => {
      let isDone = false;
      const markDone = (): void => {
        isDone = true;
      };
      work.then(markDone, markDone);
      await settle();
      const until = queue.now + RUN_MS_MAX;
      while (!isDone && (await step(until))) continue;
      assert(isDone, "work in virtual time comes to an end");
      return work;
    },
    runFor: async (ms) => {
      const until = queue.now + ms;
      await settle();
      while (await step(until)) continue;
    },
  };
}

/** Whatever waits for promises alone goes on until it waits for time. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
