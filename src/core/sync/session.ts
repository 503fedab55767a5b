/**
 * One peer's side of log replication, as a machine that does no I/O.
 *
 * The shell feeds `handle` one input at a time and performs the outputs in order. Same inputs, same outputs: no clock, no
 * randomness, no promise is reachable from here. Entries pass through once, to be verified.
 * Wire format and rules: docs/spec/sync.md. Parts: comparing.ts, asking.ts, needs.ts, serving.ts, announcing.ts, keep-talk.ts,
 * standing.ts, beat.ts, forks.ts. Shell: src/app/sessions. Tests: test/unit/sync/session.test.ts, simulations/two-sessions.sim.test.ts.
 */
import type { AccountId, DeviceId, LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import type { Fork } from "../log/fork.ts";
import type { Ranges } from "../log/ranges.ts";
import type { Head } from "../log/types.ts";
import type { LogOwner } from "../membership/types.ts";
import type { NeedEntry, SessionFrame } from "../wire/frames.ts";
import { Announcing } from "./announcing.ts";
import { Asking } from "./asking.ts";
import { Beat } from "./beat.ts";
import { Comparing, type OpeningHeld } from "./comparing.ts";
import { evidenceFrame, forkIn, Forks } from "./forks.ts";
import { KeepTalk } from "./keep-talk.ts";
import { PeerCopy } from "./peer-copy.ts";
import { Serving } from "./serving.ts";
import { Standing } from "./standing.ts";
import { Turn } from "./turn.ts";
import type { Input, Output, SessionView, Ticket } from "./types.ts";

/** Batches of logs that nobody here knows yet: a few while control entries are on their way, then it is a fault. */
const UNKNOWN_BATCHES_MAX = 64;
/** Into how many pieces a peer may cut what is remembered of its copy of one log. */
const PIECES_MAX = 65_536;

export class SyncSession {
  readonly #view: SessionView;
  readonly #copy: PeerCopy;
  readonly #asking: Asking;
  readonly #serving: Serving;
  readonly #announcing: Announcing;
  readonly #comparing: Comparing;
  readonly #keepTalk: KeepTalk;
  readonly #standing: Standing;
  readonly #beat: Beat;
  readonly #forks: Forks;
  #unknownBatches = 0;
  #isEqual = false;
  #isClosed = false;
  #lastTicket = 0;
  readonly #frames = { framesReceived: 0, framesSkipped: 0 };

  /** `opening` where `held` has been sent with the handshake's last frame. */
  constructor(options: {
    readonly self: DeviceId;
    readonly peer: DeviceId;
    readonly initiator: boolean;
    readonly account: AccountId;
    readonly view: SessionView;
    readonly now: MonotonicMs;
    readonly opening?: OpeningHeld | undefined;
  }) {
    const { self, peer, account, view, now } = options;
    this.#view = view;
    this.#forks = new Forks(account);
    this.#standing = new Standing(view, peer, now);
    this.#beat = new Beat(options.initiator, now);
    const newTicket = (): Ticket => ++this.#lastTicket as Ticket;
    const mayKnow = (log: LogId): boolean => this.#mayExchange(log);
    this.#copy = new PeerCopy(view);
    this.#serving = new Serving({ view, copy: this.#copy, newTicket });
    this.#asking = new Asking({ account, peer, view, copy: this.#copy, newTicket });
    this.#announcing = new Announcing({ self, view, copy: this.#copy, serving: this.#serving, mayKnow });
    this.#keepTalk = new KeepTalk({ view, mayExchange: mayKnow });
    this.#comparing = new Comparing({
      view,
      copy: this.#copy,
      asking: this.#asking,
      announcing: this.#announcing,
      mayExchange: mayKnow,
      opening: options.opening,
    });
  }

  /** When `woken` is due, if nothing else comes before. */
  get wakeAt(): MonotonicMs {
    if (this.#isClosed) return Infinity as MonotonicMs;
    const parts = [this.#beat, this.#standing, this.#asking, this.#serving, this.#announcing];
    return Math.min(...parts.map((part) => part.wakeAt)) as MonotonicMs;
  }

  /** True while a further batch may be pulled from the store and sent. */
  get mayServe(): boolean {
    return !this.#isClosed && this.#serving.mayServe;
  }

  /** For status, logs and tests. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#frames, ...this.#asking.counters, ...this.#serving.counters };
  }

  handle(input: Input, now: MonotonicMs): readonly Output[] {
    return this.handleAll([input], now);
  }

  /** As `handle`, one input after the other; what they ask for and acknowledge shares frames. */
  handleAll(inputs: readonly Input[], now: MonotonicMs): readonly Output[] {
    if (this.#isClosed) return [];
    const turn = new Turn(now);
    for (const input of inputs) if (!turn.isClosed) this.#take(input, turn);
    const outputs = turn.finish(() => this.#conclude(turn));
    if (outputs.some(({ kind }) => kind === "send")) this.#beat.said(now);
    this.#isClosed = turn.isClosed;
    return outputs;
  }

  #take(input: Input, turn: Turn): void {
    switch (input.kind) {
      case "opened":
        return this.#comparing.open(turn);
      case "received":
        return this.#receive(input.frame, turn);
      case "assigned":
        if (this.#mayExchange(input.log)) this.#asking.needs.assign(input.log, input.ranges);
        else turn.put({ kind: "absent", ranges: new Map([[input.log, input.ranges]]) });
        return;
      case "unassigned":
        return this.#asking.needs.unassign(input.log, input.ranges);
      case "committed":
        return this.#committed(input.ticket, turn);
      case "failed":
        return this.#asking.failed(input.ticket, input.code, turn);
      case "grown":
        return this.#grown(input.own, input.others, turn);
      case "members":
        return this.#membersChanged(turn);
      case "keep":
        if (this.#standing.isActive) this.#keepTalk.say(input, turn);
        return;
      case "answered":
        return this.#keepTalk.answer(input, turn);
      case "fetch":
        if (this.#mayExchange(input.log)) this.#asking.needs.ask(input.log, input.ranges);
        else turn.put({ kind: "absent", ranges: new Map([[input.log, input.ranges]]) });
        return;
      case "served":
        this.#beat.said(turn.now);
        this.#serving.served(input, turn.now);
        return this.#checkBudget(turn);
      case "exhausted":
        return this.#exhausted(input.ticket, turn);
      case "woken":
        return this.#woken(turn);
    }
  }

  #receive(frame: SessionFrame, turn: Turn): void {
    this.#beat.heard(turn.now);
    this.#frames.framesReceived++;
    switch (frame.kind) {
      case "held":
        return this.#comparing.held(frame, turn);
      case "frontier":
        return this.#comparing.frontier(frame, turn);
      case "need":
        for (const entry of frame.logs) this.#receiveNeed(entry, turn);
        if (this.#serving.isQueueTooLong) turn.close("limit");
        return;
      case "extension":
        return this.#receiveExtension(frame, turn);
      case "batch":
        this.#receiveBatch(frame, turn);
        return this.#checkBudget(turn);
      case "ack":
        for (const { log, ranges } of frame.logs) this.#receiveAck(log, ranges, frame.dropped, turn);
        return;
      case "beat":
        return this.#comparing.beat(frame, turn);
      case "close":
        return turn.close(frame.reason, "peer");
      case "evidence":
      case "evidence-nodes":
        return this.#receiveEvidence(forkIn(frame), turn);
      case "absent":
        for (const { log, ranges } of frame.logs) this.#asking.needs.absent(log, ranges, turn);
        return;
      case "keep":
        // Of who is no active member it would bind nobody.
        if (this.#standing.isActive) this.#keepTalk.hear(frame, turn);
        return;
      case "unknown":
        this.#frames.framesSkipped++;
    }
  }

  #receiveNeed(entry: NeedEntry, turn: Turn): void {
    if (!this.#mayExchange(entry.log)) return turn.denies(entry.log, entry.ranges);
    if (this.#serving.need(entry, turn) === "wants-head") this.#asking.needs.wantHead(entry.log, "known");
  }

  #receiveExtension(frame: Extract<SessionFrame, { kind: "extension" }>, turn: Turn): void {
    const owner = this.#ownerOf(frame.head.log);
    if (owner !== undefined) this.#asking.extension(frame, owner, turn);
  }

  #receiveBatch(frame: Extract<SessionFrame, { kind: "batch" }>, turn: Turn): void {
    const { head, from, entries } = frame.batch;
    const owner = this.#ownerOf(head.log);
    if (owner !== undefined) return this.#asking.batch(frame, owner, turn);
    // Of a log that control entries on their way may make known, or that has just been frozen: not now.
    const held = [{ from, to: from + entries.length }];
    turn.disclaim(head.log, held);
    this.#comparing.offers.remember({ log: head.log, length: head.length, root: head.root, held });
    if (++this.#unknownBatches > UNKNOWN_BATCHES_MAX) turn.close("unsolicited");
  }

  #receiveAck(log: LogId, ranges: Ranges, isDropped: boolean, turn: Turn): void {
    const sent = this.#serving.settled(log, ranges, turn.now);
    // Nobody is sent anything of these, so there is nothing to say; and there are any number of them.
    if (!this.#view.members.logs.has(log)) return;
    if (isDropped) {
      this.#copy.remove(log, ranges);
      turn.put({ kind: "peerDropped", ranges: new Map([[log, ranges]]) });
      if (this.#copy.heldOf(log).length > PIECES_MAX) turn.close("limit");
    } else if (sent.length > 0) {
      // Only what was sent: or a peer could have any number of ranges remembered here.
      this.#copy.add(log, sent);
      this.#announcing.told(log, sent);
      turn.put({ kind: "peerHas", delta: { heads: [], ranges: new Map([[log, sent]]) }, acknowledged: true });
    }
  }

  #receiveEvidence(fork: Fork, turn: Turn): void {
    const owner = this.#ownerOf(fork.log);
    if (owner === undefined) return;
    const fault = this.#forks.faultOf(fork, owner);
    if (fault !== null) return turn.close(fault);
    this.#rest(fork, turn);
  }

  #foundFork(fork: Fork, turn: Turn): void {
    const owner = this.#ownerOf(fork.log);
    if (owner === undefined) return;
    // What a damaged store says of its own head accuses nobody.
    if (this.#forks.faultOf(fork, owner) !== null) return this.#asking.needs.forgo(fork.log, turn);
    turn.send(evidenceFrame(fork));
    this.#rest(fork, turn);
  }

  #rest(fork: Fork, turn: Turn): void {
    this.#forks.add(fork.log);
    turn.put({ kind: "evidence", fork });
    this.#asking.needs.forgo(fork.log, turn);
    this.#serving.restrict((other) => this.#mayExchange(other), turn);
  }

  #committed(ticket: Ticket, turn: Turn): void {
    const log = this.#asking.committed(ticket, turn);
    if (log === undefined) return;
    this.#copy.compare(log);
    this.#serving.unpark(log, turn);
  }

  #grown(own: readonly Head[], others: readonly Head[], turn: Turn): void {
    if (own.length + others.length > 0) this.#asking.needs.resume();
    for (const head of [...own, ...others]) {
      this.#asking.heads.remember(head);
      this.#copy.compare(head.log);
      this.#serving.unpark(head.log, turn);
    }
    for (const { log } of [...own, ...others]) this.#announcing.reconsider(log, turn);
  }

  #membersChanged(turn: Turn): void {
    this.#unknownBatches = 0;
    this.#forks.resolve(this.#view.members);
    this.#copy.compareAll();
    // Before, only control logs were spoken of.
    if (this.#standing.resolve(turn.now, this.#bytes)) this.#comparing.sendFrontier(turn);
    const mayExchange = (log: LogId): boolean => this.#mayExchange(log);
    this.#serving.restrict(mayExchange, turn);
    this.#comparing.learnOffers(this.#comparing.offers.recall(mayExchange), turn);
    if (this.#copy.isKnown) this.#announcing.catchUp(turn);
  }

  #exhausted(ticket: Ticket, turn: Turn): void {
    const pushed = this.#serving.exhausted(ticket, turn);
    if (pushed !== undefined) this.#announcing.reconsider(pushed, turn);
  }

  #woken(turn: Turn): void {
    if (turn.now >= this.#standing.wakeAt) return turn.close(this.#standing.reason);
    const due = this.#beat.woken(turn.now);
    if (due === "give-up") return turn.close("silent");
    if (due === "ask") turn.send({ kind: "beat", digest: this.#view.digest(), answerWanted: true });
    if (this.#serving.becomesSuspect(turn.now)) turn.put({ kind: "suspect" });
    this.#asking.needs.woken(turn.now);
    this.#announcing.woken(turn);
  }

  /** What every turn ends with. */
  #conclude(turn: Turn): void {
    for (const [log, ranges] of turn.acknowledged) this.#announcing.told(log, ranges);
    for (const fork of turn.takeForks()) this.#foundFork(fork, turn);
    this.#asking.needs.flush(turn);
    const isEqual =
      this.#standing.isActive && this.#copy.isEqual && this.#comparing.offers.isEmpty && this.#forks.isEmpty;
    if (isEqual !== this.#isEqual) {
      this.#isEqual = isEqual;
      turn.put({ kind: "equal", equal: isEqual });
    }
    if (this.#standing.isRevoked && this.#hasPeerControlLogs()) turn.close("revoked");
  }

  #checkBudget(turn: Turn): void {
    if (this.#standing.isOverBudget(this.#bytes)) turn.close("limit");
  }

  /** Bytes of batches, both ways. */
  get #bytes(): number {
    return this.#asking.counters.bytesReceived + this.#serving.counters.bytesSent;
  }

  #hasPeerControlLogs(): boolean {
    if (!this.#copy.isKnown) return false;
    for (const log of this.#view.frontier.keys()) {
      if (this.#mayExchange(log) && !this.#copy.hasAllOf(log)) return false;
    }
    return true;
  }

  /** The owner of a log that may be exchanged with this peer now. */
  #ownerOf(log: LogId): LogOwner | undefined {
    return this.#mayExchange(log) ? this.#view.members.logs.get(log) : undefined;
  }

  #mayExchange(log: LogId): boolean {
    return !this.#forks.has(log) && this.#standing.mayShare(log);
  }
}
