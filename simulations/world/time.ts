/**
 * Virtual time for whole devices: one queue of events, and after each of them everything goes on until it waits for time again. Work
 * for threads (HPKE) is done one after the other, and time stands still meanwhile, so that a seed repeats.
 */
import type { CancelTimer, Clock, MonotonicMs, WallMs, Workers } from "../../src/core/base/ports.ts";
import { EventQueue } from "../doubles/event-queue.ts";

/** Somewhere in 2025; only differences matter. */
export const WALL_FROM_MS = 1_750_000_000_000;

export class WorldTime implements Clock {
  readonly #queue = new EventQueue();
  #hasFired = false;
  #jobs = 0;
  #lastJob: Promise<unknown> = Promise.resolve();
  /** Events that have happened. */
  events = 0;

  readonly monotonicMs = (): MonotonicMs => this.#queue.now;

  readonly upMs = (): number => this.#queue.now;

  readonly wallMs = (): WallMs => (WALL_FROM_MS + this.#queue.now) as WallMs;

  readonly after = (delayMs: number, fire: () => void): CancelTimer => {
    let isCancelled = false;
    this.#queue.after(delayMs, () => {
      if (isCancelled) return;
      this.#hasFired = true;
      fire();
    });
    return () => {
      isCancelled = true;
    };
  };

  readonly workers: Workers = {
    run: (job) => {
      this.#jobs++;
      const done = this.#lastJob.then(job, job).finally(() => {
        this.#jobs--;
      });
      this.#lastJob = done.catch(() => undefined);
      return done;
    },
  };

  /** The next event and all that follows from it at once. False where nothing is due by `until`; then that is the time. */
  async step(until: number): Promise<boolean> {
    this.#hasFired = false;
    while (this.#queue.step(until)) {
      if (!this.#hasFired) continue;
      this.events++;
      await this.settle();
      return true;
    }
    return false;
  }

  /** Whatever waits for promises or threads alone goes on until it waits for time. */
  async settle(): Promise<void> {
    do await nextTurn();
    while (this.#jobs > 0);
  }
}

/** As the one of node:timers/promises, which costs three times as much: it is asked for after every event. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
