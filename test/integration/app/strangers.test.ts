/** What others on the network can do to a running node: nothing that it or its siblings would notice, and nothing to learn. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { ByteStream, Net } from "../../../src/core/sync/ports.ts";
import { encodeFrame } from "../../../src/core/wire/frame-codec.ts";
import { LINK_PROTOCOL } from "../../../src/app/link/link-channel.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { SYNC_PROTOCOL } from "../../../src/app/sessions/run-handshake.ts";
import { createNet } from "../../../src/io/net/create-net.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { addressOf, TestDevices } from "../../support/devices.ts";
import { testBytes } from "../../support/logs.ts";

/** The first frame of a stranger who knows the protocol and not the account. */
const hello = (seed: number): Uint8Array =>
  encodeFrame({
    kind: "hello-initiator",
    hello: { version: 1, features: 0 },
    nonce: testBytes(seed, 32),
    selector: testBytes(seed + 1, 32),
  });

describe("Strangers to the account", function () {
  this.timeout(40_000);
  let devices: TestDevices;
  let laptop: KinlogNode;
  let net: Net;
  beforeEach(async () => {
    devices = await TestDevices.create();
    laptop = await devices.found("laptop");
    net = await createNet({ listen: [] });
  });
  afterEach(async () => {
    await net.close();
    await devices.cleanup();
  });

  async function tell(node: KinlogNode, bytes: Uint8Array, protocol = SYNC_PROTOCOL): Promise<Uint8Array> {
    const stream = await net.dial(addressOf(node), protocol, 5_000);
    stream.sink(sending(bytes)).catch(() => undefined);
    const answer = await everything(stream);
    stream.abort();
    return answer;
  }

  it("N4: learn nothing from the sync protocol: no byte comes back, whoever's device it is", async () => {
    const other = await devices.found("other");
    const phone = await devices.add(other, "phone");
    for (const node of [laptop, other, phone]) {
      for (const seed of [1, 2]) equal((await tell(node, hello(seed))).length, 0);
      equal((await tell(node, new Uint8Array(0))).length, 0);
    }
  });

  it("N4: cannot even tell from the link protocol whether a device has an account, while no code is open", async () => {
    await assertRejectsWithCode(net.dial(addressOf(laptop), LINK_PROTOCOL, 5_000), "PEER_UNREACHABLE");
    const attempt = await laptop.devices.link();
    const greeting = Uint8Array.of(34, 1, 1, ...testBytes(3, 32));
    const [first, second] = [
      await tell(laptop, greeting, LINK_PROTOCOL),
      await tell(laptop, greeting, LINK_PROTOCOL),
    ];
    // A version and 32 random bytes, other ones each time.
    deepEqual([first.length, ...first.subarray(0, 3)], [35, 34, 2, 1]);
    deepEqual([second.length, ...second.subarray(0, 3)], [35, 34, 2, 1]);
    ok(!Buffer.from(first.subarray(3)).equals(Buffer.from(second.subarray(3))));
    await attempt.cancel();
  });

  it("N9: frames of impossible sizes, garbage and frames out of their turn end the stream, and nothing else", async () => {
    const phone = await devices.add(laptop, "phone");
    const nonsense = [
      Uint8Array.of(0),
      Uint8Array.of(0x80, 0x00),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
      Uint8Array.of(0x81, 0x02, 1),
      Uint8Array.of(1, 200),
      Uint8Array.of(1, 16),
      testBytes(9, 100_000),
      new Uint8Array(1_000_000),
      encodeFrame({ kind: "close", reason: "done" }),
      encodeFrame({ kind: "held", digest: testBytes(4, 32), complete: true }),
      encodeFrame({
        kind: "proof-responder",
        device: testBytes(5, 32),
        signature: testBytes(6, 64),
      } as never),
    ];
    for (const bytes of nonsense) equal((await tell(laptop, bytes)).length, 0);
    await phone.messages.send({ conversation: "Zoë", text: "all is well" });
    equal((await phone.sync({ timeoutMs: 10_000 })).inSync, true);
  });

  it("N11: many streams that say nothing keep neither a sibling out nor this device in", async () => {
    const phone = await devices.add(laptop, "phone");
    const address = addressOf(phone);
    await devices.stop(phone);
    const held: ByteStream[] = [];
    for (let at = 0; at < 40; at++) {
      const stream = await net.dial(addressOf(laptop), SYNC_PROTOCOL, 5_000);
      stream.sink(waiting()).catch(() => undefined);
      held.push(stream);
    }
    // This device can still dial: nobody else decides whom it meets.
    const port = /tcp\/\d+/.exec(address)?.[0] ?? "";
    const again = await devices.start("phone", `/ip4/127.0.0.1/${port}`);
    equal((await laptop.connect(addressOf(again))).name, "phone");
    equal((await laptop.sync({ timeoutMs: 10_000 })).inSync, true);
    for (const stream of held) stream.abort();
  });

  it("N10: memory stays bounded under streams that only send", async () => {
    const before = process.memoryUsage().rss;
    const flood = async (): Promise<void> => {
      const stream = await net.dial(addressOf(laptop), SYNC_PROTOCOL, 5_000);
      try {
        await stream.sink(endless());
      } catch (error) {
        if (!isEngineError(error)) throw error;
      }
    };
    await Promise.all(Array.from({ length: 8 }, flood));
    ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
    equal((await laptop.status()).inSync, true);
  });
});

async function* sending(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

async function* waiting(): AsyncGenerator<Uint8Array> {
  yield Uint8Array.of(66);
  await new Promise(() => undefined);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; at++) {
    await Promise.resolve();
    yield testBytes(at, 64 * 1024);
  }
}

async function everything(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream.source) chunks.push(chunk);
  } catch (error) {
    if (!isEngineError(error)) throw error;
  }
  return Buffer.concat(chunks);
}
