/**
 * What this device and its peers say about keeping, carried out: promises are given durably and then told, what nobody needs is released, and
 * where a promise that is relied on is broken, others are asked. Rules: docs/spec/sync.md, "Keeping". Tests: test/integration/app/keeping.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { NO_RANGES } from "../../core/log/ranges.ts";
import { purgedPlaces } from "../../core/sync/erased.ts";
import { PeerPromises } from "../../core/sync/peer-promises.ts";
import {
  common,
  countIn,
  NOTHING,
  type Promises,
  promisedBy,
  unite,
  without,
} from "../../core/sync/promises.ts";
import type { KeepSaid, RangesByLog } from "../../core/sync/types.ts";
import type { KeepWord } from "../../core/wire/frames.ts";
import {
  isActive,
  piecesOf,
  prepareForsake,
  prepareGrant,
  prepareRelease,
  prepareRely,
} from "../replica/keep-turns.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerSession } from "../sessions/peer-session.ts";
import { KeepQueue } from "./keep-queue.ts";
import { untilNoneLeft } from "./until-none-left.ts";

/** A peer that answers little by little is waited for so much longer than one that says nothing, whatever it says. */
const PATIENCE_TIMES = 6;
/** And so long for every message, which the slowest disk reads in less. */
const LONGEST_MS_EACH = 2;

export class Keeping {
  readonly #replica: Replica;
  readonly #sessions: () => readonly PeerSession[];
  readonly #onBroken: (device: DeviceId, entries: number) => void;
  /** False where this device keeps messages for a while only: then it promises nothing more. */
  readonly #mayPromise: () => boolean;
  readonly #promises = new Map<PeerSession, PeerPromises>();
  readonly #queue = new KeepQueue();
  readonly #settling = new Set<PeerSession>();
  readonly #waiters = new Set<() => void>();
  /** Nothing is released meanwhile: it may be what is just being relied on. */
  #collecting = 0;
  #isReturning = false;
  #closed = false;

  constructor(parts: {
    readonly replica: Replica;
    readonly sessions: () => readonly PeerSession[];
    readonly onBroken: (device: DeviceId, entries: number) => void;
    readonly mayPromise: () => boolean;
  }) {
    this.#replica = parts.replica;
    this.#sessions = parts.sessions;
    this.#onBroken = parts.onBroken;
    this.#mayPromise = parts.mayPromise;
  }

  /** A session with the peer begins: both say again what holds between them. */
  connected(session: PeerSession): void {
    const { given, relied } = this.#replica.ledger;
    const { peer } = session;
    this.disconnected();
    if (!isActive(this.#replica.members, peer)) return;
    this.brought();
    this.#say(session, "promise", given.get(peer) ?? NOTHING);
    this.#ask(session, unite(relied.get(peer) ?? NOTHING, this.unkept()));
  }

  /** A session has ended. */
  disconnected(): void {
    for (const session of this.#promises.keys()) if (session.ended) this.#promises.delete(session);
    this.#wake();
  }

  heard(session: PeerSession, { word, number, ranges }: KeepSaid): void {
    const { peer } = session;
    switch (word) {
      case "ask":
        return this.#queue.later(() => this.#answer(session, number, ranges));
      case "release":
        return this.#queue.gather("released", peer, common(ranges, this.#givenTo(peer)), (places) =>
          this.#replica.writer.keep((context) => prepareRelease(context, peer, places)),
        );
      case "refuse":
        this.#of(session).refused(number, ranges);
        this.#wake();
        return this.dropped(peer, ranges);
      case "promise":
        this.#of(session).promised(number, this.#held(ranges));
        this.#wake();
        return this.#settleLater(session);
    }
  }

  /** The peer has lost these. */
  dropped(peer: DeviceId, ranges: RangesByLog): void {
    this.#queue.gather("lost", peer, common(ranges, this.#reliedOn(peer)), (places) =>
      this.#broken(peer, places),
    );
  }

  /** Whoever was removed keeps nothing any more. */
  membersChanged(): void {
    for (const [device, places] of this.#replica.ledger.relied)
      if (!isActive(this.#replica.members, device)) this.#queue.later(() => this.#broken(device, places));
    for (const [device, places] of this.#replica.ledger.given)
      if (!isActive(this.#replica.members, device))
        this.#queue.later(() =>
          this.#replica.writer.keep((context) => prepareRelease(context, device, places)),
        );
  }

  /** What was evicted here and no active device has promised. What is purged nobody need keep. */
  unkept(): RangesByLog {
    const { members, ledger } = this.#replica;
    const promised = promisedBy(ledger.relied, (device) => isActive(members, device));
    return without(without(ledger.evicted, promised), purgedPlaces(members));
  }

  /**
   * Asks the peers, one after the other, to keep these; what one promises the next is not asked for. Resolves with the promises; what of them
   * is not relied on when `use` has ended is released. `use` is given what is promised at the moment it asks.
   */
  async collect<Result>(
    wanted: RangesByLog,
    patienceMs: number,
    use: (promises: () => Promises) => Promise<Result>,
  ): Promise<Result> {
    this.#collecting++;
    const asks = new Map<PeerSession, number>();
    const promises = (): Promises =>
      new Map(
        [...asks].map(([session, number]) => [session.peer, this.#of(session).answer(number).promised]),
      );
    try {
      let left = wanted;
      for (const session of this.#sessions()) {
        if (left.size === 0) break;
        if (session.ended || !isActive(this.#replica.members, session.peer)) continue;
        const number = this.#ask(session, left);
        asks.set(session, number);
        this.#of(session).watch(number);
        await this.#untilAnswered(session, number, patienceMs);
        left = without(left, this.#of(session).answer(number).promised);
      }
      return await use(promises);
    } finally {
      for (const [session, number] of asks) this.#of(session).end(number);
      this.#collecting--;
      this.brought();
      for (const session of this.#sessions()) this.#settleLater(session);
    }
  }

  /** A peer brought something that is durable now. What is whole here again nobody need keep for this device. */
  brought(): void {
    if (this.#isReturning || this.#returned().size === 0) return;
    this.#isReturning = true;
    this.#queue.later(async () => {
      this.#isReturning = false;
      // It may be what is asked for just now. Afterwards it is looked at again.
      if (this.#collecting === 0)
        for (const device of this.#returned().keys()) await this.#forsakeReturned(device);
    });
  }

  /** Nobody is waited for any more. */
  giveUp(): void {
    this.#closed = true;
    this.#queue.stop();
    this.#wake();
  }

  async close(): Promise<void> {
    this.giveUp();
    await this.#queue.drained();
  }

  #returned(): Promises {
    const { relied, evicted } = this.#replica.ledger;
    const all = [...relied].map(([device, places]) => [device, without(places, evicted)] as const);
    return new Map(all.filter(([, places]) => places.size > 0));
  }

  async #forsakeReturned(device: DeviceId): Promise<void> {
    const forsaken = await this.#replica.writer.keep((context) =>
      prepareForsake(context, device, without(this.#reliedOn(device), context.ledger.evicted)),
    );
    const session = this.#sessions().find(({ peer }) => peer === device);
    if (session === undefined) return;
    this.#of(session).returned(forsaken);
    await this.#settle(session);
  }

  async #answer(session: PeerSession, number: number, asked: RangesByLog): Promise<void> {
    let refused = asked;
    const { peer } = session;
    // What is bound already stays so, whatever this device keeps for itself from now on.
    const open = this.#mayPromise() ? asked : common(asked, this.#givenTo(peer));
    const pieces = [...this.#held(open)].flatMap(([log, all]) =>
      piecesOf(all).map((ranges) => ({ log, ranges })),
    );
    for (const { log, ranges } of pieces) {
      if (session.ended || this.#closed) return;
      const { promised } = await this.#replica.writer.keep((context) =>
        prepareGrant(context, peer, log, ranges),
      );
      if (promised.length === 0) continue;
      const places = new Map([[log, promised]]);
      this.#say(session, "promise", places, number);
      refused = without(refused, places);
    }
    session.feed({ kind: "answered", number, refused });
  }

  #settleLater(session: PeerSession): void {
    if (this.#collecting > 0 || this.#settling.has(session) || this.#of(session).settled.size === 0) return;
    this.#settling.add(session);
    this.#queue.later(() => {
      this.#settling.delete(session);
      return this.#settle(session);
    });
  }

  /** What was promised serves what nobody keeps any more; the rest is released. */
  async #settle(session: PeerSession): Promise<void> {
    const { peer } = session;
    const promises = this.#of(session);
    const wanted = common(promises.settled, this.unkept());
    if (wanted.size > 0 && this.#collecting === 0)
      await this.#replica.writer.keep((context) => prepareRely(context, peer, wanted));
    // A collecting may have begun meanwhile; it ends with this once more.
    if (this.#collecting > 0) return;
    const { settled } = promises;
    promises.taken(settled);
    this.#say(session, "release", without(settled, this.#reliedOn(peer)));
  }

  async #broken(device: DeviceId, places: RangesByLog): Promise<void> {
    const lost = await this.#replica.writer.keep((context) => prepareForsake(context, device, places));
    const unkept = common(lost, this.unkept());
    if (unkept.size === 0) return;
    this.#onBroken(device, countIn(unkept));
    for (const session of this.#sessions()) if (session.peer !== device) this.#ask(session, unkept);
  }

  #untilAnswered(session: PeerSession, number: number, patienceMs: number): Promise<void> {
    const left = (): number => this.#of(session).answer(number).openCount;
    return untilNoneLeft({
      clock: this.#replica.ports.clock,
      left,
      next: () => new Promise((resolve) => this.#waiters.add(resolve)),
      patienceMs,
      longestMs: Math.max(PATIENCE_TIMES * patienceMs, LONGEST_MS_EACH * left()),
      isOver: () => session.ended || this.#closed,
    });
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  #givenTo(peer: DeviceId): RangesByLog {
    return this.#replica.ledger.given.get(peer) ?? NOTHING;
  }

  #reliedOn(peer: DeviceId): RangesByLog {
    return this.#replica.ledger.relied.get(peer) ?? NOTHING;
  }

  #of(session: PeerSession): PeerPromises {
    const promises = this.#promises.get(session) ?? new PeerPromises();
    if (!session.ended) this.#promises.set(session, promises);
    return promises;
  }

  /** Of what a peer says only what is held here. */
  #held(places: RangesByLog): RangesByLog {
    const { frontier } = this.#replica;
    return common(
      places,
      new Map([...places.keys()].map((log) => [log, frontier.get(log)?.held ?? NO_RANGES])),
    );
  }

  #ask(session: PeerSession, places: RangesByLog): number {
    const number = places.size > 0 ? this.#of(session).ask(places) : 0;
    this.#say(session, "ask", places, number);
    return number;
  }

  #say(session: PeerSession, word: KeepWord, ranges: RangesByLog, number = 0): void {
    if (ranges.size > 0 && !session.ended) session.feed({ kind: "keep", word, number, ranges });
  }
}
