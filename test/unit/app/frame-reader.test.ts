/** Frames with deadlines over a source that a test feeds. */
import { deepEqual, equal } from "node:assert/strict";
import { EngineError } from "../../../src/core/base/errors.ts";
import type { MonotonicMs } from "../../../src/core/base/ports.ts";
import { FrameReader } from "../../../src/app/sessions/frame-reader.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

class Feed implements AsyncIterable<Uint8Array> {
  readonly #chunks: (Uint8Array | Error | null)[] = [];
  #wake: (() => void) | null = null;

  put(...values: readonly number[]): void {
    this.push(Uint8Array.from(values));
  }

  /** Null ends, an error breaks. */
  push(chunk: Uint8Array | Error | null): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      while (this.#chunks.length === 0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      const chunk = this.#chunks.shift();
      if (chunk instanceof Error) throw chunk;
      if (chunk === null || chunk === undefined) return;
      yield chunk;
    }
  }
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

function set(handshakeFrames = 0): {
  feed: Feed;
  clock: ManualClock;
  reader: FrameReader;
  in: (ms: number) => MonotonicMs;
} {
  const feed = new Feed();
  const clock = new ManualClock();
  const reader = new FrameReader(feed, clock, handshakeFrames);
  return { feed, clock, reader, in: (ms) => (clock.monotonicMs() + ms) as MonotonicMs };
}

describe("The frame reader", () => {
  it("gives one frame at a time, however the bytes are cut", async () => {
    const { feed, reader, in: within } = set();
    feed.put(2, 16);
    feed.put(7, 1, 17, 3);
    feed.put(18, 1, 2);
    deepEqual(await reader.next(within(100)), bytes(16, 7));
    deepEqual(reader.ready(), bytes(17));
    equal(reader.ready(), undefined);
    deepEqual(await reader.next(within(100)), bytes(18, 1, 2));
  });

  it("gives nothing once its time has passed, and loses nothing by that", async () => {
    const { feed, clock, reader, in: within } = set();
    const late = reader.next(within(100));
    await settle();
    clock.advance(100);
    equal(await late, undefined);
    feed.put(1, 16);
    deepEqual(await reader.next(within(100)), bytes(16));
  });

  it("N10: bytes that trickle in do not move the deadline", async () => {
    const { feed, clock, reader, in: within } = set();
    const slow = reader.next(within(1_000));
    feed.put(100, 16);
    let done = false;
    void slow.then(() => (done = true));
    for (let count = 0; count < 90; count++) {
      await settle();
      clock.advance(9);
      feed.put(0);
    }
    await settle();
    equal(done, false);
    for (let count = 0; count < 30; count++) {
      await settle();
      clock.advance(9);
      // Always something there when it looks: the deadline counts all the same.
      if (count < 8) feed.put(0);
    }
    await settle();
    equal(await slow, undefined);
  });

  it("N10: a source that always has a little more cannot keep a reader past its time", async () => {
    const clock = new ManualClock();
    const endless: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        let first = true;
        return {
          next: () => {
            const value = first ? bytes(0x80, 0x80, 0x10, 16) : bytes(0);
            first = false;
            // Each byte costs a while; no timer gets its turn in between.
            clock.pass(1);
            return Promise.resolve({ done: false as const, value });
          },
        };
      },
    };
    const reader = new FrameReader(endless, clock, 0);
    equal(await reader.next((clock.monotonicMs() + 1_000) as MonotonicMs), undefined);
  });

  it("says that the peer ended, and what broke", async () => {
    const ended = set();
    ended.feed.push(null);
    await assertRejectsWithCode(ended.reader.next(ended.in(100)), "PEER_CLOSED");
    const broken = set();
    broken.feed.push(new EngineError("PEER_CLOSED", "reset"));
    await assertRejectsWithCode(broken.reader.next(broken.in(100)), "PEER_CLOSED");
  });

  it("N9: refuses a size over the limit before it holds anything of it", async () => {
    const large = set();
    large.feed.put(0xff, 0xff, 0xff, 0x7f, 0);
    await assertRejectsWithCode(large.reader.next(large.in(100)), "WIRE_LIMIT_EXCEEDED");
    const handshake = set(3);
    handshake.feed.put(0x81, 0x02);
    await assertRejectsWithCode(handshake.reader.next(handshake.in(100)), "WIRE_LIMIT_EXCEEDED");
    const zero = set();
    zero.feed.put(0);
    await assertRejectsWithCode(zero.reader.next(zero.in(100)), "WIRE_NOT_CANONICAL");
  });

  it("leaves no timer behind", async () => {
    const { feed, clock, reader, in: within } = set();
    feed.put(1, 16);
    await reader.next(within(100));
    equal(clock.pending, 0);
  });

  it("sets no timer where there is no deadline", async () => {
    const { feed, clock, reader } = set();
    const frame = reader.next(Number.POSITIVE_INFINITY as MonotonicMs);
    await settle();
    equal(clock.pending, 0);
    feed.put(1, 16);
    deepEqual(await frame, bytes(16));
  });
});
