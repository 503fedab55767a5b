/** Promises to keep between whole replicas in virtual time: lost entries, members that are removed, peers that lie, crashes in between. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { leavesOf } from "../../../src/core/log/header.ts";
import { rangeOf, type Ranges, subtract } from "../../../src/core/log/ranges.ts";
import { countIn, NOTHING } from "../../../src/core/sync/promises.ts";
import { TELL_AFTER_MS } from "../../../src/app/node/broken-promises.ts";
import type { PeerSession } from "../../../src/app/sessions/peer-session.ts";
import { prepareEvict } from "../../../src/app/replica/keep-turns.ts";
import type { MemoryHub } from "../../../simulations/doubles/memory-net.ts";
import type { VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { givenBy, KeepingPair, reliedBy } from "../../support/keeping-pair.ts";
import { type Running, SECOND_MS, type VirtualDevices } from "../../support/virtual-devices.ts";

describe("Promises between devices", function () {
  this.timeout(30_000);
  let between: KeepingPair;
  let devices: VirtualDevices;
  let clock: VirtualClock;
  let hub: MemoryHub;
  let laptop: Running;
  let phone: Running;
  let log: LogId;
  beforeEach(async () => {
    between = await KeepingPair.open();
    ({ devices, clock, hub, laptop, phone, log } = between);
  });
  afterEach(() => devices.cleanup());

  const connect = (): Promise<void> => between.connect(phone, laptop);
  const evict = (on: Running, ranges: Ranges, use = true): Promise<number> => between.evict(on, ranges, use);

  const statesOn = async ({ device }: Running): Promise<string> =>
    (await device.replica.ports.store.entries(log, 0, 20)).map(({ entry }) => entry.state[0]).join("");

  it("are given for what is whole, relied on in the same commit that evicts, and released where no use is made of them", async () => {
    equal(await evict(phone, rangeOf(2, 5)), 3);
    equal(await statesOn(phone), "ppaaappppppppppppppp");
    deepEqual(
      [givenBy(laptop, phone), reliedBy(phone, laptop)],
      [new Map([[log, rangeOf(2, 5)]]), new Map([[log, rangeOf(2, 5)]])],
    );
    equal(await evict(phone, rangeOf(8, 12), false), 0);
    deepEqual(givenBy(laptop, phone), new Map([[log, rangeOf(2, 5)]]));
    // What the laptop keeps for the phone it does not evict, and the rest it may.
    equal(await evict(laptop, rangeOf(0, 10)), 7);
    equal(await statesOn(laptop), "aapppaaaaappppp".padEnd(20, "p"));
    deepEqual(phone.broken, []);
  });

  it("stand written when they are told: both know them after a restart, before they meet", async () => {
    equal(await evict(phone, rangeOf(2, 5)), 3);
    hub.partition(laptop.net, phone.net);
    laptop = await devices.again(laptop);
    phone = await devices.again(phone);
    const kept = new Map([[log, rangeOf(2, 5)]]);
    deepEqual(
      [givenBy(laptop, phone), reliedBy(phone, laptop), phone.device.replica.evicted],
      [kept, kept, kept],
    );
    equal(await evict(laptop, rangeOf(0, 10)), 0);
    hub.heal();
  });

  it("that a crash left over are released in the next session", async () => {
    const promised = new Map([[log, rangeOf(0, 4)]]);
    const session = phone.network.peers.sessions[0]!;
    session.feed({ kind: "keep", word: "ask", number: 1, ranges: promised });
    while (givenBy(laptop, phone).size === 0) await clock.runFor(5);
    hub.partition(laptop.net, phone.net);
    phone = await devices.again(phone);
    hub.heal();
    await connect();
    deepEqual(givenBy(laptop, phone), NOTHING);
  });

  it("that were written down for a session which another has replaced meanwhile are told to that one, and released", async () => {
    const { replica } = laptop.device;
    const keep = replica.writer.keep.bind(replica.writer);
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const given: number[] = [];
    let isAsked = false;
    replica.writer.keep = async (prepare) => {
      isAsked = true;
      await gate;
      const result = await keep(prepare);
      given.push(countIn(givenBy(laptop, phone)));
      return result;
    };
    const ranges = new Map([[log, rangeOf(0, 4)]]);
    phone.network.peers.sessions[0]!.feed({ kind: "keep", word: "ask", number: 1, ranges });
    while (!isAsked) await clock.runFor(5);
    for (const session of phone.network.peers.sessions) session.close("done");
    await connect();
    open();
    await clock.runFor(SECOND_MS);
    deepEqual([given[0], givenBy(laptop, phone)], [4, NOTHING]);
  });

  it("that stood when their session ended are told to the one that had begun before that, and released", async () => {
    const { replica } = laptop.device;
    const { peer } = laptop.network.peers.sessions[0]!;
    // Closed, and not over yet.
    const older = { peer, ended: false, feed: () => undefined };
    const keep = replica.writer.keep.bind(replica.writer);
    const given: number[] = [];
    replica.writer.keep = async (prepare) => {
      const result = await keep(prepare);
      given.push(countIn(givenBy(laptop, phone)));
      older.ended = true;
      return result;
    };
    const ranges = new Map([[log, rangeOf(0, 4)]]);
    laptop.network.keeping.heard(older as unknown as PeerSession, { word: "ask", number: 1, ranges });
    await clock.runFor(SECOND_MS);
    deepEqual([given[0], givenBy(laptop, phone)], [4, NOTHING]);
  });

  it("of what is not here at this moment, since damage took it, are answers too, and released like others", async () => {
    const { frontier } = phone.device.replica.ledger;
    const whole = frontier.get(log)!;
    frontier.set(log, { ...whole, held: subtract(whole.held, rangeOf(3, 4)) });
    equal(await evict(phone, rangeOf(2, 6), false), 0);
    frontier.set(log, whole);
    await clock.runFor(SECOND_MS);
    deepEqual(givenBy(laptop, phone), NOTHING);
  });

  it("that are broken are told, and count no more: entries that damage took", async () => {
    equal(await evict(phone, rangeOf(2, 6)), 4);
    laptop.device.disk.damageEntry(log, 3);
    laptop = await devices.again(laptop);
    await connect();
    deepEqual(phone.broken, [], "another device might keep it");
    await clock.runFor(TELL_AFTER_MS);
    deepEqual(phone.broken, [{ device: laptop.device.replica.self, entries: 1 }]);
    deepEqual(reliedBy(phone, laptop).get(log), [
      { from: 2, to: 3 },
      { from: 4, to: 6 },
    ]);
    deepEqual([...phone.network.keeping.unkept()], [[log, rangeOf(3, 4)]]);
  });

  it("of a device that was removed count no more", async () => {
    equal(await evict(phone, rangeOf(2, 6)), 4);
    const { replica } = phone.device;
    await clock.run(
      replica.writer.appendControl([{ kind: "revoke", device: laptop.device.replica.self, fences: [] }]),
    );
    await clock.runFor(TELL_AFTER_MS + SECOND_MS);
    deepEqual(phone.broken, [{ device: laptop.device.replica.self, entries: 4 }]);
    deepEqual([reliedBy(phone, laptop), countIn(phone.network.keeping.unkept())], [NOTHING, 4]);
    equal(await evict(phone, rangeOf(8, 12)), 0);
  });

  it("end with a purge, which is for everyone, and nobody is told of a loss", async () => {
    equal(await evict(phone, rangeOf(2, 6)), 4);
    const [stored] = await laptop.device.replica.ports.store.entries(log, 3, 4);
    const entries = [{ log, position: 3, leaf: leavesOf([stored!.entry])[0]! }];
    await clock.run(laptop.device.replica.writer.appendControl([{ kind: "purge", entries }]));
    await clock.runFor(2 * SECOND_MS);
    for (const { device } of [laptop, phone]) await clock.run(device.replica.writer.erase(entries));
    equal((await laptop.device.replica.ports.store.entries(log, 3, 4))[0]?.entry.state, "purged");
    equal(
      (await phone.device.replica.ports.store.entries(log, 2, 6)).map(({ entry }) => entry.state).join(" "),
      "absent purged absent absent",
    );
    laptop = await devices.again(laptop);
    await connect();
    deepEqual([phone.broken, countIn(reliedBy(phone, laptop)), countIn(givenBy(laptop, phone))], [[], 3, 3]);
    deepEqual(phone.network.keeping.unkept(), NOTHING);
  });

  it("end with a purge that the other device carried out before this one heard of it, and nobody is told of a loss", async () => {
    equal(await evict(phone, rangeOf(2, 6)), 4);
    const [stored] = await laptop.device.replica.ports.store.entries(log, 3, 4);
    const entries = [{ log, position: 3, leaf: leavesOf([stored!.entry])[0]! }];
    hub.partition(laptop.net, phone.net);
    await clock.run(laptop.device.replica.writer.appendControl([{ kind: "purge", entries }]));
    await clock.run(laptop.device.replica.writer.erase(entries));
    laptop = await devices.again(laptop);
    // Over a slow link its words of keeping are here long before its control entries.
    phone.network.keeping.dropped(laptop.device.replica.self, new Map([[log, rangeOf(3, 4)]]));
    await clock.runFor(SECOND_MS);
    equal(countIn(phone.network.keeping.unkept()), 1);
    hub.heal();
    await connect();
    await clock.runFor(TELL_AFTER_MS);
    deepEqual([phone.broken, countIn(reliedBy(phone, laptop))], [[], 3]);
    deepEqual(phone.network.keeping.unkept(), NOTHING);
  });

  it("are not given by a device that keeps messages for a while only, and bind it all the same", async () => {
    equal(await evict(phone, rangeOf(2, 5)), 3);
    laptop.mayPromise = false;
    equal(await evict(phone, rangeOf(8, 12)), 0);
    equal(await evict(laptop, rangeOf(0, 10)), 7);
    phone = await devices.again(phone);
    await connect();
    deepEqual([phone.broken, countIn(reliedBy(phone, laptop))], [[], 3]);
  });

  it("that nobody asked for bind nobody, and of what is not here mean nothing", async () => {
    const before = phone.device.replica.ledger.relied;
    const session = laptop.network.peers.sessions[0]!;
    const beyond = new Map([[log, rangeOf(0, 2 ** 40)]]);
    for (const word of ["promise", "refuse", "release"] as const)
      session.feed({ kind: "keep", word, number: 0, ranges: beyond });
    await clock.runFor(SECOND_MS);
    equal(phone.device.replica.ledger.relied, before);
    equal(await statesOn(phone), "p".repeat(20));
    // An ask of so much is answered, and costs no more than what is here.
    session.feed({ kind: "keep", word: "ask", number: 1, ranges: beyond });
    await clock.runFor(SECOND_MS);
    deepEqual(givenBy(phone, laptop), NOTHING, "released, since nobody waits for it");
    ok(!session.ended);
  });

  it("I2: of what was fetched back and is evicted again at once are not released under way", async () => {
    const places = new Map([[log, rangeOf(2, 5)]]);
    equal(await evict(phone, rangeOf(2, 5)), 3);
    const { askingBack } = phone.network;
    const back = askingBack.nextChange().then(() => between.evictNow(phone, rangeOf(2, 5)));
    askingBack.begin(places);
    equal(await clock.run(back), 3);
    await clock.runFor(2 * SECOND_MS);
    deepEqual([givenBy(laptop, phone), reliedBy(phone, laptop)], [places, places]);
    deepEqual(phone.broken, []);
  });

  it("I2: count only as the answer to what was asked", async () => {
    laptop.mayPromise = false;
    const places = new Map([[log, rangeOf(2, 5)]]);
    laptop.network.peers.sessions[0]!.feed({ kind: "keep", word: "promise", number: 0, ranges: places });
    equal(await evict(phone, rangeOf(2, 5)), 0);
    equal(await statesOn(phone), "p".repeat(20));
  });

  it("I2: are not released while what was promised is being evicted, whatever else the peer says meanwhile", async () => {
    const places = new Map([[log, rangeOf(2, 5)]]);
    const [session] = laptop.network.peers.sessions;
    const collecting = phone.network.keeping.collect(places, SECOND_MS, async () => {
      session!.feed({ kind: "keep", word: "promise", number: 0, ranges: places });
      await new Promise<void>((resolve) => clock.after(SECOND_MS, resolve));
      return givenBy(laptop, phone);
    });
    deepEqual(await clock.run(collecting), places);
    await clock.runFor(SECOND_MS);
    deepEqual(givenBy(laptop, phone), NOTHING, "released afterwards");
  });

  it("bind though the session ends before use is made of them", async () => {
    const places = new Map([[log, rangeOf(2, 5)]]);
    const collecting = phone.network.keeping.collect(places, SECOND_MS, async (promises) => {
      for (const session of phone.network.peers.sessions) session.close("done");
      const evicting = { log, ranges: rangeOf(2, 5), promises: promises() };
      return phone.device.replica.writer.keep((context) => prepareEvict(context, evicting));
    });
    deepEqual((await clock.run(collecting)).evicted, places);
    await connect();
    deepEqual([givenBy(laptop, phone), reliedBy(phone, laptop)], [places, places]);
  });

  it("N8: words that nobody needs make no work for the writer, however many come", async () => {
    const { replica } = phone.device;
    equal(await evict(laptop, rangeOf(0, 4)), 4);
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    let turns = 0;
    const keep = replica.writer.keep.bind(replica.writer);
    replica.writer.keep = async (prepare) => {
      turns++;
      await gate;
      return keep(prepare);
    };
    const [session] = laptop.network.peers.sessions;
    for (let at = 0; at < 300; at++) {
      for (const word of ["release", "refuse", "promise"] as const)
        session!.feed({
          kind: "keep",
          word,
          number: 0,
          ranges: new Map([[log, rangeOf(at % 20, (at % 20) + 1)]]),
        });
      await clock.runFor(10);
    }
    open();
    await clock.runFor(SECOND_MS);
    deepEqual(givenBy(phone, laptop), NOTHING, "what was released is");
    ok(turns < 10, `${turns} turns`);
  });

  it("N8: a peer that answers a little at a time is not waited for without end", async () => {
    let number = 0;
    laptop.network.keeping.heard = (_session, said) => (number = said.number);
    const [session] = laptop.network.peers.sessions;
    const begun = clock.monotonicMs();
    let isOver = false;
    const trickle = (at: number): void => {
      if (isOver) return;
      const ranges = new Map([[log, rangeOf(at, at + 1)]]);
      session!.feed({ kind: "keep", word: "promise", number, ranges });
      clock.after(900, () => trickle(at + 1));
    };
    clock.after(500, () => trickle(0));
    await clock.run(
      phone.network.keeping.collect(new Map([[log, rangeOf(0, 20)]]), SECOND_MS, async () => undefined),
    );
    isOver = true;
    ok(clock.monotonicMs() - begun < 7 * SECOND_MS, `${clock.monotonicMs() - begun} ms`);
  });
});
