/**
 * The answering half of a session: needs become `extend` and `serve` outputs, and what was sent is counted until the peer has
 * acknowledged it. Reads no store; knows positions, not bytes. Rules: docs/spec/sync.md, "Order" and "Credit".
 * Tests: test/unit/sync/session.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { countOf, covers, intersect, NO_RANGES, type Ranges, subtract, union } from "../log/ranges.ts";
import type { Head } from "../log/types.ts";
import type { NeedEntry } from "../wire/frames.ts";
import type { PeerCopy } from "./peer-copy.ts";
import { countedRanges } from "./possession.ts";
import { gather, type Turn } from "./turn.ts";
import type { SessionView, Ticket } from "./types.ts";

/** docs/spec/sync.md, "Credit": a further batch goes out while less than both is unacknowledged. */
export const CREDIT_BATCHES = 8;
export const CREDIT_BYTES = 4 * 1024 * 1024;
/** Entries that are surely few enough to be worth sending unasked, and one or two batches at the usual size of a message. */
export const PUSH_ENTRIES_MAX = 512;
/** How long a push may wait for its acknowledgement before the peer is suspect; and how long what was sent counts as under way. */
export const UNDER_WAY_MS = 3_000;
/** What a peer may have asked for and not got: more is an attack, since a planner asks for some thousand entries at a time. */
const QUEUED_LOGS_MAX = 4_096;
const QUEUED_RANGES_MAX = 65_536;
const PARKED_MAX = 256;

interface Job {
  readonly head: Head;
  readonly ranges: Ranges;
  readonly isPush: boolean;
  readonly newestFirst: boolean;
  sent: Ranges;
}

interface Sent {
  readonly log: LogId;
  ranges: Ranges;
  readonly bytes: number;
  readonly at: MonotonicMs;
  readonly isPush: boolean;
}

export class Serving {
  readonly #view: SessionView;
  readonly #copy: PeerCopy;
  readonly #newTicket: () => Ticket;
  readonly #queue = new Map<LogId, Omit<Job, "sent">>();
  readonly #open = new Map<Ticket, Job>();
  readonly #parked = new Map<LogId, NeedEntry>();
  #answering: Ticket | undefined;
  #unacknowledged: Sent[] = [];
  readonly #everSent = new Map<LogId, Ranges>();
  #unacknowledgedBytes = 0;
  #isSuspect = false;
  readonly counters = { batchesSent: 0, entriesSent: 0, bytesSent: 0 };

  constructor(parts: {
    readonly view: SessionView;
    readonly copy: PeerCopy;
    readonly newTicket: () => Ticket;
  }) {
    this.#view = parts.view;
    this.#copy = parts.copy;
    this.#newTicket = parts.newTicket;
  }

  get mayServe(): boolean {
    return this.#unacknowledged.length < CREDIT_BATCHES && this.#unacknowledgedBytes < CREDIT_BYTES;
  }

  /** When the oldest push has waited too long. */
  get wakeAt(): MonotonicMs {
    const oldest = this.#isSuspect ? undefined : this.#unacknowledged.find((sent) => sent.isPush);
    return (oldest === undefined ? Infinity : oldest.at + UNDER_WAY_MS) as MonotonicMs;
  }

  /**
   * One line of a `need` about a log that the peer may have. Answers `wantsHead` where the peer's head is the longer one: then
   * it must be adopted here first, and the need waits.
   */
  need(entry: NeedEntry, turn: Turn): "answered" | "wants-head" {
    const { log, knownLength, ranges } = entry;
    const state = this.#view.frontier.get(log);
    if (state === undefined) {
      turn.denies(log, ranges);
      return "answered";
    }
    if (knownLength > state.head.length) {
      this.#copy.noteLength(log, knownLength);
      if (!this.#parked.has(log) && this.#parked.size >= PARKED_MAX) {
        turn.denies(log, ranges);
        return "answered";
      }
      this.#parked.set(log, entry);
      return "wants-head";
    }
    const owner = this.#view.members.logs.get(log);
    const servable = subtract(state.held, this.#view.evicted.get(log) ?? NO_RANGES);
    const here = intersect(ranges, countedRanges(servable, owner));
    turn.denies(log, subtract(ranges, here));
    const due = subtract(here, this.#underWay(log, turn.now));
    if (ranges.length > 0 && due.length === 0) return "answered";
    this.#release(log, due);
    this.#answer(
      { head: state.head, knownLength, ranges: due, isMessages: owner?.logClass === "messages" },
      turn,
    );
    return "answered";
  }

  /** True where the peer has asked for more than any planner does. */
  get isQueueTooLong(): boolean {
    if (this.#queue.size > QUEUED_LOGS_MAX) return true;
    let rangeCount = 0;
    for (const job of this.#queue.values()) rangeCount += job.ranges.length;
    return rangeCount > QUEUED_RANGES_MAX;
  }

  /** Ends what serves logs that the peer may no longer have. */
  restrict(isAllowed: (log: LogId) => boolean, turn: Turn): void {
    for (const log of this.#queue.keys()) if (!isAllowed(log)) this.#queue.delete(log);
    for (const log of this.#parked.keys()) if (!isAllowed(log)) this.#parked.delete(log);
    for (const [ticket, job] of this.#open) if (!isAllowed(job.head.log)) turn.put({ kind: "stop", ticket });
  }

  /** A longer head has become durable here. */
  unpark(log: LogId, turn: Turn): void {
    const entry = this.#parked.get(log);
    if (entry === undefined || (this.#view.frontier.get(log)?.head.length ?? 0) < entry.knownLength) return;
    this.#parked.delete(log);
    this.need(entry, turn);
  }

  /** Sends entries of an own log unasked. One push of a log at a time. */
  push(head: Head, ranges: Ranges, turn: Turn): void {
    this.#start({ head, ranges, isPush: true, newestFirst: false }, turn);
  }

  isPushing(log: LogId): boolean {
    for (const job of this.#open.values()) if (job.isPush && job.head.log === log) return true;
    return false;
  }

  /** Sent and not acknowledged, or about to be sent unasked. */
  pushedOf(log: LogId): Ranges {
    let ranges: Ranges = NO_RANGES;
    for (const job of this.#open.values())
      if (job.isPush && job.head.log === log) ranges = union(ranges, job.ranges);
    for (const sent of this.#unacknowledged) if (sent.log === log) ranges = union(ranges, sent.ranges);
    return ranges;
  }

  served(sent: { ticket: Ticket; log: LogId; ranges: Ranges; bytes: number }, now: MonotonicMs): void {
    const job = this.#open.get(sent.ticket);
    if (job === undefined) return;
    job.sent = union(job.sent, sent.ranges);
    const { log, ranges, bytes } = sent;
    this.#unacknowledged.push({ log, ranges, bytes, at: now, isPush: job.isPush });
    this.#unacknowledgedBytes += bytes;
    gather(this.#everSent, log, ranges);
    this.counters.batchesSent++;
    this.counters.entriesSent += countOf(ranges);
    this.counters.bytesSent += bytes;
  }

  /** The log of a push that went out whole, so that what was appended meanwhile can follow. */
  exhausted(ticket: Ticket, turn: Turn): LogId | undefined {
    const job = this.#open.get(ticket);
    if (job === undefined) return undefined;
    this.#open.delete(ticket);
    if (job.isPush) return covers(job.sent, job.ranges) ? job.head.log : undefined;
    turn.denies(job.head.log, subtract(job.ranges, job.sent));
    this.#answering = undefined;
    this.#serveNext(turn);
    return undefined;
  }

  /** The peer holds these, or says that it does not: either way they no longer count. Returns what of them had been sent. */
  settled(log: LogId, ranges: Ranges, now: MonotonicMs): Ranges {
    this.#release(log, ranges);
    const oldest = this.#unacknowledged.find((sent) => sent.isPush);
    if (oldest === undefined || now - oldest.at < UNDER_WAY_MS) this.#isSuspect = false;
    return intersect(this.#everSent.get(log) ?? NO_RANGES, ranges);
  }

  /** True once for each time that pushes begin to wait too long. */
  becomesSuspect(now: MonotonicMs): boolean {
    if (now < this.wakeAt) return false;
    this.#isSuspect = true;
    return true;
  }

  #answer(
    want: {
      readonly head: Head;
      readonly knownLength: number;
      readonly ranges: Ranges;
      readonly isMessages: boolean;
    },
    turn: Turn,
  ): void {
    const { head, knownLength, ranges, isMessages } = want;
    const first = ranges[0];
    // Entries that begin where the peer's head ends prove the longer head by themselves, if they come in this order.
    const provesItself =
      ranges.length === 1 && first!.from <= knownLength && first!.to - first!.from <= PUSH_ENTRIES_MAX;
    if (knownLength < head.length && !provesItself) turn.put({ kind: "extend", from: knownLength, head });
    if (ranges.length === 0) return;
    const newestFirst = isMessages && !provesItself;
    const queued = this.#queue.get(head.log);
    if (queued !== undefined) {
      const merged = {
        head,
        ranges: union(queued.ranges, ranges),
        isPush: false,
        newestFirst: queued.newestFirst,
      };
      this.#queue.set(head.log, merged);
    } else {
      this.#queue.set(head.log, { head, ranges, isPush: false, newestFirst });
    }
    this.#serveNext(turn);
  }

  #serveNext(turn: Turn): void {
    if (this.#answering !== undefined) return;
    for (const [log, job] of this.#queue) {
      this.#queue.delete(log);
      this.#answering = this.#start(job, turn);
      return;
    }
  }

  #start(job: Omit<Job, "sent">, turn: Turn): Ticket {
    const ticket = this.#newTicket();
    this.#open.set(ticket, { ...job, sent: NO_RANGES });
    turn.put({ kind: "serve", ticket, ...job });
    return ticket;
  }

  /** What will arrive, or has just been sent: a need that crossed it on its way is not answered twice. */
  #underWay(log: LogId, now: MonotonicMs): Ranges {
    let ranges = this.#queue.get(log)?.ranges ?? NO_RANGES;
    for (const job of this.#open.values()) {
      if (job.head.log === log) ranges = union(ranges, subtract(job.ranges, job.sent));
    }
    for (const sent of this.#unacknowledged) {
      if (sent.log === log && now - sent.at < UNDER_WAY_MS) ranges = union(ranges, sent.ranges);
    }
    return ranges;
  }

  #release(log: LogId, ranges: Ranges): void {
    if (ranges.length === 0) return;
    this.#unacknowledged = this.#unacknowledged.filter((sent) => {
      if (sent.log !== log) return true;
      sent.ranges = subtract(sent.ranges, ranges);
      if (sent.ranges.length === 0) this.#unacknowledgedBytes -= sent.bytes;
      return sent.ranges.length > 0;
    });
  }
}
