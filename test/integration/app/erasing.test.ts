/** Devices that carry purges out, over stores without a disk: what is erased, when, and what the others believe of it. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { countOf, type Ranges } from "../../../src/core/log/ranges.ts";
import { DeviceNames } from "../../../src/app/node/device-names.ts";
import type { KnownPurge } from "../../../src/app/node/eraser.ts";
import { Purges } from "../../../src/app/node/purges.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { Erasing, meet } from "../../support/erasing.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { entriesOf, namedOf } from "../../support/purges.ts";
import { batchesOf, ownLog, send, TestDevice } from "../../support/replicas.ts";

const DAY = 86_400_000;

const heldOf = ({ device }: Erasing, log: LogId): Ranges => device.replica.frontier.get(log)?.held ?? [];

describe("Devices that carry purges out", () => {
  let clock: ManualClock;
  let laptop: Erasing;
  let phone: Erasing;
  let log: LogId;

  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await Erasing.on(await TestDevice.found(clock));
    phone = await Erasing.on(await laptop.device.admit("phone", 2));
    await send(laptop.device, ...Array.from({ length: 300 }, (_, at) => `message ${at}`));
    log = ownLog(laptop.device.replica, "messages");
    await meet(laptop, phone);
    equal(countOf(heldOf(phone, log)), 300);
  });

  it("erase a small one at once; who is not its author agrees, and all stay in sync", async () => {
    await laptop.purge(await namedOf(laptop.device.replica, log, 10, 20));
    await laptop.look();
    deepEqual(laptop.states(), ["open, done"]);
    equal(await laptop.erasedOf(log), 10);
    await meet(laptop, phone);
    await phone.look();
    equal(await phone.erasedOf(log), 10);
    deepEqual(phone.states(), ["approved, done"]);
    await meet(laptop, phone);
    await laptop.look();
    deepEqual(laptop.states(), ["approved, done"]);
    equal(laptop.device.replica.fingerprint(), phone.device.replica.fingerprint());
    equal(countOf(heldOf(laptop, log)), 300);
    equal(laptop.forgotten.length, 10);
    deepEqual(
      phone.forgotten.map(({ position }) => position),
      [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    );
    deepEqual(
      await laptop.device.replica.ports.store.verify({ log, forgetBad: true, onProgress: () => undefined }),
      {
        entries: 300,
        bad: [],
        worn: [],
      },
    );
    deepEqual([...laptop.told, ...phone.told], []);
  });

  it("keep what a large one names until another device agrees, and say so meanwhile", async () => {
    const purge = await laptop.purge(await namedOf(laptop.device.replica, log, 0, 100));
    await meet(laptop, phone);
    await laptop.look();
    await phone.look();
    for (const each of [laptop, phone]) {
      equal(await each.erasedOf(log), 0);
      deepEqual(each.states(), ["open, waits"]);
      deepEqual(each.told, [{ author: laptop.device.replica.self, purges: 1, entries: 100 }]);
    }
    await phone.device.replica.approvePurge(purge);
    await phone.look();
    equal(await phone.erasedOf(log), 100);
    await meet(laptop, phone);
    await laptop.look();
    equal(await laptop.erasedOf(log), 100);
    for (const each of [laptop, phone]) deepEqual(each.told.at(-1), null);
  });

  it("P9: all erase what one agreed to while another stopped it; a stop that knows better says that it came too late", async () => {
    const { replica } = laptop.device;
    const purge = await laptop.purge(await namedOf(replica, log, 0, 100));
    await meet(laptop, phone);
    await phone.device.replica.approvePurge(purge);
    await phone.look();
    const open = laptop.eraser.list();
    // What is listed first is of before the approval came, as where it comes while the stop is written.
    let lists = 0;
    const list = (): readonly KnownPurge[] => (lists++ === 0 ? open : laptop.eraser.list());
    const purges = new Purges(replica, { list }, new DeviceNames());
    deepEqual(await purges.stop(purge), { done: 1 });
    await laptop.look();
    deepEqual([laptop.states(), phone.states()], [["void"], ["approved, done"]]);
    await meet(laptop, phone);
    await laptop.look();
    deepEqual([laptop.states(), phone.states()], [["approved, done"], ["approved, done"]]);
    equal(await laptop.erasedOf(log), 100);
    lists = 0;
    await assertRejectsWithCode(purges.stop(purge), "PURGE_SETTLED");
    await assertRejectsWithCode(purges.stop(purge), "PURGE_SETTLED");
    // A new device believes those that are gone.
    const tablet = await Erasing.on(await laptop.device.admit("tablet", 3));
    await meet(laptop, tablet);
    equal(countOf(heldOf(tablet, log)), 300);
  });

  it("erase nothing of one that was stopped, and nothing of one whose author was revoked", async () => {
    const stopped = await laptop.purge(await namedOf(laptop.device.replica, log, 0, 100));
    await laptop.purge(await namedOf(laptop.device.replica, log, 100, 250));
    await meet(laptop, phone);
    await phone.look();
    await phone.device.replica.stopPurge(stopped);
    await phone.look();
    deepEqual(phone.states(), ["void", "open, waits"]);
    deepEqual(phone.told.at(-1)?.entries, 150);
    await phone.device.replica.writer.appendControl([
      { kind: "revoke", device: laptop.device.replica.self, fences: [] },
    ]);
    await phone.look();
    deepEqual(phone.states(), ["void", "void"]);
    equal(phone.told.at(-1), null);
    clock.pass(90 * DAY);
    await phone.look();
    equal(await phone.erasedOf(log), 0);
  });

  it("erase a large one when it has stood for 30 days, over restarts, and agree to it", async () => {
    await laptop.purge(await namedOf(laptop.device.replica, log, 0, 200));
    await meet(laptop, phone);
    await phone.look();
    for (let day = 1; day < 30; day++) {
      clock.pass(DAY);
      if (day % 10 === 0) await phone.restart();
      else await phone.look();
      equal(await phone.erasedOf(log), 0, `day ${day}`);
    }
    clock.pass(DAY);
    await phone.look();
    equal(await phone.erasedOf(log), 200);
    deepEqual(phone.states(), ["approved, done"]);
  });

  it("L13: are not released from waiting by a clock that jumps ten years ahead, or back", async () => {
    await laptop.purge(await namedOf(laptop.device.replica, log, 0, 200));
    await meet(laptop, phone);
    await phone.look();
    clock.setWall(clock.wallMs() + 3_650 * DAY);
    await phone.look();
    await phone.restart();
    clock.setWall(clock.wallMs() - 3_650 * DAY);
    await phone.look();
    clock.pass(22 * DAY);
    await phone.look();
    equal(await phone.erasedOf(log), 0);
    clock.pass(8 * DAY);
    await phone.look();
    equal(await phone.erasedOf(log), 200);
  });

  it("L13: are not released from waiting by five starts with a clock that is ahead each time", async () => {
    await laptop.purge(await namedOf(laptop.device.replica, log, 0, 200));
    await meet(laptop, phone);
    await phone.look();
    for (let start = 0; start < 5; start++) {
      clock.setWall(clock.wallMs() + 8 * DAY);
      await phone.restart();
    }
    equal(await phone.erasedOf(log), 0);
    clock.pass(23 * DAY - 1);
    await phone.look();
    equal(await phone.erasedOf(log), 0);
    clock.pass(1);
    await phone.look();
    equal(await phone.erasedOf(log), 200);
  });

  it("erase at once what has been in the bin for 30 days, of any size", async () => {
    await laptop.purge(await namedOf(laptop.device.replica, log, 0, 200));
    await meet(laptop, phone);
    phone.isLongInBin = true;
    await phone.look();
    equal(await phone.erasedOf(log), 200);
  });

  it("D: note the time once a look, and ask once what has been in the bin, however many purges wait", async () => {
    for (let from = 0; from < 300; from += 100)
      await laptop.purge(await namedOf(laptop.device.replica, log, from, from + 100));
    await meet(laptop, phone);
    await phone.look();
    const { writer } = phone.device.replica;
    const remember = writer.remember.bind(writer);
    let notes = 0;
    writer.remember = (meta) => {
      notes++;
      return remember(meta);
    };
    phone.asked = 0;
    await phone.look();
    deepEqual([notes, phone.asked], [1, 3]);
  });

  it("leave alone what is not what the purge says, and every control entry", async () => {
    const named = await namedOf(laptop.device.replica, log, 0, 3);
    const control = ownLog(laptop.device.replica, "control");
    const wrong = { ...named[1]!, leaf: named[2]!.leaf };
    const beyond = { ...named[2]!, position: 5_000 };
    const unknown = { ...named[2]!, log: "77".repeat(32) as LogId };
    const sorted = [
      named[0]!,
      wrong,
      beyond,
      unknown,
      ...(await namedOf(laptop.device.replica, control, 0, 2)),
    ];
    await laptop.purge(sorted.toSorted((a, b) => (a.log < b.log ? -1 : 1) || a.position - b.position));
    await laptop.look();
    deepEqual(
      (await entriesOf(laptop.device.replica, log)).slice(0, 3).map(({ state }) => state),
      ["purged", "present", "present"],
    );
    equal(await laptop.erasedOf(control), 0);
    await laptop.restart();
    equal(laptop.device.replica.members.purges.length, 1);
  });

  it("store without payload what comes for a place that is erased, also after a restart", async () => {
    await send(laptop.device, ...Array.from({ length: 50 }, (_, at) => `later ${at}`));
    await laptop.purge(await namedOf(laptop.device.replica, log, 290, 340));
    // The purge comes before what it names.
    const control = await batchesOf(laptop.device.replica, { logClass: "control" });
    const rest = await batchesOf(laptop.device.replica, { logClass: "messages", bytesMax: 4_000 });
    await phone.device.ingest(control, laptop.device.replica);
    await phone.look();
    equal(await phone.erasedOf(log), 10);
    deepEqual(phone.states(), ["approved, done"]);
    await phone.restart();
    await phone.device.ingest(rest, laptop.device.replica);
    equal(countOf(heldOf(phone, log)), 350);
    equal(await phone.erasedOf(log), 50);
    deepEqual(
      (await entriesOf(phone.device.replica, log)).map(({ state }) => state).slice(340),
      Array(10).fill("present"),
    );
    await meet(laptop, phone);
    equal(laptop.device.replica.fingerprint(), phone.device.replica.fingerprint());
  });

  it("S1: go on where they were after a kill between any two steps", async () => {
    const named = await namedOf(laptop.device.replica, log, 0, 90);
    await laptop.purge(named);
    await meet(laptop, phone);
    const { writer } = phone.device.replica;
    // Erased, and nothing noted.
    await writer.erase(named.slice(0, 40));
    await phone.restart();
    equal(await phone.erasedOf(log), 90);
    equal(phone.forgotten.length, 90, "the index forgets what was erased before the kill, too");
    deepEqual(phone.states(), ["approved, done"]);
    await phone.restart();
    deepEqual(phone.states(), ["approved, done"]);
    equal(phone.forgotten.length, 90, "what is done is not done again");
  });

  it("erase when they come back what was purged while they were away", async () => {
    const tablet = await Erasing.on(await laptop.device.admit("tablet", 3));
    await meet(laptop, phone, tablet);
    await laptop.purge(await namedOf(laptop.device.replica, log, 0, 20));
    const large = await laptop.purge(await namedOf(laptop.device.replica, log, 20, 200));
    await meet(laptop, phone);
    await phone.device.replica.approvePurge(large);
    await phone.look();
    await meet(laptop, phone);
    await laptop.look();
    clock.pass(100 * DAY);
    await meet(laptop, phone, tablet);
    await tablet.look();
    for (const each of [laptop, phone, tablet]) equal(await each.erasedOf(log), 200);
    deepEqual(tablet.states(), ["approved, done", "approved, done"]);
    equal(laptop.device.replica.fingerprint(), tablet.device.replica.fingerprint());
  });

  it("bring a new device what is left, and it is in sync", async () => {
    await laptop.purge(await namedOf(laptop.device.replica, log, 0, 20));
    await laptop.look();
    await meet(laptop, phone);
    await phone.look();
    await meet(laptop, phone);
    const tablet = await Erasing.on(await laptop.device.admit("tablet", 3));
    await meet(laptop, tablet);
    equal(await tablet.erasedOf(log), 20);
    equal(countOf(heldOf(tablet, log)), 300);
    ok(tablet.device.replica.complete());
    equal(laptop.device.replica.fingerprint(), tablet.device.replica.fingerprint());
  });
});

describe("A device that was alone", () => {
  it("erases at once, and one that is linked later agrees and is in sync", async () => {
    const clock = new ManualClock();
    const laptop = await Erasing.on(await TestDevice.found(clock));
    await send(laptop.device, ...Array.from({ length: 300 }, (_, at) => `message ${at}`));
    const log = ownLog(laptop.device.replica, "messages");
    await laptop.purge(await namedOf(laptop.device.replica, log, 0, 250));
    await laptop.look();
    equal(await laptop.erasedOf(log), 250);
    const phone = await Erasing.on(await laptop.device.admit("phone", 2));
    deepEqual(phone.states(), ["approved, done"]);
    await meet(phone, laptop);
    equal(await phone.erasedOf(log), 250);
    equal(laptop.device.replica.fingerprint(), phone.device.replica.fingerprint());
    ok(phone.device.replica.complete());
    // From now on two have a say.
    await laptop.purge(await namedOf(laptop.device.replica, log, 100, 300));
    await meet(laptop, phone);
    await laptop.look();
    await phone.look();
    deepEqual(phone.states(), ["approved, done", "open, waits"]);
    equal(await phone.erasedOf(log), 250);
  });
});
