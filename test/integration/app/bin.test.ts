/** The end of the bin: thirty days for the device that deleted, a week more for the others, by each one's own record. */
import { deepEqual, equal } from "node:assert/strict";
import type { ConversationId, MessageId } from "../../../src/core/base/ids.ts";
import type { RowKey } from "../../../src/core/log/rows.ts";
import type { PurgeView } from "../../../src/core/membership/types.ts";
import { Bin } from "../../../src/app/node/bin.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { Purging } from "../../../src/app/node/purging.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { batchesOf, draftOf, messageBody, ownLog, TestDevice } from "../../support/replicas.ts";

const DAY_MS = 86_400_000;

describe("The bin", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  let phone: TestDevice;
  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
    phone = await laptop.admit("phone", 2);
    await share(phone, laptop);
    for (const device of [laptop, phone]) await sweep(device);
  });

  async function share(from: TestDevice, to: TestDevice): Promise<void> {
    for (const logClass of ["control", "messages", "state"] as const)
      await to.ingest(await batchesOf(from.replica, { logClass, of: from.replica.self }), from.replica);
  }

  function purgingOf({ replica }: TestDevice): Purging {
    return new Purging(replica, new InboxReader(replica, () => ({ here: true, devices: [], cloud: null })));
  }

  /** One for each time that a device is opened: it counts the time from there on. */
  const bins = new WeakMap<Replica, Bin>();
  function binOf(device: TestDevice): Bin {
    const { replica } = device;
    const bin = bins.get(replica) ?? new Bin(replica, purgingOf(device));
    bins.set(replica, bin);
    return bin;
  }
  const sweep = (device: TestDevice): Promise<void> => binOf(device).sweep();
  const purges = ({ replica }: TestDevice): readonly PurgeView[] => replica.members.purges;
  const conversation = (): ConversationId => laptop.replica.fold!.conversationOf("Zoë");

  async function write(device: TestDevice, count = 1): Promise<readonly MessageId[]> {
    const drafts = Array.from({ length: count }, (_, at) => draftOf(device, messageBody(`n ${at}`)));
    await device.replica.writer.append(drafts);
    return drafts.map(({ id }) => id);
  }

  async function move(
    device: TestDevice,
    kind: "delete" | "restore",
    messages: readonly MessageId[],
  ): Promise<void> {
    await device.replica.writer.append([draftOf(device, { kind, conversation: conversation(), messages })]);
  }

  async function recordsOf({ replica }: TestDevice): Promise<number> {
    const range = { from: "a" as RowKey, to: "c" as RowKey, reverse: false, limit: 10_000 };
    return (await replica.ports.store.rowRange(range)).length;
  }

  it("of this device's own deletes ends after thirty days, and not before", async () => {
    const [gone] = await write(laptop);
    await write(laptop);
    await move(laptop, "delete", [gone!]);
    clock.pass(30 * DAY_MS - 1);
    await sweep(laptop);
    equal(purges(laptop).length, 0);
    clock.pass(1);
    await sweep(laptop);
    equal(purges(laptop).length, 1);
    deepEqual(await laptop.replica.purged.among([gone!]), new Set([gone]));
    await sweep(laptop);
    equal(await recordsOf(laptop), 2, "a purge may ask for it");
    clock.pass(40 * DAY_MS);
    await sweep(laptop);
    equal(await recordsOf(laptop), 0);
    equal(purges(laptop).length, 1);
  });

  it("of another device's deletes ends a week later, where that one did nothing", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    await share(laptop, phone);
    clock.pass(37 * DAY_MS - 1);
    await sweep(phone);
    equal(purges(phone).length, 0);
    clock.pass(1);
    await sweep(phone);
    equal(purges(phone).length, 1);
    await share(phone, laptop);
    await sweep(laptop);
    equal(purges(laptop).length, 1, "one purge is enough");
  });

  it("begins when this device learned of the delete, whatever the delete says of itself", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    clock.pass(100 * DAY_MS);
    await share(laptop, phone);
    clock.pass(36 * DAY_MS);
    await sweep(phone);
    equal(purges(phone).length, 0);
    clock.pass(DAY_MS);
    await sweep(phone);
    equal(purges(phone).length, 1);
  });

  it("begins anew after a restore, and never ends for what is restored", async () => {
    const [kept, again] = await write(laptop, 2);
    await move(laptop, "delete", [kept!, again!]);
    clock.pass(20 * DAY_MS);
    await move(laptop, "restore", [kept!, again!]);
    await move(laptop, "delete", [again!]);
    clock.pass(15 * DAY_MS);
    await sweep(laptop);
    equal(purges(laptop).length, 0);
    clock.pass(15 * DAY_MS);
    await sweep(laptop);
    deepEqual(await laptop.replica.purged.among([kept!, again!]), new Set([again]));
    clock.pass(40 * DAY_MS);
    await sweep(laptop);
    equal(await recordsOf(laptop), 0);
  });

  it("ends for many, and for those of a purge that was stopped as for others", async () => {
    const ids = await write(laptop, 1_150);
    await purgingOf(laptop).write(ids.slice(0, 200));
    await laptop.replica.stopPurge(purges(laptop)[0]!.id);
    await move(laptop, "delete", ids.slice(200, 1_100));
    equal((await laptop.replica.purged.among(ids)).size, 0);
    clock.pass(31 * DAY_MS);
    await sweep(laptop);
    deepEqual(await laptop.replica.purged.among(ids), new Set(ids.slice(0, 1_100)));
    clock.pass(40 * DAY_MS);
    await sweep(laptop);
    equal(await recordsOf(laptop), 0);
  });

  it("waits for a message that was deleted before it came", async () => {
    const [id] = await write(phone);
    await move(laptop, "delete", [id!]);
    clock.pass(40 * DAY_MS);
    await sweep(laptop);
    await share(phone, laptop);
    equal(purges(laptop).length, 0);
    clock.pass(DAY_MS);
    await sweep(laptop);
    deepEqual(await laptop.replica.purged.among([id!]), new Set([id]));
  });

  it("L12: ends for nothing by a clock that jumps ten years ahead, nor after a restart with it", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    await sweep(laptop);
    const wallMs = clock.wallMs();
    clock.setWall(wallMs + 3_650 * DAY_MS);
    await sweep(laptop);
    await laptop.restart();
    await sweep(laptop);
    clock.pass(16 * DAY_MS);
    await sweep(laptop);
    equal(purges(laptop).length, 0, "twice a week, and 16 days");
    clock.setWall(wallMs + 16 * DAY_MS);
    await sweep(laptop);
    clock.pass(14 * DAY_MS - 1);
    await sweep(laptop);
    equal(purges(laptop).length, 0, "the clock is right again, and it is a moment too early");
    clock.pass(1);
    await sweep(laptop);
    equal(purges(laptop).length, 1);
  });

  it("L12: ends for nothing where the clock jumped before the first look, or the count cannot be read", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    clock.setWall(clock.wallMs() + 3_650 * DAY_MS);
    await laptop.restart();
    await sweep(laptop);
    equal(purges(laptop).length, 0);
    await laptop.replica.writer.remember(new Map([[META.binTime, Uint8Array.of(255)]]));
    await laptop.restart();
    await sweep(laptop);
    clock.pass(22 * DAY_MS);
    await sweep(laptop);
    equal(purges(laptop).length, 0);
    clock.pass(DAY_MS);
    await sweep(laptop);
    equal(purges(laptop).length, 1, "a week that may have passed, and 23 days that have");
  });

  it("purges nothing while control entries are lost here", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    clock.pass(31 * DAY_MS);
    laptop.replica.ledger.lost = new Map([[ownLog(laptop.replica, "control"), [{ from: 1, to: 2 }]]]);
    await sweep(laptop);
    equal(purges(laptop).length, 0);
  });

  it("outlives a restart, and is looked at by itself", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    await laptop.restart();
    const bin = binOf(laptop);
    bin.start();
    clock.pass(31 * DAY_MS);
    clock.advance(60_000);
    for (let round = 0; round < 30; round++) await settle();
    equal(purges(laptop).length, 1);
    await bin.close();
    await laptop.replica.writer.close();
    deepEqual([gone!.length, clock.pending], [32, 0]);
  });

  describe("as a reason to erase", () => {
    it("is one after thirty days by this device's own record, where the purge names nothing else", async () => {
      const ids = await write(laptop, 3);
      await move(laptop, "delete", ids);
      clock.pass(10 * DAY_MS);
      await share(laptop, phone);
      clock.pass(20 * DAY_MS);
      await sweep(laptop);
      await share(laptop, phone);
      const [purge] = purges(phone);
      equal(purge!.entries.length, 3);
      equal(await binOf(laptop).isLongIn(purge!), true);
      equal(await binOf(phone).isLongIn(purge!), false, "twenty days here");
      clock.pass(10 * DAY_MS);
      equal(await binOf(phone).isLongIn(purge!), true);
      const [other] = await write(phone);
      await purgingOf(phone).write([other!]);
      const more = purges(phone).find(({ entries }) => entries.length === 1)!;
      const both = { id: purge!.id, entries: [...purge!.entries, ...more.entries] };
      equal(await binOf(phone).isLongIn(both), false, "it names another message as well");
      equal(await binOf(phone).isLongIn(more), false, "deleted just now");
      equal(await binOf(phone).isLongIn({ id: "00".repeat(32) as never, entries: [] }), false);
    });

    it("is none any more once a message of it was restored", async () => {
      const ids = await write(laptop, 2);
      await move(laptop, "delete", ids);
      await share(laptop, phone);
      clock.pass(30 * DAY_MS);
      await sweep(laptop);
      await move(phone, "restore", ids.slice(0, 1));
      await share(laptop, phone);
      equal(await binOf(phone).isLongIn(purges(phone)[0]!), false);
    });
  });
});
