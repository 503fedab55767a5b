/** Sessions of whole replicas over a network in virtual time: silence, slowness, partitions and full disks, without waiting for them. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { EngineError, isEngineError } from "../../../src/core/base/errors.ts";
import type { ByteStream } from "../../../src/core/sync/ports.ts";
import { LINK_PROTOCOL } from "../../../src/app/link/link-channel.ts";
import { LinkMember } from "../../../src/app/link/link-member.ts";
import { PeerMemory } from "../../../src/app/node/peer-memory.ts";
import { FrameReader } from "../../../src/app/sessions/frame-reader.ts";
import { Outbox } from "../../../src/app/sessions/outbox.ts";
import { runHandshake, SYNC_PROTOCOL } from "../../../src/app/sessions/run-handshake.ts";
import type { LogId } from "../../../src/core/base/ids.ts";
import { encodeFrame } from "../../../src/core/wire/frame-codec.ts";
import { HANDSHAKE_FRAMES } from "../../../src/core/wire/frames.ts";
import type { MemoryHub } from "../../../simulations/doubles/memory-net.ts";
import type { VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { draftOf, messageBody, seenBy } from "../../support/replicas.ts";
import { type Running, SECOND_MS, VirtualDevices } from "../../support/virtual-devices.ts";

describe("Sessions in virtual time", function () {
  this.timeout(30_000);
  let devices: VirtualDevices;
  let clock: VirtualClock;
  let hub: MemoryHub;
  let laptop: Running;
  let phone: Running;
  beforeEach(async () => {
    devices = new VirtualDevices();
    ({ clock, hub } = devices);
    ({ laptop, phone } = await devices.pair());
  });
  afterEach(() => devices.cleanup());

  const connect = (): Promise<unknown> => devices.connect(phone, laptop);
  const send = ({ device }: Running, text: string): Promise<unknown> =>
    clock.run(device.replica.writer.append([draftOf(device, messageBody(text))]));
  const same = (): boolean =>
    laptop.device.replica.fingerprint() === phone.device.replica.fingerprint() &&
    laptop.network.inSync() &&
    phone.network.inSync();
  const kinds = ({ events }: Running): readonly string[] => events.map(({ event }) => event);

  /** A stream on which a byte comes now and then. */
  async function trickle(protocol: string, bytes: Uint8Array, everyMs: number): Promise<ByteStream> {
    const stranger = hub.createNet();
    const stream = await clock.run(stranger.dial(laptop.net.addresses()[0]!, protocol, SECOND_MS));
    stream.sink(slowly(clock, bytes, everyMs)).catch((error: unknown) => ok(isEngineError(error)));
    return stream;
  }

  it("N10: a stream that trickles through the handshake ends with its time, and was nobody", async () => {
    const stream = await trickle(SYNC_PROTOCOL, new Uint8Array(100).fill(66), 900);
    const begun = clock.monotonicMs();
    await clock.run(ending(stream));
    const tookMs = clock.monotonicMs() - begun;
    ok(tookMs > 8 * SECOND_MS && tookMs < 11 * SECOND_MS, String(tookMs));
    equal(laptop.network.peers.counts.strangers, 1);
    equal(laptop.network.peers.sessions.length, 0);
    await connect();
    equal(laptop.network.peers.sessions.length, 1);
  });

  it("S4: a device that cannot serve for want of disk is met again at a walking pace, and in the end has served all", async () => {
    await connect();
    await clock.runFor(5 * SECOND_MS);
    hub.partition(laptop.net, phone.net);
    await send(laptop, "not on the phone yet");
    laptop.device.disk.setFull(true);
    await assertRejectsWithCode(send(laptop, "while it is full"), "DISK_FULL");
    hub.heal();
    hub.breakStreams(laptop.net, phone.net);
    const begun = laptop.events.length;
    await clock.runFor(60 * SECOND_MS);
    const met = kinds(laptop)
      .slice(begun)
      .filter((kind) => kind === "peer-connected").length;
    ok(met > 0 && met <= 60, `${met} sessions in a minute`);
    laptop.device.disk.setFull(false);
    await clock.runFor(20 * SECOND_MS);
    ok(same());
  });

  it("N10: a stream that trickles through linking ends with its time, and costs the code nothing", async () => {
    const member = new LinkMember({
      replica: laptop.device.replica,
      ownName: "laptop",
      freeName: (wanted) => Promise.resolve(wanted),
    });
    laptop.net.handle(LINK_PROTOCOL, (stream) => void member.answer(stream));
    const greeting = Uint8Array.of(34, 1, 1, ...new Uint8Array(32));
    const stream = await trickle(
      LINK_PROTOCOL,
      Uint8Array.of(...greeting, ...new Uint8Array(60).fill(34)),
      800,
    );
    const begun = clock.monotonicMs();
    await clock.run(ending(stream));
    ok(clock.monotonicMs() - begun < 23 * SECOND_MS);
    equal(member.over, false);
    member.cancel();
    equal(member.over, true);
  });

  it("N10: of many such streams only some are let in at once, and each new code takes guesses all the same", async () => {
    const streams = await Promise.all(
      Array.from({ length: 30 }, () => trickle(SYNC_PROTOCOL, new Uint8Array(100).fill(66), 900)),
    );
    await clock.runFor(SECOND_MS);
    ok(laptop.network.peers.counts.refused >= 14);
    // The device itself meets whom it wants meanwhile.
    const { meeting } = laptop.network;
    await clock.run(meeting.connect(phone.net.addresses()[0]!, 10 * SECOND_MS));
    equal(phone.network.peers.sessions.length, 1);
    await Promise.all(streams.map((stream) => clock.run(ending(stream))));
  });

  it("N14: two that lost each other silently find each other again, and nothing is missing or told twice", async () => {
    await connect();
    await send(laptop, "before");
    await clock.runFor(5 * SECOND_MS);
    equal(same(), true);
    hub.partition(laptop.net, phone.net);
    await send(laptop, "meanwhile, here");
    await send(phone, "meanwhile, there");
    await clock.runFor(300 * SECOND_MS);
    hub.heal();
    await clock.runFor(90 * SECOND_MS);
    equal(same(), true);
    deepEqual(await seenBy(laptop.device.replica), await seenBy(phone.device.replica));
    equal(laptop.network.peers.sessions.length, 1);
    equal(phone.network.peers.sessions.length, 1);
  });

  it("N14: after a change of network the device that moved dials where its sibling was", async () => {
    await connect();
    await send(laptop, "before");
    await clock.runFor(5 * SECOND_MS);
    hub.moveHost(phone.net);
    await send(phone, "from the other Wi-Fi");
    await clock.runFor(60 * SECOND_MS);
    equal(same(), true);
    equal(laptop.network.peers.sessions.length, 1);
  });

  it("a network that cannot be renewed now ends nothing", async () => {
    let change = (): void => undefined;
    const stuck = await laptop.device.admit("stuck", 3);
    const failing = await devices.start(stuck, (net) => ({
      ...net,
      renew: () => Promise.reject(new EngineError("NETWORK_UNAVAILABLE", "the cable is out")),
      onNetworkChange: (listener) => {
        change = listener;
      },
    }));
    change();
    await clock.runFor(25 * 3_600 * SECOND_MS);
    await clock.run(failing.network.meeting.connect(laptop.net.addresses()[0]!, 10 * SECOND_MS));
    equal(failing.network.peers.sessions.length, 1);
  });

  it("N11: both dial at once, twenty times: the same session stays on both sides, and nobody is told of another", async () => {
    for (let round = 0; round < 20; round++) {
      for (const { events } of devices.running) events.length = 0;
      await Promise.all([
        connect(),
        clock.run(laptop.network.meeting.connect(phone.net.addresses()[0]!, 10 * SECOND_MS)),
        connect(),
      ]);
      await clock.runFor(20 * SECOND_MS);
      for (const side of [laptop, phone]) {
        equal(side.network.peers.sessions.length, 1);
        deepEqual(
          kinds(side).filter((kind) => kind.startsWith("peer-")),
          ["peer-connected"],
          `round ${round}`,
        );
      }
      const [a, b] = [laptop, phone].map(({ network }) => network.peers.sessions[0]!.origin);
      ok(Buffer.from(a!.nonce).equals(Buffer.from(b!.nonce)), "it is the same one");
      for (const { network } of devices.running)
        for (const session of network.peers.sessions) session.close("done");
      hub.partition(laptop.net, phone.net);
      await clock.runFor(SECOND_MS);
      hub.heal();
      hub.breakStreams(laptop.net, phone.net);
      await clock.runFor(60);
    }
  });

  it("S4: a sibling whose disk is full keeps its session, and takes what it missed once there is room", async () => {
    await connect();
    await clock.runFor(2 * SECOND_MS);
    phone.device.disk.setFull(true);
    for (let at = 0; at < 5; at++) await send(laptop, `message ${at}`);
    await clock.runFor(30 * SECOND_MS);
    equal(laptop.network.inSync(), false);
    phone.device.disk.setFull(false);
    await clock.runFor(120 * SECOND_MS);
    equal(same(), true);
    deepEqual(await seenBy(laptop.device.replica), await seenBy(phone.device.replica));
  });

  it("a session that ends while its batches are being written loses none of them", async () => {
    for (let at = 0; at < 400; at++) await send(laptop, `message ${at}`);
    for (let round = 0; round < 12; round++) {
      await connect().catch((error: unknown) => ok(isEngineError(error)));
      await clock.runFor(30 + round * 20);
      hub.breakStreams(laptop.net, phone.net);
    }
    await clock.runFor(60 * SECOND_MS);
    equal(same(), true);
    deepEqual(await seenBy(laptop.device.replica), await seenBy(phone.device.replica));
  });

  it("N8: a member that asks without end and reads nothing is given up, and costs no more than its limit", async () => {
    const { replica } = phone.device;
    const net = hub.createNet();
    const stream = await clock.run(net.dial(laptop.net.addresses()[0]!, SYNC_PROTOCOL, SECOND_MS));
    const reader = new FrameReader(stream.source, clock, HANDSHAKE_FRAMES);
    const outbox = new Outbox();
    stream.sink(outbox).catch((error: unknown) => ok(isEngineError(error)));
    await clock.run(runHandshake(replica, stream, reader, outbox));
    await clock.runFor(SECOND_MS);
    equal(laptop.network.peers.sessions.length, 1);
    // Of logs that nobody knows: each is answered by as many words.
    const ranges = Array.from({ length: 1_000 }, (_, at) => ({ from: at * 1_000, to: at * 1_000 + 1 }));
    const logs = Array.from({ length: 16 }, (_, at) => ({
      log: at.toString(16).padStart(64, "0") as LogId,
      knownLength: 0,
      headLength: 2_000_000,
      ranges,
    }));
    const question = encodeFrame({ kind: "need", logs });
    for (let sent = 0; sent < 2_000 && laptop.network.peers.sessions.length > 0; sent++) {
      outbox.put(question, question, question, question);
      await clock.runFor(200);
    }
    equal(laptop.network.peers.sessions.length, 0);
    await connect();
    equal(laptop.network.peers.sessions.length, 1);
  });

  it("what a sibling was seen to hold is remembered over a restart", async () => {
    await connect();
    await send(laptop, "before");
    await clock.runFor(10 * SECOND_MS);
    const { device, network } = laptop;
    await clock.run(network.close());
    const replica = await device.restart();
    const memory = await PeerMemory.open(replica);
    const state = memory.of(phone.device.replica.self);
    for (const [log, { held }] of replica.frontier) deepEqual(state.acked.get(log), held);
    ok(state.lastSeenMs !== null);
    devices.forget(laptop);
    await clock.run(replica.close());
  });
});

async function* slowly(clock: VirtualClock, bytes: Uint8Array, everyMs: number): AsyncGenerator<Uint8Array> {
  for (const byte of bytes) {
    await new Promise<void>((resolve) => clock.after(everyMs, resolve));
    yield Uint8Array.of(byte);
  }
}

/** Resolves when the other end has closed or broken the stream. */
async function ending(stream: ByteStream): Promise<void> {
  try {
    for await (const chunk of stream.source) ok(chunk.length > 0);
  } catch (error) {
    if (!isEngineError(error)) throw error;
  }
}
