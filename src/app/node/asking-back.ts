/**
 * Asks for payloads that were evicted here: of who has promised them first, then of who is known to have them, then of anybody who is connected.
 * Who cannot bring them, or is gone, is followed by the next. Rules: docs/spec/sync.md, "Keeping". Tests: test/integration/app/asking-back.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { common, NOTHING, unite, without } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerSession } from "../sessions/peer-session.ts";

export class AskingBack {
  readonly #replica: Replica;
  readonly #sessions: () => readonly PeerSession[];
  readonly #acked: (peer: DeviceId) => RangesByLog;
  /** Under way. */
  readonly #asked = new Map<PeerSession, RangesByLog>();
  /** Asked for in vain, or under way: not asked again while anybody waits. */
  readonly #tried = new Map<PeerSession, RangesByLog>();

  readonly #waiters = new Set<() => void>();
  #closed = false;

  constructor(parts: {
    readonly replica: Replica;
    readonly sessions: () => readonly PeerSession[];
    readonly acked: (peer: DeviceId) => RangesByLog;
  }) {
    this.#replica = parts.replica;
    this.#sessions = parts.sessions;
    this.#acked = parts.acked;
  }

  /** Somebody wants these. */
  begin(places: RangesByLog): void {
    const { ledger } = this.#replica;
    const isNew = without(places, ledger.wantedBack);
    for (const all of [this.#asked, this.#tried])
      for (const [session, some] of all) all.set(session, without(some, isNew));
    ledger.wantedBack = unite(ledger.wantedBack, places);
    this.#askNext();
  }

  /** Nobody waits any more. They are not asked for by themselves later: who wants them asks again. */
  end(places: RangesByLog): void {
    const { ledger } = this.#replica;
    ledger.wantedBack = without(ledger.wantedBack, places);
  }

  /** Resolves when something came, or somebody cannot bring what was asked for. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  /** A peer brought something that is durable now; or nobody is waited for any more. */
  wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  close(): void {
    this.#closed = true;
    this.wake();
  }

  /** True while a device that is connected may bring any of these. */
  isUnderWay(places: RangesByLog): boolean {
    return !this.#closed && [...this.#asked.values()].some((asked) => common(asked, places).size > 0);
  }

  /** Who was asked for these is silent. True where somebody else could be asked. */
  passOver(places: RangesByLog): boolean {
    for (const [session, asked] of this.#asked) this.#asked.set(session, without(asked, places));
    this.#askNext();
    return this.isUnderWay(places);
  }

  connected(session: PeerSession): void {
    // The view was built again without these: their payloads are looked at once more, and not stored.
    for (const [log, ranges] of this.#replica.ledger.unfolded) session.feed({ kind: "fetch", log, ranges });
    this.changed();
  }

  /** The session cannot bring these now. */
  absent(session: PeerSession, places: RangesByLog): void {
    const asked = this.#asked.get(session);
    if (asked === undefined || common(asked, places).size === 0) return;
    this.#asked.set(session, without(asked, places));
    this.#askNext();
    this.wake();
  }

  /** A session has begun or ended. */
  changed(): void {
    for (const session of [...this.#asked.keys(), ...this.#tried.keys()]) {
      if (!session.ended) continue;
      this.#asked.delete(session);
      this.#tried.delete(session);
    }
    this.#askNext();
    this.wake();
  }

  #askNext(): void {
    const wanted = this.#replica.ledger.wantedBack;
    if (wanted.size === 0) return;
    const { relied } = this.#replica.ledger;
    const open = this.#sessions().filter((session) => !session.ended);
    for (const session of open) this.#ask(session, relied.get(session.peer) ?? NOTHING);
    for (const session of open) this.#ask(session, this.#acked(session.peer));
    for (const session of open) this.#ask(session, wanted);
  }

  #ask(session: PeerSession, has: RangesByLog): void {
    let left = common(this.#replica.ledger.wantedBack, has);
    for (const asked of this.#asked.values()) left = without(left, asked);
    left = without(left, this.#tried.get(session) ?? NOTHING);
    if (left.size === 0) return;
    // First, since the session may say at once that it cannot.
    this.#asked.set(session, unite(this.#asked.get(session) ?? NOTHING, left));
    this.#tried.set(session, unite(this.#tried.get(session) ?? NOTHING, left));
    for (const [log, ranges] of left) session.feed({ kind: "fetch", log, ranges });
  }
}
