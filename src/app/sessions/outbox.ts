/**
 * Bytes on their way to one peer: what is put in comes out in order, as fast as the stream takes it. Bounded by the credit of
 * the session that fills it, and by a limit of its own against mistakes.
 */
import { assert } from "../../core/base/errors.ts";

/** Twice the credit of a session and its largest frames; a well-behaved session never comes near. */
const BYTES_MAX = 32 * 1024 * 1024;

export class Outbox implements AsyncIterable<Uint8Array> {
  #queue: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  put(...parts: readonly Uint8Array[]): void {
    if (this.#ended) return;
    for (const part of parts) {
      this.#queue.push(part);
      this.#bytes += part.length;
    }
    assert(this.#bytes <= BYTES_MAX, "what waits for a peer is bounded");
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
