/** A clock that stands until a test moves it; wall time and monotonic time move together unless the wall is set. */
import type { CancelTimer, Clock, MonotonicMs, WallMs } from "../../src/core/base/ports.ts";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

export class ManualClock implements Clock {
  #now = 1_000;
  #upFrom = 0;
  #wallAhead = 1_750_000_000_000;
  readonly #timers = new Set<Timer>();

  readonly monotonicMs = (): MonotonicMs => this.#now as MonotonicMs;

  readonly upMs = (): number => this.#now - this.#upFrom;

  readonly wallMs = (): WallMs => (this.#now + this.#wallAhead) as WallMs;

  readonly after = (delayMs: number, fire: () => void): CancelTimer => {
    const timer = { at: this.#now + delayMs, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Timers that have not fired and were not cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Somebody sets the machine's clock. */
  setWall(ms: number): void {
    this.#wallAhead = ms - this.#now;
  }

  /** The machine is switched off, and on again so much later: only the wall clock shows that time. */
  off(ms: number): void {
    this.#wallAhead += ms;
    this.#upFrom = this.#now;
  }

  /** Time passes without a timer firing, as it does while a process is busy. */
  pass(ms: number): void {
    this.#now += ms;
  }

  /** Time passes, and what is due fires in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
    }
    this.#now = until;
  }
}

/** Lets everything that waits for promises alone go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
