/**
 * Whether the peer is still there: when the initiator asks, and when either side gives up. docs/spec/sync.md, "Beat".
 * Tests: test/unit/sync/session.test.ts.
 */
import type { MonotonicMs } from "../base/ports.ts";

/** An idle pair may send 120 packets an hour: 38 beats of three, one more for the first after a talk, and room for what the system acknowledges late. */
const BEAT_AFTER_MS = 95_000;
const BEAT_ANSWER_MS = 10_000;
/** A peer that asks what cannot be answered is heard and hears nothing: it must not give up for that. */
const BEAT_AFTER_OWN_MS = BEAT_AFTER_MS + BEAT_ANSWER_MS;
/** The responder gives up later than the initiator, so that a late beat still finds it. */
const RESPONDER_SILENCE_MS = BEAT_AFTER_MS + 3 * BEAT_ANSWER_MS;

export class Beat {
  readonly #isInitiator: boolean;
  #heardAt: MonotonicMs;
  #saidAt: MonotonicMs;
  #askedAt: MonotonicMs | undefined;

  constructor(isInitiator: boolean, now: MonotonicMs) {
    this.#isInitiator = isInitiator;
    this.#heardAt = now;
    this.#saidAt = now;
  }

  get wakeAt(): MonotonicMs {
    if (!this.#isInitiator) return (this.#heardAt + RESPONDER_SILENCE_MS) as MonotonicMs;
    if (this.#askedAt !== undefined) return (this.#askedAt + BEAT_ANSWER_MS) as MonotonicMs;
    return Math.min(this.#heardAt + BEAT_AFTER_MS, this.#saidAt + BEAT_AFTER_OWN_MS) as MonotonicMs;
  }

  heard(now: MonotonicMs): void {
    this.#heardAt = now;
    this.#askedAt = undefined;
  }

  /** A frame goes out, of whatever kind. */
  said(now: MonotonicMs): void {
    this.#saidAt = now;
  }

  /** What is due: a question, or the end. */
  woken(now: MonotonicMs): "ask" | "give-up" | undefined {
    if (now < this.wakeAt) return undefined;
    if (!this.#isInitiator || this.#askedAt !== undefined) return "give-up";
    this.#askedAt = now;
    return "ask";
  }
}
