/**
 * The part of the Net contract that is about streams: bytes, ends, breaks, and waiting for a slow reader.
 */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { ByteStream } from "../../src/core/sync/ports.ts";
import { assertRejectsWithCode } from "../support/assert-code.ts";
import {
  addressOf,
  answerAll,
  each,
  type NetWorld,
  patterned,
  PROTOCOL,
  readAll,
  sendAndEnd,
} from "../support/net-streams.ts";

const DIAL_MS = 5_000;
const MEBIBYTE = 2 ** 20;

/** What may be under way and unread before a sender must wait: windows, queues and the system's buffers, with room. */
const AHEAD_BYTES_MAX = 16 * MEBIBYTE;

export function describeStreams(world: () => NetWorld): void {
  async function pair(): Promise<readonly [ByteStream, ByteStream]> {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    const incoming = answerAll(b);
    const stream = await run(a.dial(addressOf(b), PROTOCOL, DIAL_MS));
    return [stream, await run(incoming.first)];
  }

  it("carries bytes in order and whole, in both directions at once", async () => {
    const { run } = world();
    const [a, b] = await pair();
    const [there, back] = [patterned(3 * MEBIBYTE), patterned(2 * MEBIBYTE).reverse()];
    const chunks = [there.subarray(0, 1), there.subarray(1, 70_000), there.subarray(70_000)];
    const [, , gotThere, gotBack] = await run(
      Promise.all([sendAndEnd(a, chunks), sendAndEnd(b, [back]), readAll(b), readAll(a)]),
    );
    ok(Buffer.compare(gotThere, there) === 0, "what was sent there arrived");
    ok(Buffer.compare(gotBack, back) === 0, "what was sent back arrived");
  });

  it("ends one direction and lets the other go on", async () => {
    const { run } = world();
    const [a, b] = await pair();
    await run(sendAndEnd(a, []));
    deepEqual(await run(readAll(b)), new Uint8Array());
    const read = readAll(a);
    await run(sendAndEnd(b, [patterned(1_000)]));
    deepEqual(await run(read), patterned(1_000));
  });

  it("delivers what was sent before the end, also to who reads later", async () => {
    const { run } = world();
    const [a, b] = await pair();
    await run(sendAndEnd(a, [patterned(100), patterned(100_000)]));
    await run(sendAndEnd(b, []));
    equal((await run(readAll(b))).length, 100_100);
  });

  it("carries three thousand tiny pieces", async () => {
    const { run } = world();
    const [a, b] = await pair();
    const pieces = Array.from({ length: 3_000 }, (_, n) => Uint8Array.of(n % 256));
    const [got] = await run(Promise.all([readAll(b), sendAndEnd(a, pieces)]));
    deepEqual(
      got,
      Uint8Array.from(pieces, (piece) => piece[0]!),
    );
  });

  it("N8: makes the sender wait while nobody reads, and goes on when somebody does", async () => {
    const { run } = world();
    const [a, b] = await pair();
    let sent = 0;
    const chunk = patterned(64 * 1024);
    const total = 4 * AHEAD_BYTES_MAX;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; sent < total; sent += chunk.length) yield chunk;
    }
    const sending = a.sink(endless());
    // The sender stands still once it has been the same for a while.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await world().pause(100);
    }
    ok(sent <= AHEAD_BYTES_MAX, `${sent} bytes were sent ahead`);
    let got = 0;
    const reading = (async () => {
      for await (const piece of b.source) got += piece.length;
    })();
    await run(Promise.all([sending, reading]));
    equal(got, total);
  });

  it("a reader that stops lets the sender finish", async () => {
    const { run } = world();
    const [a, b] = await pair();
    const sending = sendAndEnd(a, [patterned(10), patterned(4 * MEBIBYTE)]);
    const reading = (async () => {
      for await (const piece of b.source) if (piece.length > 0) return piece.length;
      return 0;
    })();
    ok((await run(reading)) > 0);
    await run(sending);
  });

  it("abort breaks both directions at both ends, twice or once", async () => {
    const { run } = world();
    const [a, b] = await pair();
    const waits = [
      assertRejectsWithCode(readAll(a), "ABORTED"),
      assertRejectsWithCode(readAll(b), "PEER_CLOSED"),
      assertRejectsWithCode(a.sink(never()), "ABORTED"),
      assertRejectsWithCode(b.sink(never()), "PEER_CLOSED"),
    ];
    a.abort();
    a.abort();
    await run(Promise.all(waits));
    b.abort();
    await assertRejectsWithCode(run(a.sink(each([patterned(10)]))), "ABORTED");
    await assertRejectsWithCode(run(readAll(b)), "PEER_CLOSED");
  });

  it("passes on what the bytes to send throw, and the peer sees no end but a break", async () => {
    const { run } = world();
    const [a, b] = await pair();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield patterned(10);
      throw new RangeError("the source broke");
    }
    const read = assertRejectsWithCode(readAll(b), "PEER_CLOSED");
    await rejects(run(a.sink(failing())), RangeError);
    await run(read);
  });

  async function* never(): AsyncGenerator<Uint8Array> {
    await new Promise(() => undefined);
    yield new Uint8Array();
  }
}
