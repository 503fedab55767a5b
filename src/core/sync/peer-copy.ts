/**
 * What the peer is known to hold, and in which logs that differs from what is held here. Kept up to date log by log, so that
 * "both hold the same" is known at once after the last acknowledgement and costs nothing to ask.
 * Tests: test/unit/sync/session.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import { countOf, covers, NO_RANGES, type Ranges, subtract, union } from "../log/ranges.ts";
import type { Frontier } from "../log/types.ts";
import type { MemberView } from "../membership/types.ts";
import type { FrontierEntry } from "../wire/frames.ts";
import { countedRanges } from "./possession.ts";

interface Copy {
  /** Length of the peer's head. */
  length: number;
  held: Ranges;
}

export class PeerCopy {
  readonly #view: { readonly frontier: Frontier; readonly members: MemberView };
  readonly #copies = new Map<LogId, Copy>();
  readonly #differing = new Set<LogId>();
  #isKnown = false;

  constructor(view: { readonly frontier: Frontier; readonly members: MemberView }) {
    this.#view = view;
  }

  /** True once the peer has said of every log what it holds. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** True where both are known to hold the same of all logs that count. */
  get isEqual(): boolean {
    return this.#isKnown && this.#differing.size === 0;
  }

  heldOf(log: LogId): Ranges {
    return this.#copies.get(log)?.held ?? NO_RANGES;
  }

  /** Length of the longest head that the peer has named of this log. */
  lengthOf(log: LogId): number {
    return this.#copies.get(log)?.length ?? 0;
  }

  /** Where the peer's copy ends: the position behind the last one it holds. */
  endOf(log: LogId): number {
    return this.heldOf(log).at(-1)?.to ?? 0;
  }

  /** True where the peer has all that is held here of a log and counts. */
  hasAllOf(log: LogId): boolean {
    return covers(this.heldOf(log), this.#ownOf(log));
  }

  /** Every log has been spoken of. True for the first time. */
  becomeKnown(): boolean {
    if (this.#isKnown) return false;
    this.#isKnown = true;
    this.compareAll();
    return true;
  }

  /** The peer holds exactly what `frontier` says. Returns the logs of which something else is held here by now. */
  becomeEqualTo(frontier: Frontier): readonly LogId[] {
    this.#copies.clear();
    this.#differing.clear();
    this.#isKnown = true;
    for (const [log, { head, held }] of frontier) this.#copies.set(log, { length: head.length, held });
    const changed: LogId[] = [];
    // States never change in place, so the same object is the same state.
    for (const [log, state] of this.#view.frontier) if (frontier.get(log) !== state) changed.push(log);
    for (const log of changed) this.compare(log);
    return changed;
  }

  /** A line of the peer's frontier takes the place of what was known of that log. */
  replace({ log, length, held }: Pick<FrontierEntry, "log" | "length" | "held">): void {
    this.#copies.set(log, { length, held });
    this.compare(log);
  }

  noteLength(log: LogId, length: number): void {
    this.#copyOf(log).length = Math.max(this.lengthOf(log), length);
  }

  add(log: LogId, ranges: Ranges): void {
    const copy = this.#copyOf(log);
    copy.held = union(copy.held, ranges);
    copy.length = Math.max(copy.length, ranges.at(-1)?.to ?? 0);
    this.compare(log);
  }

  remove(log: LogId, ranges: Ranges): void {
    const copy = this.#copyOf(log);
    copy.held = subtract(copy.held, ranges);
    this.compare(log);
  }

  /** After what is held here of a log, or what of it counts, has changed. */
  compare(log: LogId): void {
    const theirs = this.heldOf(log);
    const owner = this.#view.members.logs.get(log);
    // What the peer has of a log unknown here counts for the peer, or it would not have named it.
    const counted = owner === undefined ? theirs : countedRanges(theirs, owner);
    const own = this.#ownOf(log);
    const isSame = countOf(counted) === countOf(own) && covers(counted, own);
    if (isSame) this.#differing.delete(log);
    else this.#differing.add(log);
  }

  compareAll(): void {
    for (const log of this.#copies.keys()) this.compare(log);
    for (const log of this.#view.frontier.keys()) this.compare(log);
  }

  #ownOf(log: LogId): Ranges {
    return countedRanges(this.#view.frontier.get(log)?.held ?? NO_RANGES, this.#view.members.logs.get(log));
  }

  #copyOf(log: LogId): Copy {
    let copy = this.#copies.get(log);
    if (copy === undefined) this.#copies.set(log, (copy = { length: 0, held: NO_RANGES }));
    return copy;
  }
}
