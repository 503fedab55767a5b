/**
 * Frames of one stream, one at a time, with a deadline. Pulling slowly slows the peer down.
 * Tests: test/unit/app/frame-reader.test.ts.
 */
import { pipe } from "it-pipe";
import { EngineError } from "../../core/base/errors.ts";
import type { Clock, MonotonicMs } from "../../core/base/ports.ts";
import { FrameSplitter } from "../../core/wire/frame-splitter.ts";

const TIMED_OUT = Symbol("timed out");

export class FrameReader {
  readonly #clock: Clock;
  readonly #arrivals: AsyncIterator<readonly Uint8Array[]>;
  readonly #frames: Uint8Array[] = [];
  #at = 0;
  /** A read that was begun and not waited for, because its deadline passed. */
  #pending: Promise<IteratorResult<readonly Uint8Array[]>> | null = null;

  constructor(source: AsyncIterable<Uint8Array>, clock: Clock, handshakeFrames: number) {
    this.#clock = clock;
    const splitter = new FrameSplitter({ handshakeFrames });
    const arrivals = pipe(source, (chunks) => splitFrames(chunks, splitter));
    this.#arrivals = arrivals[Symbol.asyncIterator]();
  }

  /** A frame that is here already, without waiting. */
  ready(): Uint8Array | undefined {
    if (this.#at < this.#frames.length) return this.#frames[this.#at++];
    this.#frames.length = 0;
    this.#at = 0;
    return undefined;
  }

  /**
   * Kind and body of the next frame; undefined once `until` has passed; `Infinity` waits for as long as it takes.
   *
   * @throws EngineError `PEER_CLOSED` at the end of the stream, `WIRE_*` for a size that breaks a rule.
   */
  async next(until: MonotonicMs): Promise<Uint8Array | undefined> {
    for (;;) {
      const frame = this.ready();
      if (frame !== undefined) return frame;
      // Also where bytes are always there before the timer gets its turn: a trickle does not move a deadline.
      if (this.#clock.monotonicMs() >= until) return undefined;
      this.#pending ??= this.#arrivals.next();
      const result = await this.#orDeadline(this.#pending, until);
      if (result === TIMED_OUT) return undefined;
      this.#pending = null;
      if (result.done === true) throw new EngineError("PEER_CLOSED", "the other end closed the stream");
      for (const complete of result.value) this.#frames.push(complete);
    }
  }

  async #orDeadline<T>(promise: Promise<T>, until: MonotonicMs): Promise<T | typeof TIMED_OUT> {
    if (until === Number.POSITIVE_INFINITY) return promise;
    const { promise: deadline, resolve } = Promise.withResolvers<typeof TIMED_OUT>();
    const cancel = this.#clock.after(Math.max(0, until - this.#clock.monotonicMs()), () =>
      resolve(TIMED_OUT),
    );
    try {
      return await Promise.race([promise, deadline]);
    } finally {
      cancel();
    }
  }
}

/** Bytes become frames: what each chunk completes. */
async function* splitFrames(
  chunks: AsyncIterable<Uint8Array>,
  splitter: FrameSplitter,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  for await (const chunk of chunks) yield splitter.push(chunk);
}
