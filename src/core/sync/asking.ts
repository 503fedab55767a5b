/**
 * What comes from the peer: heads and entries are verified, proved to belong to the head known here, and handed over to be
 * committed. What was not asked for is refused, unless its author sends it. Rules: docs/spec/sync.md.
 * Tests: test/unit/sync/session.test.ts, test/unit/sync/session-faults.test.ts, test/unit/sync/unproved.test.ts.
 */
import type { ErrorCode } from "../base/errors.ts";
import type { AccountId, DeviceId, LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { verifyBatch } from "../log/batch.ts";
import { extendFromBatch, verifyExtension } from "../log/extension.ts";
import { isSameState, verifyHead } from "../log/head.ts";
import {
  contains,
  covers,
  intersect,
  NO_RANGES,
  type Ranges,
  rangeOf,
  subtract,
  union,
} from "../log/ranges.ts";
import { keepInto } from "../log/tiles.ts";
import { placed } from "../log/tree.ts";
import type { Batch, KnownNode, VerifiedBatch } from "../log/types.ts";
import type { LogOwner } from "../membership/types.ts";
import type { SessionFrame } from "../wire/frames.ts";
import { judgeErased } from "./erased.ts";
import { KnownHeads } from "./known-heads.ts";
import { Needs } from "./needs.ts";
import type { PeerCopy } from "./peer-copy.ts";
import { withPayload } from "./possession.ts";
import { type Receipt, Receipts } from "./receipts.ts";
import { gather, take, type Turn } from "./turn.ts";
import type { Adoption, SessionView, Ticket } from "./types.ts";
import { Unproved } from "./unproved.ts";

/** Batches that came again, or after they were taken back. Two peers of good will have few. */
const REPEATS_MAX = 256;
/** Pieces of one log that are held here. Every write names all of them, and a peer that brings every second entry makes ever more. */
const PIECES_MAX = 16_384;

export class Asking {
  readonly #account: AccountId;
  readonly #peer: DeviceId;
  readonly #view: SessionView;
  readonly #copy: PeerCopy;
  readonly #receipts: Receipts;
  readonly #unproved: Unproved;
  readonly heads: KnownHeads;
  readonly needs: Needs;
  /** Came once under a head that could not be placed, and asked for again; the second time the peer does not have them. */
  readonly #refused = new Map<LogId, Ranges>();
  /** Asked once in a session where their trees part. */
  readonly #parted = new Set<LogId>();
  #repeats = 0;
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
    const { view, copy } = parts;
    this.#account = parts.account;
    this.#peer = parts.peer;
    this.#view = view;
    this.#copy = copy;
    this.#receipts = new Receipts(parts.newTicket);
    this.#unproved = new Unproved(view, this.#receipts);
    this.heads = new KnownHeads(view);
    this.needs = new Needs({ view, copy, heads: this.heads, receipts: this.#receipts });
  }

  get wakeAt(): MonotonicMs {
    return this.needs.wakeAt;
  }

  /** A batch of a log whose owner is known, and which the peer may send about. */
  batch(frame: Extract<SessionFrame, { kind: "batch" }>, owner: LogOwner, turn: Turn): void {
    const { batch, size } = frame;
    const { log } = batch.head;
    const ranges = rangeOf(batch.from, batch.from + batch.entries.length);
    const wasAsked = this.needs.wasAsked(log, ranges);
    if (!wasAsked && owner.device !== this.#peer) return turn.close("unsolicited");
    if (this.#receipts.isFull) return turn.close("limit");
    this.counters.batchesReceived++;
    this.counters.entriesReceived += batch.entries.length;
    this.counters.bytesReceived += size;
    if (!this.needs.arrived(log, ranges) && wasAsked && this.#isRepeatedTooOften()) {
      return turn.close("unsolicited");
    }
    this.#copy.add(log, ranges);
    if (this.#isHere(log, ranges, turn)) {
      this.counters.entriesKnown += batch.entries.length;
      return;
    }
    const verified = this.#verify(batch, owner, turn);
    if (verified === undefined) return;
    const { batch: judged, withheld } = judgeErased(verified, owner, this.#view.members);
    if (withheld.length > 0) this.#withhold(log, withheld, turn);
    const given = subtract(ranges, withheld);
    if (given.length === 0) return;
    if (this.#isTooScattered(log, given)) return this.#withhold(log, given, turn);
    if (!wasAsked) {
      const delta = { heads: [], ranges: new Map([[log, given]]) };
      turn.put({ kind: "peerHas", delta, acknowledged: false });
    }
    this.#place(judged, { log, head: batch.head, ranges: given, bytes: size, wasAsked }, turn);
  }

  /** An extension that was asked for. */
  extension(frame: Extract<SessionFrame, { kind: "extension" }>, owner: LogOwner, turn: Turn): void {
    const { from, head, nodes } = frame;
    const { log } = head;
    if (!this.needs.extensionArrived(log)) return turn.close("unsolicited");
    if (this.heads.verified(head) === undefined && !verifyHead(head, this.#authorOf(owner))) {
      return turn.close("bad-signature");
    }
    const sameLength = this.heads.ofLength(log, head.length);
    if (sameLength !== undefined && !isSameState(sameLength, head)) {
      return turn.contradicts({ log, heads: [sameLength, head], nodes: [] });
    }
    const known = this.heads.current(log);
    const knownLength = known?.head.length ?? 0;
    if (head.length <= knownLength) return;
    // The head here has grown by another way meanwhile: ask from where it is now.
    if (from !== knownLength) return this.needs.wantHead(log, "known");
    const completed: KnownNode[] = [];
    const claim = { knownPeaks: known?.peaks ?? [], m: from, nodes, head };
    const peaks = verifyExtension(claim, keepInto(completed));
    if (peaks === undefined) {
      // A fork looks like this as well, so it is not held against the peer; but what was wanted of the log is asked of others.
      this.counters.unproved++;
      this.needs.forgo(log, turn);
      return this.#askWhereItParts(log, from);
    }
    const proof = placed({ from, to: head.length, hashes: nodes });
    const ticket = this.#receipts.begin({ log, head, ranges: NO_RANGES, bytes: 0, wasAsked: false });
    this.heads.adopt(head, peaks);
    turn.put({ kind: "adopt", ticket, adoption: { from, head, peaks, nodes: [...proof, ...completed] } });
  }

  /**
   * An extension that leads from the known head to no root is a lie or a fork. The entry where the known head ends comes with nodes of
   * the whole tree around it: they show a fork to be one, or that the peer's head continues the known one after all.
   */
  #askWhereItParts(log: LogId, knownLength: number): void {
    if (knownLength === 0 || this.#parted.has(log)) return;
    if (!contains(this.#copy.heldOf(log), knownLength)) return;
    this.#parted.add(log);
    this.needs.ask(log, rangeOf(knownLength, knownLength + 1));
  }

  committed(ticket: Ticket, turn: Turn): LogId | undefined {
    const receipt = this.#receipts.end(ticket);
    if (receipt === undefined) return undefined;
    const { log, ranges } = receipt;
    this.#unproved.settled(log);
    this.needs.resume();
    this.needs.settled(log, ranges);
    turn.acknowledge(log, ranges);
    return log;
  }

  failed(ticket: Ticket, code: ErrorCode, turn: Turn): void {
    const receipt = this.#receipts.end(ticket);
    if (receipt === undefined) return;
    const { log, head, ranges } = receipt;
    const isUnproved = code === "HEAD_UNPROVEN";
    this.heads.forgetPending(log);
    // Or it would be taken for proved again, also where a longer one is durable by now.
    if (isUnproved) this.heads.forget(head);
    this.needs.forgetExtension(log);
    // What is refused now for want of that head is not the peer's lack.
    this.#refused.clear();
    // The peer need not wait for an acknowledgement that will not come, nor think that nobody is there.
    this.#disclaim(log, ranges, turn);
    if (ranges.length === 0) this.needs.wantHead(log, "known");
    this.needs.again(log, ranges);
    // The disk is given time. A proof only has to be asked for, where asking is not in vain.
    if (!isUnproved || this.#unproved.isRepeated(log, ticket)) this.needs.pause(turn.now);
  }

  /** True for what is durable, and acknowledged, or on its way to the disk: what becomes of that is the answer. */
  #isHere(log: LogId, ranges: Ranges, turn: Turn): boolean {
    if (covers(withPayload(this.#view, log), ranges)) {
      turn.acknowledge(log, ranges);
      return true;
    }
    return covers(this.#receipts.rangesOf(log), ranges);
  }

  #isTooScattered(log: LogId, ranges: Ranges): boolean {
    const held = this.#view.frontier.get(log)?.held ?? NO_RANGES;
    return held.length >= PIECES_MAX && union(held, ranges).length > held.length;
  }

  #isRepeatedTooOften(): boolean {
    this.#repeats++;
    return this.#repeats > REPEATS_MAX + this.counters.batchesReceived / 2;
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
        return turn.contradicts(verdict.fork);
    }
  }

  #commit(batch: VerifiedBatch, adoption: Adoption | null, receipt: Receipt, turn: Turn): void {
    take(this.#refused, receipt.log, receipt.ranges);
    if (adoption !== null) this.heads.adopt(adoption.head, adoption.peaks);
    else this.heads.remember(batch.head);
    this.needs.headGrew(receipt.log);
    turn.put({ kind: "commit", ticket: this.#receipts.begin(receipt), batch, adoption });
  }

  /** Nothing is wrong with the batch, but its head cannot be placed. Asked once more, then of others. */
  #refuse({ log, ranges, wasAsked }: Receipt, turn: Turn): void {
    this.counters.unproved++;
    this.#disclaim(log, ranges, turn);
    // A push: the planner knows of it, and asks with the length known here.
    if (!wasAsked) return;
    if (covers(this.#refused.get(log) ?? NO_RANGES, ranges)) return this.needs.absent(log, ranges, turn);
    if (!this.needs.isPaused) gather(this.#refused, log, ranges);
    this.needs.forgetExtension(log);
    this.needs.again(log, ranges);
  }

  /** The peer has no payloads of these, or they cannot be taken in now: asked of others, and of it again when some time has passed. */
  #withhold(log: LogId, ranges: Ranges, turn: Turn): void {
    this.#copy.remove(log, ranges);
    this.#disclaim(log, ranges, turn);
    this.needs.absent(log, ranges, turn);
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
}
