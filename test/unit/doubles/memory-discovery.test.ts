/** The double of Discovery under the contract, and what it alone can do: loss, partitions, the same run again. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { MemoryLan } from "../../../simulations/doubles/memory-discovery.ts";
import { MemoryHub } from "../../../simulations/doubles/memory-net.ts";
import { createVirtualClock, type VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { describeDiscovery } from "../../contracts/discovery.contract.ts";

const TAG = "_abcdefghijklmno";

function openLan(
  seed: number,
  lossPercent = 0,
): { readonly clock: VirtualClock; readonly hub: MemoryHub; readonly lan: MemoryLan } {
  const clock = createVirtualClock();
  const random = new Random(seed);
  const hub = new MemoryHub({ clock, random, delayMsMax: 20, pieceBytesMax: 1_000, lossPer10000: 0 });
  return { clock, hub, lan: new MemoryLan({ hub, clock, random, delayMsMax: 30, lossPercent }) };
}

describeDiscovery("The double", () => {
  const { clock, hub, lan } = openLan(1);
  return Promise.resolve({
    create: () => {
      const net = hub.createNet();
      return Promise.resolve({ discovery: lan.createDiscovery(net), host: net.host() });
    },
    pause: clock.runFor,
    cleanup: () => Promise.resolve(),
  });
});

describe("the double of Discovery", () => {
  it("loses questions and answers, and finds in spite of it, the same again from the same seed", async () => {
    const timesOf = async (seed: number): Promise<readonly number[]> => {
      const { clock, hub, lan } = openLan(seed, 40);
      const nets = [hub.createNet(), hub.createNet()] as const;
      const [a, b] = [lan.createDiscovery(nets[0]), lan.createDiscovery(nets[1])];
      const times: number[] = [];
      a.onFound(() => times.push(clock.monotonicMs()));
      await b.update({
        answer: [TAG],
        ask: [],
        transportId: nets[1].transportId(),
        addresses: nets[1].addresses(),
      });
      await a.update({ answer: [], ask: [TAG], transportId: nets[0].transportId(), addresses: [] });
      for (let round = 0; round < 10; round++) {
        a.askSoon();
        await clock.runFor(10_000);
      }
      return times;
    };
    const times = await timesOf(5);
    ok(times.length > 0 && times.length < 50);
    deepEqual(await timesOf(5), times);
  });

  it("asks once for all who are missing, as mDNS does, and again a second later", async () => {
    const { clock, hub, lan } = openLan(7);
    const asker = lan.createDiscovery(hub.createNet());
    await asker.update({ answer: [], ask: [TAG], transportId: "", addresses: [] });
    for (let missing = 0; missing < 5; missing++) asker.askOnce();
    equal(asker.report().packetsSent, 1);
    await clock.runFor(899);
    asker.askOnce();
    equal(asker.report().packetsSent, 1);
    await clock.runFor(1);
    asker.askOnce();
    equal(asker.report().packetsSent, 2);
  });

  it("keeps those apart whom a partition keeps apart, until it heals", async () => {
    const { clock, hub, lan } = openLan(6);
    const nets = [hub.createNet(), hub.createNet()] as const;
    const [a, b] = [lan.createDiscovery(nets[0]), lan.createDiscovery(nets[1])];
    let count = 0;
    a.onFound(() => count++);
    await b.update({
      answer: [TAG],
      ask: [],
      transportId: nets[1].transportId(),
      addresses: nets[1].addresses(),
    });
    await a.update({ answer: [], ask: [TAG], transportId: nets[0].transportId(), addresses: [] });
    hub.partition(nets[0], nets[1]);
    a.askSoon();
    await clock.runFor(10_000);
    equal(count, 0);
    hub.heal();
    a.askSoon();
    await clock.runFor(500);
    equal(count, 1);
  });
});
