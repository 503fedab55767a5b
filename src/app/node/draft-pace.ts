/**
 * Drafts come with every key that somebody presses; the logs keep every one that is written. So one in ten seconds and conversation is
 * written, and of those in between the last. Tests: test/unit/app/draft-pace.test.ts.
 */
import type { ConversationId } from "../../core/base/ids.ts";
import type { CancelTimer, Clock, MonotonicMs } from "../../core/base/ports.ts";

const DRAFT_EVERY_MS = 10_000;

interface Waiting {
  text: string;
  readonly cancel: CancelTimer;
  readonly settled: PromiseWithResolvers<void>;
}

interface Slot {
  writtenAtMs: MonotonicMs;
  waiting: Waiting | null;
}

export class DraftPace {
  readonly #clock: Clock;
  readonly #write: (conversation: ConversationId, text: string) => Promise<void>;
  readonly #slots = new Map<ConversationId, Slot>();

  constructor(clock: Clock, write: (conversation: ConversationId, text: string) => Promise<void>) {
    this.#clock = clock;
    this.#write = write;
  }

  /** True while one waits to be written. */
  isWaiting(conversation: ConversationId): boolean {
    return (this.#slots.get(conversation)?.waiting ?? null) !== null;
  }

  /** Resolves when this draft is durable, or a later one in its place. */
  async take(conversation: ConversationId, text: string): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    for (const [each, { writtenAtMs, waiting }] of this.#slots) {
      if (waiting === null && nowMs - writtenAtMs >= DRAFT_EVERY_MS) this.#slots.delete(each);
    }
    const slot = this.#slots.get(conversation);
    if (slot === undefined) {
      this.#slots.set(conversation, { writtenAtMs: nowMs, waiting: null });
      return this.#write(conversation, text);
    }
    if (slot.waiting === null) {
      const cancel = this.#clock.after(slot.writtenAtMs + DRAFT_EVERY_MS - nowMs, () =>
        this.#writeWaiting(conversation, slot),
      );
      slot.waiting = { text, cancel, settled: Promise.withResolvers<void>() };
    } else slot.waiting.text = text;
    return slot.waiting.settled.promise;
  }

  /** Writes what waits, at once: before the node ends. Whoever gave it hears of a failure. */
  async flush(): Promise<void> {
    const waiting: Promise<void>[] = [];
    for (const [conversation, slot] of this.#slots) {
      if (slot.waiting === null) continue;
      slot.waiting.cancel();
      waiting.push(slot.waiting.settled.promise);
      this.#writeWaiting(conversation, slot);
    }
    await Promise.allSettled(waiting);
  }

  #writeWaiting(conversation: ConversationId, slot: Slot): void {
    const { waiting } = slot;
    if (waiting === null) return;
    slot.waiting = null;
    slot.writtenAtMs = this.#clock.monotonicMs();
    this.#write(conversation, waiting.text).then(waiting.settled.resolve, waiting.settled.reject);
  }
}
