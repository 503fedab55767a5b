/**
 * Whether the peer is still there: when the initiator asks, and when either side gives up. docs/spec/sync.md, "Beat".
 * Tests: test/unit/sync/session.test.ts.
 */
import type { MonotonicMs } from "../base/ports.ts";

const BEAT_AFTER_MS = 90_000;
const BEAT_ANSWER_MS = 10_000;
/** The responder gives up later than the initiator, so that a late beat still finds it. */
const RESPONDER_SILENCE_MS = BEAT_AFTER_MS + 3 * BEAT_ANSWER_MS;

export class Beat {
  readonly #isInitiator: boolean;
  #heardAt: MonotonicMs;
  #sentAt: MonotonicMs | undefined;

  constructor(isInitiator: boolean, now: MonotonicMs) {
    this.#isInitiator = isInitiator;
    this.#heardAt = now;
  }

  get wakeAt(): MonotonicMs {
    if (!this.#isInitiator) return (this.#heardAt + RESPONDER_SILENCE_MS) as MonotonicMs;
    if (this.#sentAt !== undefined) return (this.#sentAt + BEAT_ANSWER_MS) as MonotonicMs;
    return (this.#heardAt + BEAT_AFTER_MS) as MonotonicMs;
  }

  heard(now: MonotonicMs): void {
    this.#heardAt = now;
    this.#sentAt = undefined;
  }

  /** What is due: a question, or the end. */
  woken(now: MonotonicMs): "ask" | "give-up" | undefined {
    if (now < this.wakeAt) return undefined;
    if (!this.#isInitiator || this.#sentAt !== undefined) return "give-up";
    this.#sentAt = now;
    return "ask";
  }
}
