/**
 * Bytes on their way to one peer: what is put in comes out in order, as fast as the stream takes it. Bounded by the credit of
 * the session that fills it; a peer that asks and does not read (threat N8) is given up at a limit of its own.
 * Tests: test/unit/app/outbox.test.ts.
 */

/** Many times the credit of a session and its largest frames; who reads at all never comes near. */
const BYTES_MAX = 32 * 1024 * 1024;

export class Outbox implements AsyncIterable<Uint8Array> {
  #queue: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #overflowed = false;
  #wake: (() => void) | null = null;

  /** More was put in than a peer may leave unread: nothing of it goes out any more. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  put(...parts: readonly Uint8Array[]): void {
    if (this.#ended) return;
    for (const part of parts) {
      this.#queue.push(part);
      this.#bytes += part.length;
    }
    if (this.#bytes > BYTES_MAX) {
      this.#overflowed = true;
      this.#ended = true;
      this.#queue = [];
      this.#bytes = 0;
    }
    this.#wake?.();
  }

  /** What was put in still goes out. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      while (this.#queue.length > 0) {
        const part = this.#queue.shift()!;
        this.#bytes -= part.length;
        yield part;
      }
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
