/**
 * When each position was asked of one peer. A peer that brings something now and then does not stall, and could keep back a single entry, a
 * revocation for instance, for as long as it likes: what it has not brought in time is asked of whoever else offers it.
 * Rules: docs/spec/sync.md, "Order". Tests: test/unit/sync/planner.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { intersect, NO_RANGES, type Ranges } from "../log/ranges.ts";
import type { RangesByLog } from "./types.ts";

/** Long, since what one peer is asked for takes its turns. */
export const KEPT_BACK_MS = 60_000;

interface Given {
  readonly log: LogId;
  readonly ranges: Ranges;
  readonly at: MonotonicMs;
}

export class KeptBack {
  /** All that the peer is asked for now. */
  readonly #assigned: RangesByLog;
  /** Oldest first. Of what came, or was taken back, something may stand here still. */
  readonly #given: Given[] = [];

  constructor(assigned: RangesByLog) {
    this.#assigned = assigned;
  }

  given(log: LogId, ranges: Ranges, now: MonotonicMs): void {
    this.#given.push({ log, ranges, at: now });
  }

  /** Everything was taken back. */
  clear(): void {
    this.#given.length = 0;
  }

  /** When the oldest of what has not come is due. */
  get dueAt(): MonotonicMs {
    while (this.#given.length > 0 && this.#left(this.#given[0]!).length === 0) this.#given.shift();
    return ((this.#given[0]?.at ?? Infinity) + KEPT_BACK_MS) as MonotonicMs;
  }

  /** What is due now. It is due again when as much time has passed, if it is still asked of this peer then. */
  due(now: MonotonicMs): readonly Omit<Given, "at">[] {
    const due: Given[] = [];
    while (now >= this.dueAt) {
      const given = this.#given.shift()!;
      due.push({ ...given, ranges: this.#left(given), at: now });
    }
    this.#given.push(...due);
    return due;
  }

  #left({ log, ranges }: Given): Ranges {
    return intersect(this.#assigned.get(log) ?? NO_RANGES, ranges);
  }
}
