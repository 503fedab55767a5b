/**
 * What this device has asked one peer to keep, in one session, and what the peer has said to it. A promise counts only as the answer to an ask
 * that was sent when nothing of it was being released: frames keep their order, so the peer has heard every release that was sent before the
 * ask, and none is sent while an ask for the same positions is open. Pure. Rules: docs/spec/sync.md, "Keeping".
 * Tests: test/unit/sync/peer-promises.test.ts.
 */
import { common, countIn, NOTHING, unite, without, withinLimits } from "./promises.ts";
import type { RangesByLog } from "./types.ts";

/** The peer closes the session where more wait; of who answers none, an older version, only the newest are remembered. */
const ASKS_MAX = 64;

interface Ask {
  /** Not answered yet. */
  readonly open: RangesByLog;
  readonly promised: RangesByLog;
}

export class PeerPromises {
  readonly #asks = new Map<number, Ask>();
  readonly #watched = new Set<number>();
  #lastNumber = 0;
  /** Promised as far as is known here, and neither relied on nor released. */
  #loose: RangesByLog = NOTHING;

  /** The number of a new ask, which is to be sent now. */
  ask(places: RangesByLog): number {
    const [oldest] = this.#asks.keys();
    if (this.#asks.size === ASKS_MAX) this.#asks.delete(oldest!);
    this.#asks.set(++this.#lastNumber, { open: places, promised: NOTHING });
    return this.#lastNumber;
  }

  /** `answer` will be asked for it, until it is ended. */
  watch(number: number): void {
    this.#watched.add(number);
  }

  /**
   * `number` is that of the ask it answers, 0 of none. Of what is no ask's answer too much is not kept: it binds nobody but the peer. Returns what
   * of it answers an ask.
   */
  promised(number: number, places: RangesByLog): RangesByLog {
    this.returned(places);
    const ask = this.#asks.get(number);
    if (ask === undefined) return NOTHING;
    const answered = common(places, ask.open);
    const promised = unite(ask.promised, withinLimits(ask.promised, answered));
    this.#set(number, { open: without(ask.open, answered), promised });
    return answered;
  }

  /** Whatever was promised of these before counts no more. */
  refused(number: number, places: RangesByLog): void {
    this.#loose = without(this.#loose, places);
    for (const [each, { open, promised }] of this.#asks)
      this.#set(each, {
        open: each === number ? without(open, places) : open,
        promised: without(promised, places),
      });
  }

  /** What an ask has come to so far. */
  answer(number: number): { readonly openCount: number; readonly promised: RangesByLog } {
    const { open, promised } = this.#asks.get(number) ?? { open: NOTHING, promised: NOTHING };
    return { openCount: countIn(open), promised };
  }

  /** Nobody looks at its answer any more. What is still open may be answered, and is not released before. */
  end(number: number): void {
    this.#watched.delete(number);
    const ask = this.#asks.get(number);
    if (ask !== undefined) this.#set(number, ask);
  }

  /** Promised, not relied on any more, and not released yet. */
  returned(places: RangesByLog): void {
    this.#loose = unite(this.#loose, withinLimits(this.#loose, places));
  }

  /** What may be relied on or released now: the peer is asked for none of it at this moment. */
  get settled(): RangesByLog {
    if (this.#loose.size === 0) return NOTHING;
    let left = this.#loose;
    for (const { open } of this.#asks.values()) left = without(left, open);
    return left;
  }

  /** These were relied on, or released. */
  taken(places: RangesByLog): void {
    this.#loose = without(this.#loose, places);
  }

  #set(number: number, ask: Ask): void {
    if (this.#watched.has(number)) this.#asks.set(number, ask);
    else if (ask.open.size === 0) this.#asks.delete(number);
    else this.#asks.set(number, { ...ask, promised: NOTHING });
  }
}
