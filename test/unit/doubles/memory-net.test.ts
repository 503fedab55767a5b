/** The double of Net under the contract, and what it alone can do: faults, and the same run again. */
import { deepEqual, equal } from "node:assert/strict";
import { MemoryHub, type MemoryNet } from "../../../simulations/doubles/memory-net.ts";
import { createVirtualClock, type VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { describeNet } from "../../contracts/net.contract.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import {
  addressOf,
  answerAll,
  each,
  patterned,
  PROTOCOL,
  readAll,
  sendAndEnd,
} from "../../support/net-streams.ts";

interface Bench {
  readonly clock: VirtualClock;
  readonly hub: MemoryHub;
  readonly nets: readonly [MemoryNet, MemoryNet];
}

function openBench(seed: number, lossPer10000 = 0): Bench {
  const clock = createVirtualClock();
  const hub = new MemoryHub({
    clock,
    random: new Random(seed),
    delayMsMax: 20,
    pieceBytesMax: 60_000,
    lossPer10000,
  });
  return { clock, hub, nets: [hub.createNet(), hub.createNet()] };
}

describeNet("The double", () => {
  const { clock, hub } = openBench(1);
  const probe = hub.createNet();
  return Promise.resolve({
    create: () => Promise.resolve(hub.createNet()),
    deadAddress: () => Promise.resolve("/ip4/10.9.9.9/tcp/4001"),
    silentAddress: () => {
      const silent = hub.createNet();
      // Nothing gets through to it, from anybody who was made before.
      for (const net of hub.nets()) if (net !== silent && net !== probe) hub.partition(net, silent);
      return Promise.resolve(addressOf(silent));
    },
    run: clock.run,
    pause: clock.runFor,
    cleanup: () => Promise.resolve(),
  });
});

describe("the double of Net", () => {
  it("holds what is under way while a partition lasts, and delivers it after", async () => {
    const { clock, hub, nets } = openBench(2);
    const [a, b] = nets;
    const incoming = answerAll(b);
    const stream = await clock.run(a.dial(addressOf(b), PROTOCOL, 1_000));
    const answered = await clock.run(incoming.first);
    hub.partition(a, b);
    const sending = sendAndEnd(stream, [patterned(1_000)]);
    const reading = readAll(answered);
    let isRead = false;
    void reading.then(() => {
      isRead = true;
    });
    await clock.runFor(60_000);
    equal(isRead, false);
    await assertRejectsWithCode(clock.run(a.dial(addressOf(b), PROTOCOL, 1_000)), "TIMED_OUT");
    hub.heal();
    deepEqual(await clock.run(reading), patterned(1_000));
    await clock.run(sending);
  });

  it("brings nothing of the dials that were given up during a partition", async () => {
    const { clock, hub, nets } = openBench(2);
    const [a, b] = nets;
    let accepted = 0;
    b.handle(PROTOCOL, () => void accepted++);
    hub.partition(a, b);
    for (let n = 0; n < 3; n++)
      await assertRejectsWithCode(clock.run(a.dial(addressOf(b), PROTOCOL, 1_000)), "TIMED_OUT");
    // Not given up yet: its packets are sent again until it is.
    const lasting = a.dial(addressOf(b), PROTOCOL, 10_000);
    hub.heal();
    const stream = await clock.run(lasting);
    await clock.runFor(1_000);
    deepEqual([accepted, a.openStreams(), b.openStreams()], [1, 1, 1]);
    stream.abort();
    await clock.runFor(1_000);
    deepEqual([a.openStreams(), b.openStreams()], [0, 0]);
  });

  it("aborts what was accepted, but whose answer did not come in time", async () => {
    const { clock, hub, nets } = openBench(2);
    const [a, b] = nets;
    let accepted = 0;
    b.handle(PROTOCOL, () => void accepted++);
    hub.setLink(b, a, { isCut: true });
    await assertRejectsWithCode(clock.run(a.dial(addressOf(b), PROTOCOL, 1_000)), "TIMED_OUT");
    deepEqual([accepted, a.openStreams(), b.openStreams()], [1, 0, 1]);
    await clock.runFor(1_000);
    equal(b.openStreams(), 0);
    hub.heal();
    await clock.runFor(1_000);
    deepEqual([accepted, a.openStreams(), b.openStreams()], [1, 0, 0]);
  });

  it("breaks a connection where it loses a piece, for both ends", async () => {
    const { clock, nets } = openBench(3, 10_000);
    const [a, b] = nets;
    const incoming = answerAll(b);
    const stream = await clock.run(a.dial(addressOf(b), PROTOCOL, 1_000));
    const answered = await clock.run(incoming.first);
    const read = assertRejectsWithCode(readAll(answered), "PEER_CLOSED");
    await assertRejectsWithCode(clock.run(stream.sink(each([patterned(10)]))), "PEER_CLOSED");
    await clock.run(read);
  });

  it("loses by what the network is like now, whenever the connection was made", async () => {
    const { clock, hub, nets } = openBench(3, 10_000);
    const [a, b] = nets;
    const incoming = answerAll(b);
    const stream = await clock.run(a.dial(addressOf(b), PROTOCOL, 1_000));
    const answered = await clock.run(incoming.first);
    hub.options.lossPer10000 = 0;
    const reading = readAll(answered);
    await clock.run(sendAndEnd(stream, [patterned(1_000)]));
    deepEqual(await clock.run(reading), patterned(1_000));
    hub.options.lossPer10000 = 10_000;
    await assertRejectsWithCode(clock.run(answered.sink(each([patterned(10)]))), "PEER_CLOSED");
  });

  it("tells a host that moved, and lets the other find out by itself", async () => {
    const { clock, hub, nets } = openBench(4);
    const [a, b] = nets;
    const incoming = answerAll(b);
    const stream = await clock.run(a.dial(addressOf(b), PROTOCOL, 1_000));
    const answered = await clock.run(incoming.first);
    let changes = 0;
    a.onNetworkChange(() => changes++);
    const read = assertRejectsWithCode(readAll(stream), "PEER_CLOSED");
    let isOver = false;
    readAll(answered).then(
      () => (isOver = true),
      () => (isOver = true),
    );
    hub.moveHost(a);
    await clock.run(read);
    await clock.runFor(60_000);
    equal(changes, 1);
    equal(isOver, false);
  });

  it("runs the same again from the same seed, and otherwise from another", async () => {
    const traceOf = async (seed: number): Promise<readonly string[]> => {
      const { clock, nets } = openBench(seed, 20);
      const [a, b] = nets;
      const lines: string[] = [];
      answerAll(b, async (stream) => {
        for await (const piece of stream.source) lines.push(`${clock.monotonicMs()} ${piece.length}`);
      });
      const stream = await clock.run(a.dial(addressOf(b), PROTOCOL, 1_000));
      await clock.run(sendAndEnd(stream, [patterned(500_000)])).catch(() => lines.push("broken"));
      await clock.runFor(1_000);
      return [a.transportId(), ...lines];
    };
    deepEqual(await traceOf(7), await traceOf(7));
    equal(JSON.stringify(await traceOf(7)) === JSON.stringify(await traceOf(8)), false);
  });
});
