/** Promises to keep where a disk is full while the other device says its words: they are carried out when there is room again. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import { NOTHING } from "../../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";
import type { VirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { givenBy, KeepingPair } from "../../support/keeping-pair.ts";
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
});
