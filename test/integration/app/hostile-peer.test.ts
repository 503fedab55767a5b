/**
 * Peers that know the account and say whatever they like, before a running device in virtual time: a member that has not been revoked yet,
 * and whoever still has an earlier discovery key.
 */
import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { bytesToId, type DeviceId, idBytes } from "../../../src/core/base/ids.ts";
import { createSigningKey } from "../../../src/core/crypto/sign.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import { encodeFrame } from "../../../src/core/wire/frame-codec.ts";
import { HANDSHAKE_FRAMES, type SessionFrame } from "../../../src/core/wire/frames.ts";
import { NodeNetwork } from "../../../src/app/node/node-network.ts";
import { PeerMemory } from "../../../src/app/node/peer-memory.ts";
import { mintEpoch } from "../../../src/app/replica/key-ring.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { FrameReader } from "../../../src/app/sessions/frame-reader.ts";
import { Peers, type PeersListener } from "../../../src/app/sessions/peers.ts";
import { Outbox } from "../../../src/app/sessions/outbox.ts";
import { runHandshake, SYNC_PROTOCOL } from "../../../src/app/sessions/run-handshake.ts";
import { MemoryHub, type MemoryNet } from "../../../simulations/doubles/memory-net.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { createVirtualClock, type VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { testBytes } from "../../support/logs.ts";
import { batchesOf, ownLog, send, TestDevice } from "../../support/replicas.ts";

const SECOND_MS = 1_000;
const PIECES_MAX = 65_536;

/** Of what is told here nothing is looked at. */
const silent: PeersListener = {
  connected: () => undefined,
  disconnected: () => undefined,
  suspect: () => undefined,
  equal: () => undefined,
  acknowledged: () => undefined,
  evidence: () => undefined,
  brought: () => undefined,
  keep: () => undefined,
  absent: () => undefined,
  dropped: () => undefined,
};

describe("A device and a hostile peer of its account", function () {
  this.timeout(60_000);
  let clock: VirtualClock;
  let hub: MemoryHub;
  let laptop: TestDevice;
  let phone: TestDevice;
  let net: MemoryNet;
  let network: NodeNetwork;
  let memory: PeerMemory;
  /** How often the network was asked who is there. */
  let asked: number;
  beforeEach(async () => {
    clock = createVirtualClock();
    asked = 0;
    hub = new MemoryHub({
      clock,
      random: new Random(7),
      delayMsMax: 40,
      pieceBytesMax: 10_000_000,
      lossPer10000: 0,
    });
    laptop = await TestDevice.found(clock);
    phone = await laptop.admit("phone", 2);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    await clock.run(send(laptop, "one", "two"));
    net = hub.createNet();
    memory = await PeerMemory.open(laptop.replica);
    network = new NodeNetwork({
      replica: laptop.replica,
      memory,
      net,
      discovery: {
        update: () => Promise.resolve(),
        askSoon: () => undefined,
        askOnce: () => asked++,
        onFound: () => undefined,
        report: () => ({ interfaces: [], packetsSeen: 0, packetsSent: 0, errors: [] }),
        close: () => Promise.resolve(),
      },
      emit: () => undefined,
      nameOf: (id) => id.slice(0, 8),
      onTaken: () => undefined,
      onFork: () => undefined,
      onBroken: () => undefined,
      mayPromise: () => true,
    });
    await network.start();
  });
  afterEach(async () => {
    await clock.run(network.close());
    for (const { replica } of [laptop, phone]) await clock.run(replica.close());
  });

  /** A session with the laptop as whoever `replica` is, in which this test says everything itself. */
  async function meet(replica: Replica): Promise<(...frames: readonly SessionFrame[]) => Promise<void>> {
    const stream = await clock.run(hub.createNet().dial(net.addresses()[0]!, SYNC_PROTOCOL, SECOND_MS));
    const reader = new FrameReader(stream.source, clock, HANDSHAKE_FRAMES);
    const outbox = new Outbox();
    stream.sink(outbox).catch((error: unknown) => ok(isEngineError(error)));
    await clock.run(runHandshake(replica, stream, reader, outbox));
    return async (...frames) => {
      for (const frame of frames)
        outbox.put(encodeFrame(frame as Exclude<SessionFrame, { kind: "unknown" }>));
      await clock.runFor(SECOND_MS);
    };
  }

  it("L4: remembers of a log that a member offers in ever more pieces no more than a bound", async () => {
    const say = await meet(phone.replica);
    const log = ownLog(phone.replica, "messages");
    const pieces = (): number => network.peers.acked(phone.replica.self).get(log)?.length ?? 0;
    for (let turn = 0; turn < 80; turn++) {
      const held = Array.from({ length: 1_000 }, (_, n) => {
        const from = 2 * (1_000 * turn + n);
        return { from, to: from + 1 };
      });
      await say({
        kind: "frontier",
        last: true,
        logs: [{ log, length: 2 ** 40, root: testBytes(turn, 32) as never, held }],
      });
    }
    ok(pieces() > PIECES_MAX / 2 && pieces() <= PIECES_MAX, `${pieces()} pieces`);
    // What it says to have lost after all does not count, in however many pieces.
    await say({ kind: "ack", dropped: true, logs: [{ log, ranges: [{ from: 0, to: 2 ** 39 }] }] });
    equal(pieces(), 0);
  });

  it("N8: ends the session of a member that asks for ever more proofs at once", async () => {
    const say = await meet(phone.replica);
    await say();
    equal(network.peers.sessions.length, 1);
    const line = { log: ownLog(laptop.replica, "messages"), knownLength: 0, headLength: 1, ranges: [] };
    const need: SessionFrame = { kind: "need", logs: Array.from({ length: 256 }, () => line) };
    // The disk is slower than the questions.
    const store = laptop.replica.ports.store as { -readonly [Name in keyof Store]: Store[Name] };
    const { nodes } = store;
    store.nodes = async (log, wanted) => {
      await new Promise<void>((resolve) => clock.after(SECOND_MS, resolve));
      return nodes(log, wanted);
    };
    await say(...Array.from({ length: 64 }, () => need));
    equal(network.peers.sessions.length, 0);
    equal(network.peers.counts.faults, 1);
  });

  it("N11: remembers nothing of strangers that have the discovery key, and looks for none of them", async () => {
    const strangers: DeviceId[] = [];
    for (let n = 0; n < 5; n++) {
      const key = createSigningKey(testBytes(100 + n, 32));
      const self = bytesToId<DeviceId>(key.publicKey);
      strangers.push(self);
      const { account, keys, members, frontier, ports } = phone.replica;
      const digest = (): Uint8Array => laptop.replica.digest();
      const complete = (): boolean => true;
      const stranger = { account, keys, members, frontier, ports, digest, complete, self, signingKey: key };
      const say = await meet(stranger as unknown as Replica);
      // It holds exactly the same, it says.
      await say({ kind: "beat", digest: laptop.replica.digest(), answerWanted: false });
      equal(network.peers.session(self)?.peer, self);
    }
    await clock.runFor(60 * SECOND_MS);
    equal(network.peers.sessions.length, 0);
    deepEqual(
      strangers.map((stranger) => [network.peers.acked(stranger).size, memory.addresses().has(stranger)]),
      strangers.map(() => [0, false]),
    );
    // The phone is looked for, once a minute by now; nobody else is.
    await clock.runFor(600 * SECOND_MS);
    const before = asked;
    await clock.runFor(600 * SECOND_MS);
    ok(asked - before <= 11, `asked ${asked - before} times`);
  });

  it("C4: two that a member gave different discovery keys of one epoch meet by the key that both had before", async () => {
    const tablet = await laptop.admit("tablet", 3);
    for (const other of [laptop, phone]) await other.ingest(await batchesOf(laptop.replica), laptop.replica);
    for (const other of [laptop, phone]) await other.ingest(await batchesOf(tablet.replica), tablet.replica);
    const { keys, members, account } = tablet.replica;
    const made = mintEpoch(tablet.entropy);
    const recipients = await Promise.all(
      [...members.devices.values()].map(async ({ device, openKey }, n) => {
        const secrets = [{ ...made, discoveryKey: testBytes(40 + n, 32) }];
        const recipient = { recipient: idBytes(device), openKey };
        return { device, sealed: await keys.wrapEpochFor(recipient, account, secrets, tablet.entropy) };
      }),
    );
    await tablet.replica.writer.appendControl([
      {
        kind: "epoch",
        epoch: made.epoch,
        custody: "synced",
        tips: members.tips,
        recipients,
        rootSealed: null,
      },
    ]);
    for (const other of [laptop, phone]) {
      await other.ingest(await batchesOf(tablet.replica, { logClass: "control" }), tablet.replica);
      equal(other.replica.members.sealing, made.epoch);
    }
    const first = ({ replica }: TestDevice): unknown => replica.keys.discoveryKeys(replica.members)[0];
    notDeepEqual(first(laptop), first(phone));

    const theirs = new Peers(phone.replica, silent);
    const address = net.addresses()[0]!;
    const from = hub.createNet();
    const dial = async (): Promise<unknown> => theirs.run(await from.dial(address, SYNC_PROTOCOL, SECOND_MS));
    await assertRejectsWithCode(clock.run(dial()), "NOT_A_MEMBER");
    await clock.run(dial());
    equal(network.peers.session(phone.replica.self)?.peer, phone.replica.self);
    theirs.close();
  });
});
