/** Promises to keep where a disk is full while the other device says its words: they are carried out when there is room again. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import { countIn, NOTHING } from "../../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";
import type { KeepWord } from "../../../src/core/wire/frames.ts";
import { TELL_AFTER_MS } from "../../../src/app/node/broken-promises.ts";
import type { VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { givenBy, KeepingPair, reliedBy } from "../../support/keeping-pair.ts";
import { type Running, SECOND_MS } from "../../support/virtual-devices.ts";

describe("Promises between devices, and a full disk", function () {
  this.timeout(30_000);
  let between: KeepingPair;
  let clock: VirtualClock;
  let laptop: Running;
  let phone: Running;
  let log: LogId;
  beforeEach(async () => {
    between = await KeepingPair.open();
    ({ clock, laptop, phone, log } = between);
  });
  afterEach(() => between.devices.cleanup());

  describe("of which a full disk refused the release", () => {
    const places = (): RangesByLog => new Map([[log, rangeOf(2, 5)]]);
    beforeEach(async () => {
      equal(await between.evict(phone, rangeOf(2, 5)), 3);
      const { disk, replica } = laptop.device;
      disk.setFull(true);
      await rejects(clock.run(replica.writer.remember(new Map([["test", Uint8Array.of(1)]]))));
      say("release", 0);
      await clock.runFor(SECOND_MS);
      deepEqual(givenBy(laptop, phone), places());
      disk.setFull(false);
    });

    function say(word: "release" | "ask", number: number): void {
      phone.network.peers.sessions[0]!.feed({ kind: "keep", word, number, ranges: places() });
    }

    it("are released when there is room again, in the same session", async () => {
      await clock.runFor(20 * SECOND_MS);
      deepEqual(givenBy(laptop, phone), NOTHING);
    });

    it("are told when there is room again to who asked while there was none", async () => {
      laptop.device.disk.setFull(true);
      const wanted = new Map([[log, rangeOf(8, 12)]]);
      const collecting = phone.network.keeping.collect(wanted, 60 * SECOND_MS, async (promises) =>
        promises(),
      );
      await clock.runFor(SECOND_MS);
      laptop.device.disk.setFull(false);
      deepEqual([...(await clock.run(collecting)).values()], [wanted]);
    });

    it("I2: bind where they were given anew before that", async () => {
      await clock.runFor(6 * SECOND_MS);
      say("ask", 1_000);
      await clock.runFor(20 * SECOND_MS);
      deepEqual(givenBy(laptop, phone), places());
    });
  });

  /** No room, and this device knows it already: its store refuses before anything is prepared. */
  async function fill({ device: { disk, replica } }: Running, isKnown: boolean): Promise<void> {
    disk.setFull(true);
    if (isKnown) await rejects(clock.run(replica.writer.remember(new Map([["test", Uint8Array.of(1)]]))));
  }

  function feed(from: Running, word: KeepWord, places: RangesByLog, number = 0): void {
    from.network.peers.sessions[0]!.feed({ kind: "keep", word, number, ranges: places });
  }

  const at = (from: number, to: number): RangesByLog => new Map([[log, rangeOf(from, to)]]);
  const unkept = (on: Running): number => countIn(on.network.keeping.unkept());

  for (const isKnown of [true, false]) {
    describe(isKnown ? "known to be full" : "found full by the work itself", () => {
      it("a promise that was broken meanwhile is told, and counts no more", async () => {
        equal(await between.evict(phone, rangeOf(2, 6)), 4);
        await fill(phone, isKnown);
        feed(laptop, "refuse", at(3, 5));
        await clock.runFor(SECOND_MS);
        phone.device.disk.setFull(false);
        await clock.runFor(20 * SECOND_MS + TELL_AFTER_MS);
        deepEqual(phone.broken, [{ device: laptop.device.replica.self, entries: 2 }]);
        deepEqual([unkept(phone), countIn(reliedBy(phone, laptop))], [2, 2]);
      });

      it("what is whole here again is released", async () => {
        equal(await between.evict(phone, rangeOf(2, 6)), 4);
        // It is here again, but nobody looked yet.
        phone.device.replica.ledger.evicted = at(2, 4);
        await fill(phone, isKnown);
        phone.network.keeping.brought();
        await clock.runFor(SECOND_MS);
        deepEqual(givenBy(laptop, phone), at(2, 6), "not before it is written that nobody relies on it");
        phone.device.disk.setFull(false);
        await clock.runFor(20 * SECOND_MS);
        deepEqual([givenBy(laptop, phone), reliedBy(phone, laptop)], [at(2, 4), at(2, 4)]);
      });

      it("what was promised meanwhile is relied on, and the rest of it released", async () => {
        equal(await between.evict(phone, rangeOf(2, 6)), 4);
        feed(laptop, "refuse", at(2, 6));
        await clock.runFor(SECOND_MS);
        equal(unkept(phone), 4);
        await fill(phone, isKnown);
        feed(phone, "ask", at(2, 8), 1_000);
        await clock.runFor(SECOND_MS);
        deepEqual(givenBy(laptop, phone), at(2, 8));
        phone.device.disk.setFull(false);
        await clock.runFor(20 * SECOND_MS);
        deepEqual([givenBy(laptop, phone), reliedBy(phone, laptop)], [at(2, 6), at(2, 6)]);
      });

      it("I2: a promise made anew before the broken one was taken back counts, and nobody is told of a loss", async () => {
        equal(await between.evict(phone, rangeOf(2, 6)), 4);
        await fill(phone, isKnown);
        feed(laptop, "refuse", at(2, 6));
        await clock.runFor(SECOND_MS);
        phone.device.disk.setFull(false);
        // The store takes writes again, before the loss is tried again.
        await clock.runFor(7 * SECOND_MS);
        deepEqual(phone.broken, []);
        const asking = phone.network.keeping.collect(at(2, 6), SECOND_MS, async (promises) => promises());
        deepEqual([...(await clock.run(asking)).values()], [at(2, 6)]);
        await clock.runFor(20 * SECOND_MS + TELL_AFTER_MS);
        deepEqual([givenBy(laptop, phone), reliedBy(phone, laptop)], [at(2, 6), at(2, 6)]);
        deepEqual(phone.broken, []);
      });
    });
  }

  it("the promise of a device that was removed just before counts no more, which is told", async () => {
    equal(await between.evict(phone, rangeOf(2, 6)), 4);
    const { replica, disk } = phone.device;
    const { self } = laptop.device.replica;
    replica.subscribe(({ members }) => {
      if (members) disk.setFull(true);
    });
    await clock.run(replica.writer.appendControl([{ kind: "revoke", device: self, fences: [] }]));
    await clock.runFor(SECOND_MS);
    disk.setFull(false);
    await clock.runFor(20 * SECOND_MS + TELL_AFTER_MS);
    deepEqual([phone.broken, reliedBy(phone, laptop)], [[{ device: self, entries: 4 }], NOTHING]);
  });

  it("N8: words that are said again and again while there is no room make no more work than once", async () => {
    equal(await between.evict(phone, rangeOf(2, 6)), 4);
    equal(await between.evict(laptop, rangeOf(8, 12)), 4);
    await fill(phone, true);
    for (let count = 0; count < 300; count++) {
      for (const word of ["refuse", "release", "promise"] as const)
        feed(laptop, word, at(2 + (count % 10), 3 + (count % 10)));
      await clock.runFor(10);
    }
    await clock.runFor(10 * SECOND_MS);
    const { replica } = phone.device;
    const keep = replica.writer.keep.bind(replica.writer);
    let turns = 0;
    replica.writer.keep = (prepare) => {
      turns++;
      return keep(prepare);
    };
    await clock.runFor(60 * SECOND_MS);
    ok(turns > 6 && turns < 30, `${turns} turns in a minute`);
    phone.device.disk.setFull(false);
    await clock.runFor(20 * SECOND_MS);
    deepEqual(givenBy(phone, laptop), NOTHING);
  });

  it("N8: a peer that asks without end while there is no room is closed, and its asks are forgotten", async () => {
    await fill(laptop, true);
    const [session] = laptop.network.peers.sessions;
    for (let number = 1; number <= 65; number++) feed(phone, "ask", at(8, 12), 1_000 + number);
    await clock.runFor(SECOND_MS);
    ok(session!.ended);
    laptop.device.disk.setFull(false);
    await clock.runFor(20 * SECOND_MS);
    deepEqual(givenBy(laptop, phone), NOTHING);
  });
});
