/**
 * What is wanted of the peer and how it is asked for: assigned positions become due, due ones are named in a need, named ones
 * are asked until they come. Also heads, where a longer one is known to exist. Rules: docs/spec/sync.md, "Need and answer".
 * Tests: test/unit/sync/session.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { covers, intersect, NO_RANGES, type Ranges, subtract, union } from "../log/ranges.ts";
import { LOGS_MAX, type NeedEntry } from "../wire/frames.ts";
import type { KnownHeads } from "./known-heads.ts";
import type { PeerCopy } from "./peer-copy.ts";
import type { Receipts } from "./receipts.ts";
import { chunkLogs, gather, take, type Turn } from "./turn.ts";
import type { SessionView } from "./types.ts";
import { withPayload } from "./possession.ts";

/** How long nothing is asked after a commit that failed, at first and at most. */
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 60_000;

export class Needs {
  readonly #view: SessionView;
  readonly #copy: PeerCopy;
  readonly #heads: KnownHeads;
  readonly #receipts: Receipts;
  readonly #assigned = new Map<LogId, Ranges>();
  /** To be named in the next need. An empty set asks for the head alone. */
  readonly #due = new Map<LogId, Ranges>();
  /** Named in a need, wanted still, and not come. */
  readonly #asked = new Map<LogId, Ranges>();
  /** Ever named in a need: it may come late, or twice where it was asked for twice, and is no fault then. */
  readonly #everAsked = new Map<LogId, Ranges>();
  /** Extensions under way that are still of use, by the lengths they lead from and to. */
  readonly #headsAsked = new Map<LogId, { readonly from: number; readonly to: number }>();
  /** How many extensions the peer may still send, of use or not. */
  readonly #extensionsDue = new Map<LogId, number>();
  #retryMs = RETRY_MS;
  #retryAt = Infinity as MonotonicMs;

  constructor(parts: {
    readonly view: SessionView;
    readonly copy: PeerCopy;
    readonly heads: KnownHeads;
    readonly receipts: Receipts;
  }) {
    this.#view = parts.view;
    this.#copy = parts.copy;
    this.#heads = parts.heads;
    this.#receipts = parts.receipts;
  }

  get wakeAt(): MonotonicMs {
    return this.#retryAt;
  }

  /** True while nothing is asked, since the disk refuses what comes. */
  get isPaused(): boolean {
    return this.#retryAt !== Infinity;
  }

  assign(log: LogId, ranges: Ranges): void {
    gather(this.#assigned, log, ranges);
    gather(this.#due, log, subtract(ranges, this.#underWay(log)));
  }

  unassign(log: LogId, ranges: Ranges): void {
    take(this.#assigned, log, ranges);
    take(this.#due, log, ranges);
    // Given again it is asked for again: the first answer may never come.
    take(this.#asked, log, ranges);
  }

  /** Assigned ones among these are to be asked for once more. */
  again(log: LogId, ranges: Ranges): void {
    gather(this.#due, log, intersect(ranges, this.#assigned.get(log) ?? NO_RANGES));
  }

  /** Asked for by the session itself, not for the planner. */
  ask(log: LogId, ranges: Ranges): void {
    gather(this.#due, log, ranges);
  }

  /** The peer's signed head is wanted, from the one known here or, to compare two of one length, from nothing. */
  wantHead(log: LogId, from: "known" | "nothing"): void {
    if (from === "nothing") this.#headsAsked.set(log, { from: 0, to: this.#copy.lengthOf(log) });
    if (!this.#due.has(log)) this.#due.set(log, NO_RANGES);
  }

  wasAsked(log: LogId, ranges: Ranges): boolean {
    return covers(this.#everAsked.get(log) ?? NO_RANGES, ranges);
  }

  /** These came. True where any of them was still waited for. */
  arrived(log: LogId, ranges: Ranges): boolean {
    const wasAwaited = intersect(this.#asked.get(log) ?? NO_RANGES, ranges).length > 0;
    take(this.#asked, log, ranges);
    return wasAwaited;
  }

  /** An extension came. True where one was to come. */
  extensionArrived(log: LogId): boolean {
    const due = this.#extensionsDue.get(log) ?? 0;
    if (due === 0) return false;
    this.#extensionsDue.set(log, due - 1);
    this.#headsAsked.delete(log);
    return true;
  }

  /** The proof under way, if any, is of no more use. */
  forgetExtension(log: LogId): void {
    this.#headsAsked.delete(log);
  }

  /** The head known here has grown. */
  headGrew(log: LogId): void {
    const asked = this.#headsAsked.get(log);
    if (asked !== undefined && asked.to <= this.#heads.lengthOf(log)) this.#headsAsked.delete(log);
  }

  settled(log: LogId, ranges: Ranges): void {
    take(this.#assigned, log, ranges);
  }

  /** The peer cannot serve these now: the planner is told what of them it counted on. */
  absent(log: LogId, ranges: Ranges, turn: Turn): void {
    const wanted = union(this.#assigned.get(log) ?? NO_RANGES, this.#asked.get(log) ?? NO_RANGES);
    const given = intersect(wanted, ranges);
    if (given.length === 0) return;
    take(this.#asked, log, given);
    take(this.#assigned, log, given);
    take(this.#due, log, given);
    turn.put({ kind: "absent", ranges: new Map([[log, given]]) });
  }

  /** Gives up everything of a log, for instance since it forked. */
  forgo(log: LogId, turn: Turn): void {
    const wanted = union(this.#assigned.get(log) ?? NO_RANGES, this.#asked.get(log) ?? NO_RANGES);
    this.absent(log, wanted, turn);
    this.#due.delete(log);
  }

  pause(now: MonotonicMs): void {
    if (this.isPaused) return;
    this.#retryAt = (now + this.#retryMs) as MonotonicMs;
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }

  /** Something became durable, by this session or another: the disk takes what comes again. */
  resume(): void {
    this.#retryMs = RETRY_MS;
    this.#retryAt = Infinity as MonotonicMs;
  }

  woken(now: MonotonicMs): void {
    if (now >= this.#retryAt) this.#retryAt = Infinity as MonotonicMs;
  }

  /** Puts everything that is due into frames. */
  flush(turn: Turn): void {
    if (this.isPaused || this.#due.size === 0) return;
    const wanted = new Map<LogId, Ranges>();
    const headsOnly: NeedEntry[] = [];
    for (const [log, ranges] of this.#due) {
      // It may have come by another way, or unasked, since it was put here.
      const here = union(withPayload(this.#view, log), this.#underWay(log));
      const missing = subtract(ranges, here);
      if (missing.length > 0) wanted.set(log, missing);
      else if (ranges.length === 0) headsOnly.push(...this.#needHead(log));
    }
    this.#due.clear();
    for (let at = 0; at < headsOnly.length; at += LOGS_MAX) {
      turn.send({ kind: "need", logs: headsOnly.slice(at, at + LOGS_MAX) });
    }
    for (const chunk of chunkLogs(wanted)) {
      turn.send({ kind: "need", logs: chunk.map(({ log, ranges }) => this.#need(log, ranges)) });
    }
  }

  #needHead(log: LogId): readonly NeedEntry[] {
    const asked = this.#headsAsked.get(log);
    if (asked !== undefined && asked.from === 0) {
      this.#expectExtension(log);
      return [{ log, knownLength: 0, headLength: Math.max(asked.to, 1), ranges: NO_RANGES }];
    }
    const need = this.#need(log, NO_RANGES);
    return need.knownLength < need.headLength ? [need] : [];
  }

  #need(log: LogId, ranges: Ranges): NeedEntry {
    gather(this.#asked, log, ranges);
    gather(this.#everAsked, log, ranges);
    // Every line may be answered by one: the peer's head may have grown beyond the length it named.
    this.#expectExtension(log);
    const known = this.#heads.lengthOf(log);
    const headLength = Math.max(known, this.#copy.lengthOf(log), ranges.at(-1)?.to ?? 0);
    if (known === headLength) return { log, knownLength: known, headLength, ranges };
    // A proof that is on its way already is not sent twice to who names the length it leads to.
    const underWay = this.#headsAsked.get(log);
    if (underWay !== undefined && underWay.to >= headLength) {
      return { log, knownLength: headLength, headLength, ranges };
    }
    this.#headsAsked.set(log, { from: known, to: headLength });
    return { log, knownLength: known, headLength, ranges };
  }

  #expectExtension(log: LogId): void {
    this.#extensionsDue.set(log, (this.#extensionsDue.get(log) ?? 0) + 1);
  }

  /** Asked for, or on its way to the disk. */
  #underWay(log: LogId): Ranges {
    return union(this.#asked.get(log) ?? NO_RANGES, this.#receipts.rangesOf(log));
  }
}
