/**
 * What this device and its peers say about keeping, carried out: others are asked to keep what is to be evicted here, what nobody needs is
 * released, and where a promise that is relied on is broken, others are asked. What it keeps for them: keep-giving.ts. Rules: docs/spec/sync.md, "Keeping".
 * Tests: test/integration/app/keeping.test.ts, test/integration/app/promises.test.ts, test/integration/app/promises-full-disk.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { purgedPlaces } from "../../core/sync/erased.ts";
import { PeerPromises } from "../../core/sync/peer-promises.ts";
import { common, NOTHING, type Promises, promisedBy, unite, without } from "../../core/sync/promises.ts";
import type { KeepSaid, RangesByLog } from "../../core/sync/types.ts";
import { isActive, prepareForsake, prepareRely } from "../replica/keep-turns.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerSession } from "../sessions/peer-session.ts";
import { BrokenPromises } from "./broken-promises.ts";
import { KeepGiving, say } from "./keep-giving.ts";
import { KeepQueue } from "./keep-queue.ts";
import { untilNoneLeft } from "./until-none-left.ts";

/** A peer that answers little by little is waited for so much longer than one that says nothing, whatever it says. */
const PATIENCE_TIMES = 6;
/** And so long for every message, which the slowest disk reads in less. */
const LONGEST_MS_EACH = 2;

export class Keeping {
  readonly #replica: Replica;
  readonly #sessions: () => readonly PeerSession[];
  readonly #brokenPromises: BrokenPromises;
  readonly #giving: KeepGiving;
  readonly #promises = new Map<PeerSession, PeerPromises>();
  readonly #queue: KeepQueue;
  readonly #waiters = new Set<() => void>();
  /** Nothing is released meanwhile: it may be what is just being relied on. */
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
    this.#brokenPromises = new BrokenPromises({
      clock: parts.replica.ports.clock,
      unkept: () => this.unkept(),
      tell: parts.onBroken,
    });
    this.#queue = new KeepQueue(parts.replica.ports.clock);
    this.#giving = new KeepGiving(parts.replica, this.#queue, parts.mayPromise);
  }

  /** A session with the peer begins: both say again what holds between them. */
  connected(session: PeerSession): void {
    const { peer } = session;
    this.disconnected();
    if (!isActive(this.#replica.members, peer)) return;
    this.brought();
    this.#giving.connected(session);
    this.#ask(session, unite(this.#reliedOn(peer), this.unkept()));
  }

  /** A session has ended. */
  disconnected(): void {
    this.#giving.disconnected();
    for (const session of this.#promises.keys()) if (session.ended) this.#promises.delete(session);
    this.#wake();
  }

  heard(session: PeerSession, { word, number, ranges }: KeepSaid): void {
    const { peer } = session;
    switch (word) {
      case "ask":
        return this.#giving.asked(session, { number, ranges });
      case "release":
        return this.#giving.released(peer, ranges);
      case "refuse":
        this.#of(session).refused(number, ranges);
        return this.dropped(peer, ranges);
      case "promise":
        // Also of what is not here at this moment, since damage took it: what binds the peer must be released to it.
        // The answer to an ask is newer than what broke the promise before: that may wait for the disk still.
        this.#queue.forget("lost", peer, this.#of(session).promised(number, ranges));
        this.#wake();
        return this.#settleLater(session);
    }
  }

  /** The peer has lost these. */
  dropped(peer: DeviceId, ranges: RangesByLog): void {
    for (const session of this.#sessions()) if (session.peer === peer) this.#of(session).refused(0, ranges);
    this.#wake();
    this.#lost(peer, common(ranges, this.#reliedOn(peer)));
  }

  /** Whoever was removed keeps nothing any more. */
  membersChanged(): void {
    for (const [device, places] of this.#replica.ledger.relied)
      if (!isActive(this.#replica.members, device)) this.#lost(device, places);
    this.#giving.membersChanged();
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
    // Kept here, since a promise binds its device though the session ends.
    const asks: { readonly peer: DeviceId; readonly said: PeerPromises; readonly number: number }[] = [];
    const promises = (): Promises =>
      new Map(asks.map(({ peer, said, number }) => [peer, said.answer(number).promised]));
    try {
      let left = wanted;
      for (const session of this.#sessions()) {
        if (left.size === 0) break;
        const { peer } = session;
        if (session.ended || !isActive(this.#replica.members, peer)) continue;
        const said = this.#of(session);
        const number = this.#ask(session, left);
        asks.push({ peer, said, number });
        said.watch(number);
        await this.#untilAnswered(session, { said, number, patienceMs });
        left = without(left, said.answer(number).promised);
      }
      return await use(promises);
    } finally {
      for (const { said, number } of asks) said.end(number);
      this.#collecting--;
      this.brought();
      for (const session of this.#sessions()) this.#settleLater(session);
    }
  }

  /** A peer brought something that is durable now. What is whole here again nobody need keep for this device. */
  brought(): void {
    if (this.#returned().size === 0) return;
    this.#queue.later("returned", async () => {
      // It may be what is asked for just now. Afterwards it is looked at again.
      if (this.#collecting > 0) return;
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
    this.#brokenPromises.close();
  }

  #returned(): Promises {
    const { relied, evicted } = this.#replica.ledger;
    const all = [...relied].map(([device, places]) => [device, without(places, evicted)] as const);
    return new Map(all.filter(([, places]) => places.size > 0));
  }

  async #forsakeReturned(device: DeviceId): Promise<void> {
    const session = this.#sessions().find(({ peer }) => peer === device);
    try {
      await this.#replica.writer.keep((context) => {
        const places = without(this.#reliedOn(device), context.ledger.evicted);
        const prepared = prepareForsake(context, device, places);
        // Now, since a commit that the disk refuses is written later all the same: tried again, this turn would find nothing.
        if (session !== undefined) this.#of(session).returned(prepared.result);
        return prepared;
      });
    } finally {
      if (session !== undefined) this.#settleLater(session);
    }
  }

  #settleLater(session: PeerSession): void {
    const { peer } = session;
    if (this.#collecting > 0 || this.#of(session).settled.size === 0) return;
    this.#queue.later(`settle ${peer}`, async () => {
      for (const each of this.#promises.keys())
        if (each.peer === peer && !each.ended) await this.#settle(each);
    });
  }

  /** What was promised serves what nobody keeps any more; the rest is released, once it is written that it is not relied on. */
  async #settle(session: PeerSession): Promise<void> {
    const { peer } = session;
    const promises = this.#of(session);
    let looked = NOTHING;
    await this.#replica.writer.keep((context) => {
      // Not before: the peer may have said otherwise while this waited for its turn.
      looked = promises.settled;
      const wanted = this.#collecting === 0 ? common(looked, this.unkept()) : NOTHING;
      return prepareRely(context, peer, wanted);
    });
    // A collecting may have begun meanwhile; it ends with this once more.
    if (this.#collecting > 0) return;
    const settled = common(looked, promises.settled);
    promises.taken(settled);
    say(session, "release", without(settled, this.#reliedOn(peer)));
  }

  #lost(device: DeviceId, places: RangesByLog): void {
    this.#queue.gather("lost", device, places, (all) => this.#broken(device, all));
  }

  async #broken(device: DeviceId, places: RangesByLog): Promise<void> {
    await this.#replica.writer.keep((context) => prepareForsake(context, device, places));
    // Of all of them: what the disk refused was written later all the same, so the turn that was tried again may have found nothing to do.
    const unkept = common(places, this.unkept());
    if (unkept.size === 0) return;
    this.#brokenPromises.noticed(device, unkept);
    for (const session of this.#sessions()) if (session.peer !== device) this.#ask(session, unkept);
  }

  #untilAnswered(
    session: PeerSession,
    ask: { readonly said: PeerPromises; readonly number: number; readonly patienceMs: number },
  ): Promise<void> {
    const { said, number, patienceMs } = ask;
    const left = (): number => said.answer(number).openCount;
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

  #reliedOn(peer: DeviceId): RangesByLog {
    return this.#replica.ledger.relied.get(peer) ?? NOTHING;
  }

  #of(session: PeerSession): PeerPromises {
    const promises = this.#promises.get(session) ?? new PeerPromises();
    if (!session.ended) this.#promises.set(session, promises);
    return promises;
  }

  #ask(session: PeerSession, places: RangesByLog): number {
    const number = places.size > 0 ? this.#of(session).ask(places) : 0;
    say(session, "ask", places, number);
    return number;
  }
}
