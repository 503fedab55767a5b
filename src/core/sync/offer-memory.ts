/**
 * What a peer said of logs that could not be judged yet: their owner's control entries were not here, or the peer was no known
 * member. Looked at again when the members change. Bounded, since a stranger fills it. Tests: test/unit/sync/session-members.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import { type Ranges, union } from "../log/ranges.ts";
import type { FrontierEntry } from "../wire/frames.ts";

const LOGS_MAX = 4_096;
const RANGES_MAX = 65_536;

export class OfferMemory {
  readonly #entries = new Map<LogId, FrontierEntry>();
  #rangeCount = 0;
  #isOverfull = false;

  /** True where everything the peer spoke of is known here. */
  get isEmpty(): boolean {
    return this.#entries.size === 0 && !this.#isOverfull;
  }

  /** Adds to what was said of the log. What goes over the bounds is forgotten until the peer says it again. */
  remember(entry: FrontierEntry): void {
    const before = this.#entries.get(entry.log);
    const held: Ranges = before === undefined ? entry.held : union(before.held, entry.held);
    const rangeCount = this.#rangeCount + held.length - (before?.held.length ?? 0);
    const isTooMuch = rangeCount > RANGES_MAX || (before === undefined && this.#entries.size >= LOGS_MAX);
    if (isTooMuch) {
      this.#isOverfull = true;
      return;
    }
    this.#rangeCount = rangeCount;
    this.#entries.set(
      entry.log,
      before !== undefined && before.length > entry.length ? { ...before, held } : { ...entry, held },
    );
  }

  /** The peer has nothing that is not here. */
  clear(): void {
    this.#entries.clear();
    this.#rangeCount = 0;
    this.#isOverfull = false;
  }

  /** Takes out what may be judged now. */
  recall(isKnown: (log: LogId) => boolean): readonly FrontierEntry[] {
    const entries = [...this.#entries.values()].filter(({ log }) => isKnown(log));
    for (const { log, held } of entries) {
      this.#entries.delete(log);
      this.#rangeCount -= held.length;
    }
    return entries;
  }
}
