/**
 * What this device and its peers say about keeping, carried out: promises are given durably and then told, what nobody needs is released, and
 * where a promise that is relied on is broken, others are asked. Rules: docs/spec/sync.md, "Keeping". Tests: test/integration/app/keeping.test.ts.
 */
import type { DeviceId, LogId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import { countOf, intersect, NO_RANGES, type Range, type Ranges, rangeOf } from "../../core/log/ranges.ts";
import {
  common,
  countIn,
  NOTHING,
  type Promises,
  promisedBy,
  unite,
  without,
  withinLimits,
} from "../../core/sync/promises.ts";
import { purgedPlaces } from "../../core/sync/erased.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import type { KeepWord } from "../../core/wire/frames.ts";
import {
  isActive,
  KEEP_ENTRIES_MAX,
  prepareForsake,
  prepareGrant,
  prepareRelease,
  prepareRely,
} from "../replica/keep-turns.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerSession } from "../sessions/peer-session.ts";

export class Keeping {
  readonly #replica: Replica;
  readonly #sessions: () => readonly PeerSession[];
  readonly #onBroken: (device: DeviceId, entries: number) => void;
  /** False where this device keeps messages for a while only: then it promises nothing more. */
  readonly #mayPromise: () => boolean;
  /** Promised in these sessions and neither relied on nor released yet. */
  readonly #fresh = new Map<DeviceId, RangesByLog>();
  readonly #refused = new Map<DeviceId, RangesByLog>();
  readonly #waiters = new Set<() => void>();
  readonly #awaiting = new Set<() => void>();
  /** One after the other, so that words of one peer are carried out in their order. */
  #last: Promise<void> = Promise.resolve();
  #collecting = 0;
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
    this.#fresh.delete(peer);
    this.#refused.delete(peer);
    if (!isActive(this.#replica.members, peer)) return;
    this.#returned();
    this.#say(session, "promise", given.get(peer) ?? NOTHING);
    this.#say(session, "ask", unite(relied.get(peer) ?? NOTHING, this.unkept()));
    this.#fetchUnfolded(session);
  }

  heard(session: PeerSession, word: KeepWord, ranges: RangesByLog): void {
    switch (word) {
      case "ask":
        return this.#later(() => this.#answer(session, ranges));
      case "release":
        return this.#later(() =>
          this.#replica.writer.keep((context) => prepareRelease(context, session.peer, ranges)),
        );
      case "refuse":
        this.#refused.set(session.peer, this.#bounded(this.#refused, session.peer, ranges));
        this.#wake();
        return this.#later(() => this.#broken(session.peer, ranges));
      case "promise":
        this.#fresh.set(session.peer, this.#bounded(this.#fresh, session.peer, ranges));
        this.#wake();
        if (this.#collecting === 0) this.#later(() => this.#settle(session));
    }
  }

  /** The peer has lost these. */
  dropped(peer: DeviceId, ranges: RangesByLog): void {
    if (common(this.#replica.ledger.relied.get(peer) ?? NOTHING, ranges).size === 0) return;
    this.#later(() => this.#broken(peer, ranges));
  }

  /** Whoever was removed keeps nothing any more. */
  membersChanged(): void {
    for (const [device, places] of this.#replica.ledger.relied)
      if (!isActive(this.#replica.members, device)) this.#later(() => this.#broken(device, places));
    for (const [device, places] of this.#replica.ledger.given)
      if (!isActive(this.#replica.members, device))
        this.#later(() => this.#replica.writer.keep((context) => prepareRelease(context, device, places)));
  }

  /** What was evicted here and no active device has promised. What is purged nobody need keep. */
  unkept(): RangesByLog {
    const { members, ledger } = this.#replica;
    const promised = promisedBy(ledger.relied, (device) => isActive(members, device));
    return without(without(ledger.evicted, promised), purgedPlaces(members));
  }

  /**
   * Asks the peers, one after the other, to keep these; what one promises the next is not asked for. Resolves with the promises; what of them
   * is not relied on when `use` has ended is released.
   */
  async collect<Result>(
    wanted: RangesByLog,
    patienceMs: number,
    use: (promises: Promises) => Promise<Result>,
  ): Promise<Result> {
    this.#collecting++;
    try {
      let left = wanted;
      const promises = new Map<DeviceId, RangesByLog>();
      for (const session of this.#sessions()) {
        const { peer } = session;
        if (left.size === 0) break;
        if (session.ended || !isActive(this.#replica.members, peer)) continue;
        this.#fresh.delete(peer);
        this.#refused.delete(peer);
        this.#say(session, "ask", left);
        await this.#untilAnswered(session, left, patienceMs);
        const promised = common(this.#fresh.get(peer) ?? NOTHING, left);
        promises.set(peer, promised);
        left = without(left, promised);
      }
      return await use(promises);
    } finally {
      this.#collecting--;
      for (const session of this.#sessions()) this.#later(() => this.#settle(session));
    }
  }

  /** Asks for evicted payloads: of who has promised them first, else of any peer. Returns what somebody was asked for. */
  fetch(places: RangesByLog): RangesByLog {
    let left = places;
    const { relied } = this.#replica.ledger;
    const open = this.#sessions().filter((session) => !session.ended);
    for (const session of open)
      left = this.#fetchFrom(session, left, common(left, relied.get(session.peer) ?? NOTHING));
    for (const session of open) left = this.#fetchFrom(session, left, left);
    return without(places, left);
  }

  /** A peer brought something that is durable now. */
  brought(): void {
    this.#returned();
    const waiters = [...this.#awaiting];
    this.#awaiting.clear();
    for (const wake of waiters) wake();
  }

  /** Resolves at the next `brought`. */
  nextBrought(): Promise<void> {
    return new Promise((resolve) => this.#awaiting.add(resolve));
  }

  /** Nobody is waited for any more. */
  giveUp(): void {
    this.#closed = true;
    this.#wake();
    this.brought();
  }

  async close(): Promise<void> {
    this.giveUp();
    await this.#last;
  }

  #fetchFrom(session: PeerSession, left: RangesByLog, some: RangesByLog): RangesByLog {
    for (const [log, ranges] of some) session.feed({ kind: "fetch", log, ranges });
    return without(left, some);
  }

  /** What is whole here again nobody need keep for this device. */
  #returned(): void {
    const { relied, evicted } = this.#replica.ledger;
    for (const [device, places] of relied) {
      const returned = without(places, evicted);
      if (returned.size > 0) this.#later(() => this.#releaseReturned(device, returned));
    }
  }

  async #releaseReturned(device: DeviceId, places: RangesByLog): Promise<void> {
    const released = await this.#replica.writer.keep((context) =>
      prepareForsake(context, device, without(places, context.ledger.evicted)),
    );
    const session = this.#sessions().find(({ peer }) => peer === device);
    if (session !== undefined) this.#say(session, "release", released);
  }

  /** The view was built again without these: their payloads are looked at once more, and not stored. */
  #fetchUnfolded(session: PeerSession): void {
    const { unfolded } = this.#replica.ledger;
    for (const [log, ranges] of unfolded) session.feed({ kind: "fetch", log, ranges });
  }

  async #answer(session: PeerSession, asked: RangesByLog): Promise<void> {
    let refused = asked;
    const { peer } = session;
    const given = (): RangesByLog => this.#replica.ledger.given.get(peer) ?? NOTHING;
    // What is bound already stays so, whatever this device keeps for itself from now on.
    const open = this.#mayPromise() ? asked : common(asked, given());
    for (const { log, ranges } of this.#pieces(open)) {
      if (session.ended || this.#closed) return;
      const { promised } = await this.#replica.writer.keep((context) =>
        prepareGrant(context, peer, log, ranges),
      );
      if (promised.length === 0) continue;
      const places = new Map([[log, promised]]);
      this.#say(session, "promise", places);
      refused = without(refused, places);
    }
    session.feed({ kind: "answered", promised: NOTHING, refused });
  }

  /** Of what is held here, in pieces that one turn takes. */
  *#pieces(places: RangesByLog): Generator<{ readonly log: LogId; readonly ranges: Ranges }> {
    for (const [log, all] of places) {
      const held = intersect(all, this.#replica.frontier.get(log)?.held ?? NO_RANGES);
      yield* piecesOf(held).map((ranges) => ({ log, ranges }));
    }
  }

  /** What was promised serves what nobody keeps any more; the rest is released. */
  async #settle(session: PeerSession): Promise<void> {
    const { peer } = session;
    const fresh = this.#fresh.get(peer);
    if (fresh === undefined || this.#collecting > 0) return;
    this.#fresh.delete(peer);
    const wanted = common(fresh, this.unkept());
    if (wanted.size > 0) await this.#replica.writer.keep((context) => prepareRely(context, peer, wanted));
    this.#say(session, "release", without(fresh, this.#replica.ledger.relied.get(peer) ?? NOTHING));
  }

  async #broken(device: DeviceId, places: RangesByLog): Promise<void> {
    const lost = await this.#replica.writer.keep((context) => prepareForsake(context, device, places));
    const unkept = common(lost, this.unkept());
    if (unkept.size === 0) return;
    this.#onBroken(device, countIn(unkept));
    for (const session of this.#sessions()) if (session.peer !== device) this.#say(session, "ask", unkept);
  }

  async #untilAnswered(session: PeerSession, asked: RangesByLog, patienceMs: number): Promise<void> {
    const { clock } = this.#replica.ports;
    const answered = (): number =>
      countIn(
        common(
          asked,
          unite(this.#fresh.get(session.peer) ?? NOTHING, this.#refused.get(session.peer) ?? NOTHING),
        ),
      );
    for (let before = -1, now = answered(); now > before && now < countIn(asked); now = answered()) {
      if (session.ended || this.#closed) return;
      before = now;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(patienceMs, resolve);
      await Promise.race([promise, this.#nextWord()]);
      cancel();
    }
  }

  #nextWord(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  /** Of what a peer says only what is held here, and not in more pieces than promises may have. */
  #bounded(known: ReadonlyMap<DeviceId, RangesByLog>, peer: DeviceId, ranges: RangesByLog): RangesByLog {
    const before = known.get(peer) ?? NOTHING;
    const held = new Map([...this.#replica.frontier].map(([log, state]) => [log, state.held]));
    return unite(before, withinLimits(before, common(ranges, held)));
  }

  #say(session: PeerSession, word: KeepWord, ranges: RangesByLog): void {
    if (ranges.size > 0 && !session.ended) session.feed({ kind: "keep", word, ranges });
  }

  #later(work: () => Promise<unknown>): void {
    this.#last = this.#last.then(async () => {
      if (this.#closed) return;
      try {
        await work();
      } catch (error) {
        // A disk that refuses: said again in the next session.
        if (!isEngineError(error)) throw error;
      }
    });
  }
}

/** In pieces of so many positions as one turn reads. */
export function piecesOf(all: Ranges): readonly Ranges[] {
  const pieces: Ranges[] = [];
  let piece: Range[] = [];
  let room = KEEP_ENTRIES_MAX;
  for (const { from, to } of all) {
    for (let at = from; at < to;) {
      const end = Math.min(to, at + room);
      piece.push(...rangeOf(at, end));
      room -= end - at;
      at = end;
      if (room > 0) continue;
      pieces.push(piece);
      piece = [];
      room = KEEP_ENTRIES_MAX;
    }
  }
  if (countOf(piece) > 0) pieces.push(piece);
  return pieces;
}
