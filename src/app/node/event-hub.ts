/**
 * Events for those who watch. Bounded: a reader that falls behind loses what it missed and gets one `resync` instead, so a slow
 * reader costs a bounded amount of memory and never slows the node. Tests: test/unit/app/event-hub.test.ts.
 */
import type { EventKind, KinlogEvent } from "./types.ts";

const BEHIND_MAX = 10_000;

/** An event without its time, which the hub puts in. */
export type NewEvent = KinlogEvent extends infer Each
  ? Each extends KinlogEvent
    ? Omit<Each, "at">
    : never
  : never;

interface Reader {
  readonly kinds: ReadonlySet<EventKind> | null;
  queue: KinlogEvent[];
  wake: (() => void) | null;
}

export class EventHub {
  readonly #now: () => string;
  readonly #readers = new Set<Reader>();
  #closed = false;

  /** `now` gives the time of an event as RFC 3339. */
  constructor(now: () => string) {
    this.#now = now;
  }

  /** True where somebody would read an event of this kind: what nobody reads need not be made. */
  wants(kind: EventKind): boolean {
    for (const { kinds } of this.#readers) if (kinds === null || kinds.has(kind)) return true;
    return false;
  }

  emit(event: NewEvent): void {
    const whole = { ...event, at: this.#now() } as KinlogEvent;
    for (const reader of this.#readers) {
      if (reader.kinds !== null && !reader.kinds.has(whole.event)) continue;
      if (reader.queue.length >= BEHIND_MAX) reader.queue = [{ event: "resync", at: whole.at }];
      reader.queue.push(whole);
      reader.wake?.();
    }
  }

  /** Events from now on, until the hub closes or the signal aborts. */
  read(
    options: { readonly kinds?: readonly EventKind[]; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<KinlogEvent> {
    const reader: Reader = {
      kinds: options.kinds === undefined ? null : new Set(options.kinds),
      queue: [],
      wake: null,
    };
    // Reading begins with the call, not with the first pull: nothing in between is missed.
    if (!this.#closed) this.#readers.add(reader);
    const { signal } = options;
    const stop = (): void => {
      this.#readers.delete(reader);
      reader.wake?.();
    };
    signal?.addEventListener("abort", stop, { once: true });
    return this.#iterate(reader, signal, stop);
  }

  /** What was emitted is still read to its end. */
  close(): void {
    this.#closed = true;
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const reader of readers) reader.wake?.();
  }

  async *#iterate(
    reader: Reader,
    signal: AbortSignal | undefined,
    stop: () => void,
  ): AsyncGenerator<KinlogEvent, void, undefined> {
    try {
      while (signal?.aborted !== true) {
        const events = reader.queue;
        reader.queue = [];
        yield* events;
        if (reader.queue.length > 0) continue;
        if (!this.#readers.has(reader)) return;
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
        reader.wake = null;
      }
    } finally {
      stop();
      signal?.removeEventListener("abort", stop);
    }
  }
}
