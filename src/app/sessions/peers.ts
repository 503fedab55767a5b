/**
 * All sessions of a device: one per peer, the planner that shares work among them, and who acknowledged what. Opens no
 * connection; meeting.ts does. Of two sessions with one peer the rule of docs/spec/sync.md keeps the same one on both sides.
 */
import { pipe } from "it-pipe";
import { hex } from "../../core/base/bytes.ts";
import type { DeviceId, LogId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import type { Fork } from "../../core/log/fork.ts";
import { NO_RANGES, type Ranges, subtract, union } from "../../core/log/ranges.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import { createPlanner } from "../../core/sync/planner.ts";
import type { Assignment, KeepSaid, Planner, RangesByLog } from "../../core/sync/types.ts";
import { HANDSHAKE_FRAMES } from "../../core/wire/frames.ts";
import type { Replica } from "../replica/replica.ts";
import type { Published } from "../replica/turn.ts";
import { keepsOlder } from "./duplicate-sessions.ts";
import { FrameReader } from "./frame-reader.ts";
import { Outbox } from "./outbox.ts";
import { PeerSession, type SessionEvents } from "./peer-session.ts";
import { type Proved, runHandshake } from "./run-handshake.ts";

/** Incoming streams that have not proved themselves yet. A stranger can take no more of this device's time than these. */
const HANDSHAKES_MAX = 16;
const REFUSALS_MAX = 64;
/** Pieces of one log that are remembered of one peer: more is no sync, and would cost memory. */
const PIECES_MAX = 65_536;
/** A peer that keeps another session instead of this one has it here by then, or the peer has gone. */
const REPLACED_MS = 2_000;

export interface PeersListener {
  /** `isNew` is false where it takes the place of a session with the same peer. */
  readonly connected: (session: PeerSession, isNew: boolean) => void;
  readonly disconnected: (peer: DeviceId) => void;
  readonly suspect: (peer: DeviceId) => void;
  readonly equal: (peer: DeviceId, equal: boolean) => void;
  /** The peer's own acknowledgement arrived for these. */
  readonly acknowledged: (peer: DeviceId, ranges: RangesByLog) => void;
  readonly evidence: (fork: Fork) => void;
  /** Durable, and brought by a peer. */
  readonly brought: () => void;
  readonly keep: (session: PeerSession, said: KeepSaid) => void;
  /** The peer was asked for these and cannot bring them now. */
  readonly absent: (session: PeerSession, ranges: RangesByLog) => void;
  /** The peer says that it lacks these, which it once acknowledged. */
  readonly dropped: (peer: DeviceId, ranges: RangesByLog) => void;
}

/** Counted, never logged with an identity: what strangers and faulty peers did. */
export interface PeerCounts {
  strangers: number;
  faults: number;
  refused: number;
}

export class Peers {
  readonly counts: PeerCounts = { strangers: 0, faults: 0, refused: 0 };
  readonly #replica: Replica;
  readonly #listener: PeersListener;
  #planner: Planner;
  readonly #sessions = new Map<DeviceId, PeerSession>();
  readonly #acked = new Map<DeviceId, Map<LogId, Ranges>>();
  /** How often a transport identity was dialled in vain; the one dialled longest ago is forgotten first. */
  readonly #refusals = new Map<string, number>();
  readonly #unsubscribe: () => void;
  readonly #assignments: Assignment[] = [];
  #isAssigning = false;
  /** Peers whose only session was ended because they keep another one, which has not shown itself here yet. */
  readonly #replaced = new Map<DeviceId, CancelTimer>();
  #handshakes = 0;
  #cancelTimer: CancelTimer | null = null;
  #closed = false;

  constructor(replica: Replica, listener: PeersListener) {
    this.#replica = replica;
    this.#listener = listener;
    this.#planner = createPlanner({ view: replica });
    this.#unsubscribe = replica.subscribe((published) => this.#published(published));
  }

  session(peer: DeviceId): PeerSession | undefined {
    return this.#sessions.get(peer);
  }

  get sessions(): readonly PeerSession[] {
    return [...this.#sessions.values()];
  }

  /** Entries that some peer offered and that are not here yet. */
  missing(): number {
    return this.#planner.missing();
  }

  /** What a peer acknowledged, as far as is known here. */
  acked(peer: DeviceId): ReadonlyMap<LogId, Ranges> {
    return this.#acked.get(peer) ?? new Map<LogId, Ranges>();
  }

  /** Takes in what was known before this start. */
  remember(peer: DeviceId, ranges: ReadonlyMap<LogId, Ranges>): void {
    this.#acked.set(peer, new Map(ranges));
  }

  /**
   * Runs a stream: handshake, then the session to its end in the background.
   *
   * @throws EngineError `NOT_A_MEMBER`, `TIMED_OUT`, `PEER_CLOSED`, `WIRE_*` where no session came of it.
   */
  async run(stream: ByteStream, via: PeerSession["via"] = "lan"): Promise<PeerSession | null> {
    // Strangers cannot keep this device from dialling its own: only what comes in is counted (threat N11).
    const place = stream.initiator ? 0 : 1;
    if (this.#closed || this.#handshakes + place > HANDSHAKES_MAX) {
      this.counts.refused++;
      stream.abort();
      return null;
    }
    const reader = new FrameReader(stream.source, this.#replica.ports.clock, HANDSHAKE_FRAMES);
    const outbox = new Outbox();
    // A stream that breaks shows at the reading end as well.
    pipe(outbox, stream.sink).catch(() => outbox.end());
    this.#handshakes += place;
    const there = hex(stream.peerTransport);
    let proved: Proved;
    try {
      proved = await runHandshake(this.#replica, stream, reader, outbox, this.#refusals.get(there));
      this.#refusals.delete(there);
    } catch (error) {
      if (stream.initiator && isEngineError(error, "NOT_A_MEMBER")) this.#noteRefusal(there);
      this.counts.strangers++;
      outbox.end();
      stream.abort();
      throw error;
    } finally {
      this.#handshakes -= place;
    }
    const parts = { proved, via, stream, reader, outbox };
    return this.#admit(new PeerSession({ ...parts, replica: this.#replica, events: this.#events() }));
  }

  /** Ends all sessions; they are found again at once and compare anew. After a repair made holes. */
  restart(): void {
    this.#planner = createPlanner({ view: this.#replica });
    for (const session of this.#sessions.values()) session.close("done");
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#cancelTimer?.();
    for (const cancel of this.#replaced.values()) cancel();
    for (const session of this.#sessions.values()) session.close("shutting-down");
  }

  #noteRefusal(transport: string): void {
    const count = (this.#refusals.get(transport) ?? 0) + 1;
    this.#refusals.delete(transport);
    if (this.#refusals.size >= REFUSALS_MAX) this.#refusals.delete(this.#refusals.keys().next().value!);
    this.#refusals.set(transport, count);
  }

  #admit(session: PeerSession): PeerSession | null {
    const { peer } = session;
    const { self } = this.#replica;
    const older = this.#sessions.get(peer);
    if (this.#closed || (older !== undefined && keepsOlder(older.origin, session.origin, { self, peer }))) {
      session.close(this.#closed ? "shutting-down" : "replaced");
      return older ?? null;
    }
    this.#sessions.set(peer, session);
    if (older !== undefined) {
      this.#perform(this.#planner.gone(peer, this.#now()));
      older.close("replaced");
    }
    session.run().catch((error: unknown) => {
      this.counts.faults++;
      if (!isEngineError(error)) throw error;
    });
    this.#listener.connected(session, older === undefined && !this.#endWait(peer));
    return session;
  }

  #events(): SessionEvents {
    return {
      // A peer speaks for its own synced disk only, in a frontier as in an acknowledgement.
      peerHas: (session, delta) => {
        this.#acknowledged(session.peer, delta.ranges);
        this.#perform(this.#planner.offer(session.peer, delta, this.#now()));
      },
      peerDropped: (session, ranges) => {
        const acked = this.#acked.get(session.peer);
        for (const [log, dropped] of ranges) {
          const left = subtract(acked?.get(log) ?? NO_RANGES, dropped);
          acked?.set(log, left.length > PIECES_MAX ? NO_RANGES : left);
        }
        this.#acknowledged(session.peer, new Map());
        this.#listener.dropped(session.peer, ranges);
      },
      absent: (session, ranges) => {
        this.#perform(this.#planner.absent(session.peer, ranges, this.#now()));
        this.#listener.absent(session, ranges);
      },
      brought: (session, delta) => {
        this.#perform(this.#planner.held(session.peer, delta, this.#now()));
        this.#listener.brought();
      },
      equal: (session, equal) => {
        if (this.#sessions.get(session.peer) !== session) return;
        if (equal) this.#acknowledged(session.peer, heldIn(this.#replica));
        this.#listener.equal(session.peer, equal);
      },
      keep: (session, said) => this.#listener.keep(session, said),
      suspect: (session) => this.#listener.suspect(session.peer),
      evidence: (_session, fork) => this.#listener.evidence(fork),
      ended: (session, reason) => {
        if (reason !== null && !["done", "replaced", "shutting-down"].includes(reason)) this.counts.faults++;
        if (this.#sessions.get(session.peer) !== session) return;
        this.#sessions.delete(session.peer);
        this.#perform(this.#planner.gone(session.peer, this.#now()));
        if (reason === "replaced") this.#waitFor(session.peer);
        else this.#listener.disconnected(session.peer);
      },
    };
  }

  #waitFor(peer: DeviceId): void {
    const gone = (): void => {
      this.#replaced.delete(peer);
      this.#listener.disconnected(peer);
    };
    this.#endWait(peer);
    this.#replaced.set(peer, this.#replica.ports.clock.after(REPLACED_MS, gone));
  }

  /** True where another session was waited for. */
  #endWait(peer: DeviceId): boolean {
    this.#replaced.get(peer)?.();
    return this.#replaced.delete(peer);
  }

  #acknowledged(peer: DeviceId, ranges: RangesByLog): void {
    // Of strangers nothing is remembered: whoever knows an earlier discovery key can be any number of them.
    if (!this.#replica.members.devices.has(peer)) return;
    const acked = this.#acked.get(peer) ?? new Map<LogId, Ranges>();
    this.#acked.set(peer, acked);
    for (const [log, more] of ranges) {
      const all = union(acked.get(log) ?? NO_RANGES, more);
      if (all.length <= PIECES_MAX) acked.set(log, all);
    }
    this.#listener.acknowledged(peer, ranges);
  }

  /** What became durable here: told to every session, and to the planner. */
  #published({ origin, delta, members }: Published): void {
    if (this.#closed) return;
    if (origin === "local") this.#perform(this.#planner.held(null, delta, this.#now()));
    const grown = {
      kind: "grown",
      own: origin === "local" ? delta.heads : [],
      others: origin === "local" ? [] : delta.heads,
    } as const;
    for (const session of this.sessions) {
      if (members) session.feed({ kind: "members" });
      session.feed(grown);
    }
  }

  /** In the order in which the planner made them, also where performing one makes more. */
  #perform(assignments: readonly Assignment[]): void {
    this.#assignments.push(...assignments);
    if (this.#isAssigning) return;
    this.#isAssigning = true;
    for (let next = this.#assignments.shift(); next !== undefined; next = this.#assignments.shift())
      this.#sessions.get(next.peer)?.assign(next.log, next.ranges, next.wanted);
    this.#isAssigning = false;
    this.#setTimer();
  }

  #setTimer(): void {
    this.#cancelTimer?.();
    const { wakeAt } = this.#planner;
    if (this.#closed || !Number.isFinite(wakeAt)) return;
    this.#cancelTimer = this.#replica.ports.clock.after(Math.max(0, wakeAt - this.#now()), () =>
      this.#perform(this.#planner.woken(this.#now())),
    );
  }

  #now(): ReturnType<Replica["ports"]["clock"]["monotonicMs"]> {
    return this.#replica.ports.clock.monotonicMs();
  }
}

function heldIn(replica: Replica): RangesByLog {
  return new Map([...replica.frontier].map(([log, state]) => [log, state.held]));
}
