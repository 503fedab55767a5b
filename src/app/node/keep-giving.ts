/**
 * What this device keeps for others: asks are answered with what is durably promised, and what they release binds no more.
 * Rules: docs/spec/sync.md, "Keeping". Tests: test/integration/app/promises.test.ts,
 * test/integration/app/promises-full-disk.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { NO_RANGES } from "../../core/log/ranges.ts";
import { common, NOTHING, without } from "../../core/sync/promises.ts";
import type { KeepSaid, RangesByLog } from "../../core/sync/types.ts";
import type { KeepWord } from "../../core/wire/frames.ts";
import { isActive, piecesOf, prepareGrant, prepareRelease } from "../replica/keep-turns.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerSession } from "../sessions/peer-session.ts";
import type { KeepQueue } from "./keep-queue.ts";

type Asked = Pick<KeepSaid, "number" | "ranges">;

export class KeepGiving {
  readonly #replica: Replica;
  readonly #queue: KeepQueue;
  readonly #mayPromise: () => boolean;
  /** By session, the oldest first; gone with it, however long the queue is. As many as wait for an answer: the session is closed over more. */
  readonly #asked = new Map<PeerSession, readonly Asked[]>();
  /** The last session that began with each peer: the one that hears what an earlier one could not be told. */
  readonly #sessions = new Map<DeviceId, PeerSession>();

  /** `mayPromise` is false where this device keeps messages for a while only: then it promises nothing more. */
  constructor(replica: Replica, queue: KeepQueue, mayPromise: () => boolean) {
    this.#replica = replica;
    this.#queue = queue;
    this.#mayPromise = mayPromise;
  }

  /** A session with the peer begins, which may have lost what was said in an earlier one. */
  connected(session: PeerSession): void {
    this.#sessions.set(session.peer, session);
    this.#tellLater(session.peer);
  }

  /** A session has ended. */
  disconnected(): void {
    for (const session of this.#asked.keys()) if (session.ended) this.#asked.delete(session);
    for (const [peer, session] of this.#sessions) if (session.ended) this.#sessions.delete(peer);
  }

  asked(session: PeerSession, asked: Asked): void {
    this.#asked.set(session, [...(this.#asked.get(session) ?? []), asked]);
    this.#answerLater(session.peer);
  }

  released(peer: DeviceId, ranges: RangesByLog): void {
    this.#queue.gather("released", peer, common(ranges, this.#givenTo(peer)), (places) =>
      this.#replica.writer.keep((context) => prepareRelease(context, peer, places)),
    );
  }

  /** Whoever was removed needs nothing any more. */
  membersChanged(): void {
    for (const [device, places] of this.#replica.ledger.given)
      if (!isActive(this.#replica.members, device)) this.released(device, places);
  }

  /** All that binds this device to the peer: behind what is being written down for it, since that session may be over when it stands. */
  #tellLater(peer: DeviceId): void {
    this.#queue.later(`told ${peer}`, async () => {
      // Nothing new: resolves once what was promised is durable.
      await this.#replica.writer.keep(() => ({ turn: null, result: undefined }));
      const session = this.#sessions.get(peer);
      if (session !== undefined) say(session, "promise", this.#givenTo(peer));
    });
  }

  #answerLater(peer: DeviceId): void {
    this.#queue.later(`asked ${peer}`, () => this.#answerNext(peer));
  }

  /** The oldest, which stays so while the disk refuses: refused, what is bound already would count as broken; unanswered, the peer would release nothing of it. */
  async #answerNext(peer: DeviceId): Promise<void> {
    for (const [session, [oldest]] of this.#asked) {
      if (session.peer !== peer || session.ended || oldest === undefined) continue;
      await this.#answer(session, oldest);
      const left = this.#asked.get(session)?.slice(1) ?? [];
      if (left.length > 0) this.#asked.set(session, left);
      else this.#asked.delete(session);
      // What was said after this one and before the next comes between them.
      return this.#answerLater(peer);
    }
  }

  async #answer(session: PeerSession, { number, ranges: asked }: Asked): Promise<void> {
    const { peer } = session;
    // Said before, and refused by the disk until now, it would undo the answer.
    await this.#queue.first("released", peer);
    let refused = asked;
    // What is bound already stays so, whatever this device keeps for itself from now on.
    const open = this.#mayPromise() ? asked : common(asked, this.#givenTo(peer));
    // Of what is held here, in pieces that one turn takes.
    const pieces = [...heldOf(this.#replica, open)].flatMap(([log, all]) =>
      piecesOf(all).map((ranges) => ({ log, ranges })),
    );
    for (const { log, ranges } of pieces) {
      if (session.ended || this.#queue.isStopped) return;
      const { promised } = await this.#replica.writer.keep((context) =>
        prepareGrant(context, peer, log, ranges),
      );
      // It binds this device all the same, and the session that has taken the place of this one did not hear of it.
      if (session.ended) return this.#tellLater(peer);
      if (promised.length === 0) continue;
      const places = new Map([[log, promised]]);
      say(session, "promise", places, number);
      refused = without(refused, places);
    }
    session.feed({ kind: "answered", number, refused });
  }

  #givenTo(peer: DeviceId): RangesByLog {
    return this.#replica.ledger.given.get(peer) ?? NOTHING;
  }
}

export function say(session: PeerSession, word: KeepWord, ranges: RangesByLog, number = 0): void {
  if (ranges.size > 0 && !session.ended) session.feed({ kind: "keep", word, number, ranges });
}

/** Of what a peer says only what is held here. */
function heldOf({ frontier }: Replica, places: RangesByLog): RangesByLog {
  const logs = [...places.keys()];
  return common(places, new Map(logs.map((log) => [log, frontier.get(log)?.held ?? NO_RANGES])));
}
