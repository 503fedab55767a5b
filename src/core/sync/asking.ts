/**
 * The asking half of a session: assigned ranges become needs, and what comes is verified, proved to belong to the head known
 * here, and handed over to be committed. What was not asked for is refused. Rules: docs/spec/sync.md.
 * Tests: test/unit/sync/session.test.ts.
 */
import type { AccountId, DeviceId, LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { verifyBatch } from "../log/batch.ts";
import { extendFromBatch, verifyExtension } from "../log/extension.ts";
import { isSameState, verifyHead } from "../log/head.ts";
import { covers, intersect, NO_RANGES, type Ranges, rangeOf, subtract, union } from "../log/ranges.ts";
import { keepInto } from "../log/tiles.ts";
import { placed } from "../log/tree.ts";
import type { Batch, KnownNode, VerifiedBatch } from "../log/types.ts";
import type { LogOwner } from "../membership/types.ts";
import { LOGS_MAX, type NeedEntry, type SessionFrame } from "../wire/frames.ts";
import { KnownHeads } from "./known-heads.ts";
import type { PeerCopy } from "./peer-copy.ts";
import { CREDIT_BATCHES, CREDIT_BYTES } from "./serving.ts";
import { chunkLogs, gather, type Turn } from "./turn.ts";
import type { Adoption, Output, SessionView, Ticket } from "./types.ts";

/** How long nothing is asked after a commit that failed, at first and at most. */
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 60_000;

/** A commit under way. `ranges` are none where only a head is adopted. */
interface Receipt {
  readonly log: LogId;
  readonly ranges: Ranges;
  readonly bytes: number;
  /** False for what the author pushed, and for heads. */
  readonly wasAsked: boolean;
}

type CommitOutput = Extract<Output, { kind: "commit" }>;

export class Asking {
  readonly #account: AccountId;
  readonly #peer: DeviceId;
  readonly #view: SessionView;
  readonly #copy: PeerCopy;
  readonly #newTicket: () => Ticket;
  readonly heads: KnownHeads;
  readonly #assigned = new Map<LogId, Ranges>();
  /** To be named in the next need. An empty set asks for the head alone. */
  readonly #due = new Map<LogId, Ranges>();
  /** Named in a need, and not come. Stays when an assignment is taken back: it may still come, and is welcome. */
  readonly #asked = new Map<LogId, Ranges>();
  /** Extensions under way that are still of use, by the lengths they lead from and to. */
  readonly #headsAsked = new Map<LogId, { readonly from: number; readonly to: number }>();
  /** How many extensions the peer may still send, of use or not. */
  readonly #extensionsDue = new Map<LogId, number>();
  /** Came once under a head that could not be placed, and asked for again; the second time the peer does not have them. */
  readonly #refused = new Map<LogId, Ranges>();
  readonly #receipts = new Map<Ticket, Receipt>();
  #receivingBatches = 0;
  #receivingBytes = 0;
  #retryMs = RETRY_MS;
  #retryAt = Infinity as MonotonicMs;
  readonly counters = {
    batchesReceived: 0,
    entriesReceived: 0,
    entriesKnown: 0,
    bytesReceived: 0,
    unproved: 0,
  };

  constructor(parts: {
    readonly account: AccountId;
    readonly peer: DeviceId;
    readonly view: SessionView;
    readonly copy: PeerCopy;
    readonly newTicket: () => Ticket;
  }) {
    this.#account = parts.account;
    this.#peer = parts.peer;
    this.#view = parts.view;
    this.#copy = parts.copy;
    this.#newTicket = parts.newTicket;
    this.heads = new KnownHeads(parts.view);
  }

  get wakeAt(): MonotonicMs {
    return this.#retryAt;
  }

  assign(log: LogId, ranges: Ranges): void {
    gather(this.#assigned, log, ranges);
    const underWay = union(this.#asked.get(log) ?? NO_RANGES, this.#receiving(log));
    gather(this.#due, log, subtract(ranges, underWay));
  }

  unassign(log: LogId, ranges: Ranges): void {
    take(this.#assigned, log, ranges);
    take(this.#due, log, ranges);
  }

  /** The peer's signed head is wanted, from the one known here or, to compare two of one length, from nothing. */
  wantHead(log: LogId, from: "known" | "nothing"): void {
    if (from === "nothing") this.#headsAsked.set(log, { from: 0, to: this.#copy.lengthOf(log) });
    if (!this.#due.has(log)) this.#due.set(log, NO_RANGES);
  }

  /** The peer says that it cannot serve these now. */
  absent(log: LogId, ranges: Ranges, turn: Turn): void {
    const asked = intersect(this.#asked.get(log) ?? NO_RANGES, ranges);
    if (asked.length === 0) return;
    take(this.#asked, log, asked);
    take(this.#assigned, log, asked);
    turn.put({ kind: "absent", ranges: new Map([[log, asked]]) });
  }

  /** Gives up everything of a log, for instance since it forked. */
  forgo(log: LogId, turn: Turn): void {
    const ranges = union(this.#assigned.get(log) ?? NO_RANGES, this.#asked.get(log) ?? NO_RANGES);
    this.#due.delete(log);
    this.#assigned.delete(log);
    if (ranges.length > 0) turn.put({ kind: "absent", ranges: new Map([[log, ranges]]) });
  }

  /** A batch of a log whose owner is known, and which the peer may send about. */
  batch(frame: Extract<SessionFrame, { kind: "batch" }>, owner: LogOwner, turn: Turn): void {
    const { batch, size } = frame;
    const { log } = batch.head;
    const ranges = rangeOf(batch.from, batch.from + batch.entries.length);
    const wasAsked = covers(this.#asked.get(log) ?? NO_RANGES, ranges);
    if (!wasAsked && owner.device !== this.#peer) return turn.close("unsolicited");
    if (this.#receivingBatches >= CREDIT_BATCHES || this.#receivingBytes >= CREDIT_BYTES) {
      return turn.close("limit");
    }
    this.counters.batchesReceived++;
    this.counters.entriesReceived += batch.entries.length;
    this.counters.bytesReceived += size;
    take(this.#asked, log, ranges);
    this.#copy.add(log, ranges);
    if (covers(this.#view.frontier.get(log)?.held ?? NO_RANGES, ranges)) {
      this.counters.entriesKnown += batch.entries.length;
      turn.acknowledge(log, ranges);
      return;
    }
    const verified = this.#verify(batch, owner, turn);
    if (verified === undefined) return;
    if (!wasAsked)
      turn.put({
        kind: "peerHas",
        delta: { heads: [], ranges: new Map([[log, ranges]]) },
        acknowledged: false,
      });
    this.#place(verified, { log, ranges, bytes: size, wasAsked }, turn);
  }

  /** An extension that was asked for. */
  extension(frame: Extract<SessionFrame, { kind: "extension" }>, owner: LogOwner, turn: Turn): void {
    const { from, head, nodes } = frame;
    const { log } = head;
    const due = this.#extensionsDue.get(log) ?? 0;
    if (due === 0) return turn.close("unsolicited");
    this.#extensionsDue.set(log, due - 1);
    this.#headsAsked.delete(log);
    const known = this.heads.current(log);
    if (this.heads.verified(head) === undefined && !verifyHead(head, this.#authorOf(owner))) {
      return turn.close("bad-signature");
    }
    const sameLength = this.heads.ofLength(log, head.length);
    if (sameLength !== undefined && !isSameState(sameLength, head)) return turn.contradicts(head);
    const knownLength = known?.head.length ?? 0;
    if (head.length <= knownLength) return;
    // The head here has grown by another way meanwhile: ask from where it is now.
    if (from !== knownLength) return this.wantHead(log, "known");
    const completed: KnownNode[] = [];
    const claim = { knownPeaks: known?.peaks ?? [], m: from, nodes, head };
    const peaks = verifyExtension(claim, keepInto(completed));
    if (peaks === undefined) {
      // A fork looks like this as well, so it is not held against the peer; but nothing more of the log is taken from it.
      this.counters.unproved++;
      return this.forgo(log, turn);
    }
    const proof = placed({ from, to: head.length, hashes: nodes });
    const ticket = this.#receive({ log, ranges: NO_RANGES, bytes: 0, wasAsked: false });
    this.heads.adopt(head, peaks);
    turn.put({ kind: "adopt", ticket, adoption: { from, head, peaks, nodes: [...proof, ...completed] } });
  }

  committed(ticket: Ticket, turn: Turn): LogId | undefined {
    const receipt = this.#end(ticket);
    if (receipt === undefined) return undefined;
    const { log, ranges } = receipt;
    this.diskWorks();
    take(this.#assigned, log, ranges);
    turn.acknowledge(log, ranges);
    return log;
  }

  failed(ticket: Ticket, turn: Turn): void {
    const receipt = this.#end(ticket);
    if (receipt === undefined) return;
    const { log, ranges } = receipt;
    this.heads.forgetPending(log);
    this.#headsAsked.delete(log);
    // What is refused now for want of that head is not the peer's lack.
    this.#refused.clear();
    // The peer need not wait for an acknowledgement that will not come, nor think that nobody is there.
    this.#disclaim(log, ranges, turn);
    if (ranges.length === 0) this.wantHead(log, "known");
    gather(this.#due, log, intersect(ranges, this.#assigned.get(log) ?? NO_RANGES));
    if (this.#retryAt !== Infinity) return;
    this.#retryAt = (turn.now + this.#retryMs) as MonotonicMs;
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }

  /** Something became durable, by this session or another: the disk takes what comes again. */
  diskWorks(): void {
    this.#retryMs = RETRY_MS;
    this.#retryAt = Infinity as MonotonicMs;
  }

  woken(turn: Turn): void {
    if (turn.now >= this.#retryAt) this.#retryAt = Infinity as MonotonicMs;
  }

  /** Puts everything that is due into needs. Not while the disk refuses what comes. */
  flush(turn: Turn): void {
    if (this.#retryAt !== Infinity || this.#due.size === 0) return;
    const wanted = new Map<LogId, Ranges>();
    const headsOnly: NeedEntry[] = [];
    for (const [log, ranges] of this.#due) {
      const missing = subtract(ranges, this.#view.frontier.get(log)?.held ?? NO_RANGES);
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
      this.#extensionsDue.set(log, (this.#extensionsDue.get(log) ?? 0) + 1);
      return [{ log, knownLength: 0, headLength: Math.max(asked.to, 1), ranges: NO_RANGES }];
    }
    const need = this.#need(log, NO_RANGES);
    return need.knownLength < need.headLength ? [need] : [];
  }

  #need(log: LogId, ranges: Ranges): NeedEntry {
    gather(this.#asked, log, ranges);
    // Every line may be answered by one: the peer's head may have grown beyond the length it named.
    this.#extensionsDue.set(log, (this.#extensionsDue.get(log) ?? 0) + 1);
    const known = this.heads.lengthOf(log);
    const headLength = Math.max(known, this.#copy.lengthOf(log), ranges.at(-1)?.to ?? 0);
    if (known === headLength) return { log, knownLength: known, headLength, ranges };
    const underWay = this.#headsAsked.get(log);
    // The proof is on its way already: name the length that it leads to, and it is not sent twice.
    if (underWay !== undefined && underWay.to >= headLength)
      return { log, knownLength: headLength, headLength, ranges };
    this.#headsAsked.set(log, { from: known, to: headLength });
    return { log, knownLength: known, headLength, ranges };
  }

  #verify(batch: Batch, owner: LogOwner, turn: Turn): VerifiedBatch | undefined {
    const author = this.#authorOf(owner);
    if (this.heads.verified(batch.head) === undefined && !verifyHead(batch.head, author)) {
      turn.close("bad-signature");
      return undefined;
    }
    const verified = verifyBatch(batch, { ...author, knownHead: batch.head });
    if (verified === undefined) turn.close("bad-proof");
    return verified;
  }

  /** Takes the batch in where its head can be placed. */
  #place(batch: VerifiedBatch, receipt: Receipt, turn: Turn): void {
    const { head } = batch;
    if (this.heads.isProved(head)) return this.#commit(batch, null, receipt, turn);
    const known = this.heads.current(head.log);
    const from = known?.head.length ?? 0;
    const verdict = extendFromBatch({ known, batch });
    switch (verdict.kind) {
      case "known":
        return this.#commit(batch, null, receipt, turn);
      case "longer":
        return this.#commit(batch, { from, head, peaks: verdict.peaks, nodes: [] }, receipt, turn);
      case "needs-proof":
        return this.#refuse(receipt, turn);
      case "fork":
        this.#disclaim(receipt.log, receipt.ranges, turn);
        if (verdict.shorter.length === verdict.longer.length) return turn.contradicts(head);
        this.counters.unproved++;
        return this.forgo(head.log, turn);
    }
  }

  #commit(batch: VerifiedBatch, adoption: Adoption | null, receipt: Receipt, turn: Turn): void {
    take(this.#refused, receipt.log, receipt.ranges);
    if (adoption !== null) this.heads.adopt(adoption.head, adoption.peaks);
    else this.heads.remember(batch.head);
    const asked = this.#headsAsked.get(receipt.log);
    if (asked !== undefined && asked.to <= this.heads.lengthOf(receipt.log))
      this.#headsAsked.delete(receipt.log);
    const output: CommitOutput = { kind: "commit", ticket: this.#receive(receipt), batch, adoption };
    turn.put(output);
  }

  /** Nothing is wrong with the batch, but its head cannot be placed. Asked once more, then of others. */
  #refuse({ log, ranges, wasAsked }: Receipt, turn: Turn): void {
    this.counters.unproved++;
    this.#disclaim(log, ranges, turn);
    // A push: the planner knows of it, and asks with the length known here.
    if (!wasAsked) return;
    if (covers(this.#refused.get(log) ?? NO_RANGES, ranges)) {
      take(this.#assigned, log, ranges);
      turn.put({ kind: "absent", ranges: new Map([[log, ranges]]) });
      return;
    }
    if (this.#retryAt === Infinity) gather(this.#refused, log, ranges);
    this.#headsAsked.delete(log);
    gather(this.#due, log, intersect(ranges, this.#assigned.get(log) ?? NO_RANGES));
  }

  /** A part may be here by another way: of that the opposite is true, and said. */
  #disclaim(log: LogId, ranges: Ranges, turn: Turn): void {
    const held = intersect(ranges, this.#view.frontier.get(log)?.held ?? NO_RANGES);
    turn.acknowledge(log, held);
    turn.disclaim(log, subtract(ranges, held));
  }

  #authorOf(owner: LogOwner): { readonly account: AccountId; readonly author: DeviceId } {
    return { account: this.#account, author: owner.device };
  }

  #receiving(log: LogId): Ranges {
    let ranges: Ranges = NO_RANGES;
    for (const receipt of this.#receipts.values())
      if (receipt.log === log) ranges = union(ranges, receipt.ranges);
    return ranges;
  }

  #receive(receipt: Receipt): Ticket {
    const ticket = this.#newTicket();
    this.#receipts.set(ticket, receipt);
    if (receipt.ranges.length > 0) this.#receivingBatches++;
    this.#receivingBytes += receipt.bytes;
    return ticket;
  }

  #end(ticket: Ticket): Receipt | undefined {
    const receipt = this.#receipts.get(ticket);
    if (receipt === undefined) return undefined;
    this.#receipts.delete(ticket);
    if (receipt.ranges.length > 0) this.#receivingBatches--;
    this.#receivingBytes -= receipt.bytes;
    return receipt;
  }
}

function take(rangesByLog: Map<LogId, Ranges>, log: LogId, ranges: Ranges): void {
  const left = subtract(rangesByLog.get(log) ?? NO_RANGES, ranges);
  if (left.length > 0) rangesByLog.set(log, left);
  else rangesByLog.delete(log);
}
