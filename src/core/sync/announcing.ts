/**
 * The telling half of a session: what this device wrote is pushed at once, what it took in from others is announced a little
 * later, and only where the peer does not know it yet. Rules: docs/spec/sync.md, "Live".
 * Tests: test/unit/sync/session.test.ts.
 */
import type { DeviceId, LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { covers, NO_RANGES, type Ranges, rangeOf, subtract, union } from "../log/ranges.ts";
import type { Head } from "../log/types.ts";
import { FRAME_RANGES_MAX, type FrontierEntry, FRONTIER_LOGS_MAX, RANGES_MAX } from "../wire/frames.ts";
import type { PeerCopy } from "./peer-copy.ts";
import { countedRanges } from "./possession.ts";
import { PUSH_ENTRIES_MAX, type Serving } from "./serving.ts";
import { gather, type Turn } from "./turn.ts";
import type { SessionView } from "./types.ts";

/** What comes from others usually reaches all by its author's push: wait for that before telling. */
const ANNOUNCE_AFTER_MS = 100;
const ANNOUNCE_EVERY_MS = 200;

export class Announcing {
  readonly #self: DeviceId;
  readonly #view: SessionView;
  readonly #copy: PeerCopy;
  readonly #serving: Serving;
  readonly #mayKnow: (log: LogId) => boolean;
  readonly #untold = new Set<LogId>();
  /** What the peer knows to be held here: told, acknowledged or sent. */
  readonly #told = new Map<LogId, Ranges>();
  #announceAt = Infinity as MonotonicMs;
  #announcedAt = -Infinity as MonotonicMs;

  /** `mayKnow` says whether the peer may be told of a log now. */
  constructor(parts: {
    readonly self: DeviceId;
    readonly view: SessionView;
    readonly copy: PeerCopy;
    readonly serving: Serving;
    readonly mayKnow: (log: LogId) => boolean;
  }) {
    this.#self = parts.self;
    this.#view = parts.view;
    this.#copy = parts.copy;
    this.#serving = parts.serving;
    this.#mayKnow = parts.mayKnow;
  }

  get wakeAt(): MonotonicMs {
    return this.#announceAt;
  }

  /** A log grew here, or the peer spoke of it. Before the peer's copy is known nothing is pushed: `catchUp` makes up for it. */
  reconsider(log: LogId, turn: Turn): void {
    if (this.#copy.isKnown && this.#isOwn(log)) this.#push(log, turn);
    if (this.#isNews(log)) this.#tellLater(log, turn, ANNOUNCE_AFTER_MS);
  }

  /** The peer knows by another way that these are held here. */
  told(log: LogId, ranges: Ranges): void {
    gather(this.#told, log, ranges);
  }

  /** The peer's copy has become known: what grew before that is pushed, or announced. */
  catchUp(turn: Turn): void {
    for (const log of this.#view.frontier.keys()) this.reconsider(log, turn);
  }

  woken(turn: Turn): void {
    if (turn.now < this.#announceAt) return;
    this.#announceAt = Infinity as MonotonicMs;
    // What is to be told waits in `catchUp` for the peer's own word.
    if (!this.#copy.isKnown) return;
    this.#announcedAt = turn.now;
    const logs = [...this.#untold].filter((log) => this.#isNews(log));
    this.#untold.clear();
    this.#send(logs, turn);
  }

  /** Everything that is held here and that the peer may know of. */
  frontier(turn: Turn): void {
    this.#untold.clear();
    this.#announceAt = Infinity as MonotonicMs;
    this.#announcedAt = turn.now;
    if (this.#send([...this.#view.frontier.keys()], turn) === 0)
      turn.send({ kind: "frontier", last: true, logs: [] });
  }

  #isOwn(log: LogId): boolean {
    return this.#view.members.logs.get(log)?.device === this.#self;
  }

  /** True where something is held here that the peer neither knows of nor will see coming. */
  #isNews(log: LogId): boolean {
    const held = this.#view.frontier.get(log)?.held ?? NO_RANGES;
    const known = union(this.#told.get(log) ?? NO_RANGES, this.#serving.pushedOf(log));
    return !covers(known, this.#counted(log, held));
  }

  #push(log: LogId, turn: Turn): void {
    const head = this.#view.frontier.get(log)?.head;
    // One push of a log at a time: what is appended meanwhile follows in one, so a burst makes few batches.
    if (head === undefined || !this.#mayKnow(log) || this.#serving.isPushing(log)) return;
    const end = Math.max(this.#copy.endOf(log), this.#serving.pushedOf(log).at(-1)?.to ?? 0);
    const due = this.#counted(log, rangeOf(end, head.length));
    const count = due.length === 0 ? 0 : due[0]!.to - due[0]!.from;
    if (count > PUSH_ENTRIES_MAX) this.#tellLater(log, turn, 0);
    else if (count > 0) this.#pushHeld(head, due, turn);
  }

  #pushHeld(head: Head, due: Ranges, turn: Turn): void {
    // A restored device may know a longer own log than it holds, and payloads may have been evicted.
    const held = this.#view.frontier.get(head.log)?.held ?? NO_RANGES;
    const missing = subtract(due, subtract(held, this.#view.evicted.get(head.log) ?? NO_RANGES));
    if (missing.length === 0) this.#serving.push(head, due, turn);
  }

  #counted(log: LogId, ranges: Ranges): Ranges {
    return countedRanges(ranges, this.#view.members.logs.get(log));
  }

  #tellLater(log: LogId, turn: Turn, delayMs: number): void {
    this.#untold.add(log);
    const due = Math.max(turn.now + delayMs, this.#announcedAt + ANNOUNCE_EVERY_MS);
    this.#announceAt = Math.min(this.#announceAt, due) as MonotonicMs;
  }

  /** Returns how many frames it took. */
  #send(logs: readonly LogId[], turn: Turn): number {
    const frames: FrontierEntry[][] = [];
    let frame: FrontierEntry[] = [];
    let rangeCount = 0;
    for (const log of logs) {
      const entry = this.#entry(log);
      if (entry === undefined) continue;
      if (frame.length === FRONTIER_LOGS_MAX || rangeCount + entry.held.length > FRAME_RANGES_MAX) {
        frames.push(frame);
        frame = [];
        rangeCount = 0;
      }
      frame.push(entry);
      rangeCount += entry.held.length;
    }
    if (frame.length > 0) frames.push(frame);
    for (const [at, entries] of frames.entries()) {
      turn.send({ kind: "frontier", last: at === frames.length - 1, logs: entries });
    }
    return frames.length;
  }

  #entry(log: LogId): FrontierEntry | undefined {
    const state = this.#view.frontier.get(log);
    const owner = this.#view.members.logs.get(log);
    if (state === undefined || owner === undefined || !this.#mayKnow(log)) return undefined;
    const { length, root } = state.head;
    const held = countedRanges(state.held, owner);
    this.#told.set(log, held);
    // Of many holes the newest: what is not named is merely not offered.
    return { log, length, root, held: held.slice(-RANGES_MAX) };
  }
}
