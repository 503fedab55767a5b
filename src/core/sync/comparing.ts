/**
 * What both sides say of what they hold, and when: the opening hashes, frontiers, beats. From it comes what the peer's copy is known to be.
 * Rules: docs/spec/sync.md, "Order" and "Beat". Tests: test/unit/sync/session.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import type { LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import type { Ranges } from "../log/ranges.ts";
import type { Frontier } from "../log/types.ts";
import type { FrontierEntry, SessionFrame } from "../wire/frames.ts";
import type { Announcing } from "./announcing.ts";
import type { Asking } from "./asking.ts";
import { OfferMemory } from "./offer-memory.ts";
import type { PeerCopy } from "./peer-copy.ts";
import { countedRanges } from "./possession.ts";
import type { Turn } from "./turn.ts";
import type { SessionView } from "./types.ts";

/** A frontier is sent for a beat at most this often, whatever the peer sends. */
const FRONTIER_EVERY_MS = 10_000;

/** The first frame of a session, and what it speaks of. Made before the session where it shares the handshake's last flight. */
export interface OpeningHeld {
  readonly frame: Extract<SessionFrame, { kind: "held" }>;
  readonly frontier: Frontier;
}

export function openingHeld(view: SessionView): OpeningHeld {
  const frame = { kind: "held", digest: view.digest(), complete: view.complete() } as const;
  return { frame, frontier: new Map(view.frontier) };
}

export class Comparing {
  readonly #view: SessionView;
  readonly #copy: PeerCopy;
  readonly #asking: Asking;
  readonly #announcing: Announcing;
  readonly #mayExchange: (log: LogId) => boolean;
  readonly offers = new OfferMemory();
  #opening: OpeningHeld | undefined;
  #hasPeerOpened = false;
  #frontierSentAt = -Infinity as MonotonicMs;

  /** `mayExchange` says whether a log may be spoken of with this peer now. */
  constructor(parts: {
    readonly view: SessionView;
    readonly copy: PeerCopy;
    readonly asking: Asking;
    readonly announcing: Announcing;
    readonly mayExchange: (log: LogId) => boolean;
    readonly opening: OpeningHeld | undefined;
  }) {
    this.#view = parts.view;
    this.#copy = parts.copy;
    this.#asking = parts.asking;
    this.#announcing = parts.announcing;
    this.#mayExchange = parts.mayExchange;
    this.#opening = parts.opening;
  }

  open(turn: Turn): void {
    if (this.#opening !== undefined) return;
    this.#opening = openingHeld(this.#view);
    turn.send(this.#opening.frame);
  }

  /** Compared with what was sent, not with what is held by now, so that both sides come to the same answer. */
  held(frame: Extract<SessionFrame, { kind: "held" }>, turn: Turn): void {
    const opening = this.#opening;
    if (opening === undefined || this.#hasPeerOpened) return turn.close("unsolicited");
    this.#hasPeerOpened = true;
    const isEqual = equalBytes(frame.digest, opening.frame.digest);
    if (isEqual) this.#learnEqual(opening.frontier, turn);
    if (!isEqual || !frame.complete || !opening.frame.complete) this.sendFrontier(turn);
    // What it speaks of need not be kept longer.
    this.#opening = { frame: opening.frame, frontier: new Map() };
  }

  frontier(frame: Extract<SessionFrame, { kind: "frontier" }>, turn: Turn): void {
    this.learnOffers(frame.logs, turn);
    if (frame.last && this.#copy.becomeKnown()) this.#announcing.catchUp(turn);
  }

  beat(frame: Extract<SessionFrame, { kind: "beat" }>, turn: Turn): void {
    const digest = this.#view.digest();
    if (frame.answerWanted) turn.send({ kind: "beat", digest, answerWanted: false });
    if (equalBytes(frame.digest, digest)) return this.#learnEqual(this.#view.frontier, turn);
    // Not for every beat of a peer that sends nothing else.
    if (turn.now - this.#frontierSentAt >= FRONTIER_EVERY_MS) this.sendFrontier(turn);
  }

  learnOffers(entries: readonly FrontierEntry[], turn: Turn): void {
    const ranges = new Map<LogId, Ranges>();
    for (const entry of entries) {
      const { log, length, root, held } = entry;
      if (!this.#mayExchange(log)) {
        this.offers.remember(entry);
        continue;
      }
      this.#copy.replace(entry);
      ranges.set(log, this.#counted(log, held));
      this.#announcing.reconsider(log, turn);
      // Two roots of one length are a fork if the author signed both: ask for the signed one.
      const own = this.#asking.heads.ofLength(log, length);
      if (own !== undefined && !equalBytes(own.root, root)) this.#asking.needs.wantHead(log, "nothing");
    }
    if (ranges.size > 0) turn.put({ kind: "peerHas", delta: { heads: [], ranges }, acknowledged: true });
  }

  sendFrontier(turn: Turn): void {
    this.#frontierSentAt = turn.now;
    this.#announcing.frontier(turn);
  }

  #learnEqual(frontier: Frontier, turn: Turn): void {
    const changed = this.#copy.becomeEqualTo(frontier);
    this.offers.clear();
    const ranges = new Map<LogId, Ranges>();
    for (const [log, { held }] of frontier) {
      ranges.set(log, this.#counted(log, held));
      this.#announcing.told(log, held);
    }
    turn.put({ kind: "peerHas", delta: { heads: [], ranges }, acknowledged: true });
    for (const log of changed) this.#announcing.reconsider(log, turn);
  }

  #counted(log: LogId, ranges: Ranges): Ranges {
    return countedRanges(ranges, this.#view.members.logs.get(log));
  }
}
