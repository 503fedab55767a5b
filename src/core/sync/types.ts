/**
 * The seams of a session: what the shell tells the machine, and what the machine asks of the shell; and the planner's.
 * Rules: docs/spec/sync.md. Machine: session.ts. Shell: src/app/sessions.
 */
import type { DeviceId, LogId, TreeHash } from "../base/ids.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { MonotonicMs } from "../base/ports.ts";
import type { Fork } from "../log/fork.ts";
import type { Ranges } from "../log/ranges.ts";
import type { Frontier, Head, KnownNode, VerifiedBatch } from "../log/types.ts";
import type { MemberView } from "../membership/types.ts";
import type { CloseReason, KeepWord, SessionFrame } from "../wire/frames.ts";

/** Names one output that the shell will answer. Unique within a session. */
export type Ticket = number & { readonly name: "ticket" };

/** By log: positions. */
export type RangesByLog = ReadonlyMap<LogId, Ranges>;

/** What a peer, or this device, came to hold: the ranges by log, and those new heads that are known with their signature. */
export interface FrontierDelta {
  readonly heads: readonly Head[];
  readonly ranges: RangesByLog;
}

/** A longer head with the proof that it continues the known one: adopted before any entry of it is here. */
export interface Adoption {
  /**
   * Length of the head that it continues, 0 for none. Where another has been adopted by then, the writer decides anew
   * (`extendFromBatch`, or not at all): two heads that continue one may contradict each other.
   */
  readonly from: number;
  readonly head: Head;
  readonly peaks: readonly TreeHash[];
  /** Proof nodes to be stored, first the perfect nodes of `[from, head.length)`; none where the head came with a batch, which carries its own. */
  readonly nodes: readonly KnownNode[];
}

/** A word about keeping; `number` is that of an ask, of its peer's counting, or 0 where nobody asked. */
export interface KeepSaid {
  readonly word: KeepWord;
  readonly number: number;
  readonly ranges: RangesByLog;
}

export type Input =
  | { readonly kind: "opened" }
  | { readonly kind: "received"; readonly frame: SessionFrame }
  /** From the planner: ask this peer for these. */
  | { readonly kind: "assigned"; readonly log: LogId; readonly ranges: Ranges }
  /** Taken back by the planner, or here by now from elsewhere: no longer wanted of this peer. */
  | { readonly kind: "unassigned"; readonly log: LogId; readonly ranges: Ranges }
  /** Durable, and in the view: now acknowledge. */
  | { readonly kind: "committed"; readonly ticket: Ticket }
  /** Disk full, poisoned: stop asking for a while, keep the peer. */
  | { readonly kind: "failed"; readonly ticket: Ticket; readonly code: ErrorCode }
  /** This device's own logs, or what it took in from others, grew durably. Of this session's own commits too, or not. */
  | { readonly kind: "grown"; readonly own: readonly Head[]; readonly others: readonly Head[] }
  /** The members in the view are others now. */
  | { readonly kind: "members" }
  /** To be said to the peer about keeping; an ask with a number of its own, what answers one with that. */
  | ({ readonly kind: "keep" } & KeepSaid)
  /** The oldest `ask` of the peer that was put out has been answered; these are refused. */
  | { readonly kind: "answered"; readonly number: number; readonly refused: RangesByLog }
  /** Payloads that were evicted here are to be asked for: `wantedBack` of the view names them. */
  | { readonly kind: "fetch"; readonly log: LogId; readonly ranges: Ranges }
  /** A pulled batch went out; `bytes` of encoded batch and these positions now count against the credit. */
  | {
      readonly kind: "served";
      readonly ticket: Ticket;
      readonly log: LogId;
      readonly ranges: Ranges;
      readonly bytes: number;
    }
  /** A `serve` has come to its end; what it left out cannot be served now. */
  | { readonly kind: "exhausted"; readonly ticket: Ticket }
  /** The time of `wakeAt` has come. */
  | { readonly kind: "woken" };

export type Output =
  | { readonly kind: "send"; readonly frame: SentFrame }
  /**
   * The shell pulls batches from the BatchSource and sends them; it pulls the next only while `mayServe` is true. Several may be
   * open: one that answers needs, and a push for each own log, which goes first.
   */
  | {
      readonly kind: "serve";
      readonly ticket: Ticket;
      readonly head: Head;
      readonly ranges: Ranges;
      readonly newestFirst: boolean;
      readonly isPush: boolean;
    }
  /** Pull no more for this `serve`; it is answered by `exhausted` like any other end. */
  | { readonly kind: "stop"; readonly ticket: Ticket }
  /** Perfect nodes of [from, head.length) are wanted from the store, to be sent as an `extension` before any batch of a later `serve`. */
  | { readonly kind: "extend"; readonly from: number; readonly head: Head }
  /** Positions that are here by then are left out; `committed` when all of them are durable. */
  | {
      readonly kind: "commit";
      readonly ticket: Ticket;
      readonly batch: VerifiedBatch;
      readonly adoption: Adoption | null;
    }
  | { readonly kind: "adopt"; readonly ticket: Ticket; readonly adoption: Adoption }
  /** For the planner's `offer`, and for what `status` says of the peer. */
  | {
      readonly kind: "peerHas";
      readonly delta: FrontierDelta;
      /** True where the peer itself said so (ack, frontier, equal digests) and not only sent it. */
      readonly acknowledged: boolean;
    }
  | { readonly kind: "peerDropped"; readonly ranges: RangesByLog }
  /** For the planner's `absent`: asked for, and not to be had from this peer now. */
  | { readonly kind: "absent"; readonly ranges: RangesByLog }
  /** The peer, an active member, said this about keeping; an `ask` is to be answered. */
  | ({ readonly kind: "keep" } & KeepSaid)
  /** Both hold the same (true), or not or it is unknown (false). Sent when it changes; false at first. */
  | { readonly kind: "equal"; readonly equal: boolean }
  /** A push has waited too long for its acknowledgement: the connection may be dead. Look for the peer anew, keep the session. */
  | { readonly kind: "suspect" }
  | { readonly kind: "evidence"; readonly fork: Fork }
  /** The last output: end the stream once what was sent is out. The frame `close` is among what was sent, unless the peer sent it. */
  | { readonly kind: "close"; readonly reason: CloseReason; readonly byPeer: boolean };

/** What a session sends by itself. Batches are sent by the shell, from the BatchSource. */
export type SentFrame = Exclude<SessionFrame, { kind: "batch" | "unknown" }>;

/** What a session may look at without waiting: this device's own state, always current. Provided by the shell. */
export interface SessionView {
  readonly frontier: Frontier;
  readonly members: MemberView;
  /** Taken in, and evicted since: proved and counted, and not to be served. */
  readonly evicted: RangesByLog;
  /** Of these, payloads that are to come back. */
  readonly wantedBack: RangesByLog;
  /** Possession digest of `frontier`; cached by the provider. */
  readonly digest: () => Uint8Array;
  /** True where nothing that is wanted is missing here. */
  readonly complete: () => boolean;
}

export interface Assignment {
  readonly peer: DeviceId;
  readonly log: LogId;
  readonly ranges: Ranges;
  /** False takes them back from the peer. */
  readonly wanted: boolean;
}

/** One per device, pure. Gives each missing range to one peer; takes it back when that peer stalls; newest first. */
export interface Planner {
  /** A peer said what it holds. */
  readonly offer: (peer: DeviceId, has: FrontierDelta, now: MonotonicMs) => readonly Assignment[];
  /** Came to be held here durably; `peer` is who brought it, null for what was written here. */
  readonly held: (peer: DeviceId | null, delta: FrontierDelta, now: MonotonicMs) => readonly Assignment[];
  /** The peer said that it cannot serve these now. */
  readonly absent: (peer: DeviceId, ranges: RangesByLog, now: MonotonicMs) => readonly Assignment[];
  readonly gone: (peer: DeviceId, now: MonotonicMs) => readonly Assignment[];
  readonly woken: (now: MonotonicMs) => readonly Assignment[];
  readonly wakeAt: MonotonicMs;
  /** Entries that some peer offered and that are not held here; for progress. */
  readonly missing: () => number;
}
