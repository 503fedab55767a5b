/** The end of the bin: thirty days for the device that deleted, a week more for the others, by each one's own record. */
import { deepEqual, equal } from "node:assert/strict";
import type { ConversationId, MessageId } from "../../../src/core/base/ids.ts";
import { binRowKey, decodeBinRow, dueRowKey, rowsOfRecord } from "../../../src/core/inbox/bin-rows.ts";
import { messageRowKey } from "../../../src/core/inbox/view.ts";
import type { RowKey } from "../../../src/core/log/rows.ts";
import type { PurgeView } from "../../../src/core/membership/types.ts";
import { Bin } from "../../../src/app/node/bin.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { PurgeMemory } from "../../../src/app/node/purge-memory.ts";
import { Purging } from "../../../src/app/node/purging.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { batchesOf, draftOf, messageBody, ownLog, TestDevice } from "../../support/replicas.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

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
  });

  async function share(from: TestDevice, to: TestDevice): Promise<void> {
    for (const logClass of ["control", "messages", "state"] as const)
      await to.ingest(await batchesOf(from.replica, { logClass, of: from.replica.self }), from.replica);
    await sweep(to);
  }

  function purgingOf({ replica }: TestDevice): Purging {
    return new Purging(replica, new InboxReader(replica, () => ({ here: true, devices: [], cloud: null })));
  }

  /** One for each time that a device is opened: it counts the time from there on. */
  const parts = new WeakMap<Replica, { readonly bin: Bin; readonly memory: PurgeMemory }>();
  function partsOf(device: TestDevice): { readonly bin: Bin; readonly memory: PurgeMemory } {
    const { replica } = device;
    const memory = new PurgeMemory(replica);
    const made = parts.get(replica) ?? { memory, bin: new Bin(replica, purgingOf(device), memory) };
    parts.set(replica, made);
    return made;
  }
  const binOf = (device: TestDevice): Bin => partsOf(device).bin;
  /** As the eraser asks it, which looks first. */
  async function isLongIn(device: TestDevice, purge: Parameters<Bin["isLongIn"]>[0]): Promise<boolean> {
    await partsOf(device).memory.look();
    return binOf(device).isLongIn(purge);
  }
  const sweep = (device: TestDevice): Promise<void> => binOf(device).sweep();
  const purges = ({ replica }: TestDevice): readonly PurgeView[] => replica.members.purges;
  const conversation = (): ConversationId => laptop.replica.fold!.conversationOf("Zoë");

  async function write(device: TestDevice, count = 1): Promise<readonly MessageId[]> {
    const drafts = Array.from({ length: count }, (_, at) => draftOf(device, messageBody(`n ${at}`)));
    await device.replica.writer.append(drafts);
    return drafts.map(({ id }) => id);
  }

  /** The device looks soon after. */
  async function move(
    device: TestDevice,
    kind: "delete" | "restore",
    messages: readonly MessageId[],
  ): Promise<void> {
    await device.replica.writer.append([draftOf(device, { kind, conversation: conversation(), messages })]);
    await sweep(device);
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

  it("L12: ends for nothing by a clock that jumps ten years ahead, nor after five starts with it", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    const wallMs = clock.wallMs();
    for (let start = 0; start < 5; start++) {
      clock.setWall(clock.wallMs() + 3_650 * DAY_MS);
      await laptop.restart();
      await sweep(laptop);
    }
    equal(purges(laptop).length, 0, "a week in all");
    clock.setWall(wallMs);
    await sweep(laptop);
    clock.pass(23 * DAY_MS - 1);
    await sweep(laptop);
    equal(purges(laptop).length, 0);
    clock.pass(1);
    await sweep(laptop);
    equal(purges(laptop).length, 1);
  });

  it("L12: does not begin by a wall clock that is wrong while it is empty", async () => {
    // A start with a clock that is ten years behind, which takes in a delete, and one with the right clock.
    const wallMs = clock.wallMs();
    clock.setWall(wallMs - 3_650 * DAY_MS);
    await laptop.restart();
    await sweep(laptop);
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    for (let start = 0; start < 2; start++) {
      clock.setWall(wallMs + start * 3_650 * DAY_MS);
      await laptop.restart();
      await sweep(laptop);
    }
    clock.pass(23 * DAY_MS - 1);
    await sweep(laptop);
    equal(purges(laptop).length, 0);
    clock.pass(1);
    await sweep(laptop);
    equal(purges(laptop).length, 1);
  });

  it("L12: ends although the clock is a year behind, or was a year ahead when the delete came", async () => {
    const wallMs = clock.wallMs();
    clock.setWall(wallMs + 365 * DAY_MS);
    const [first, second] = await write(laptop, 2);
    await move(laptop, "delete", [first!]);
    clock.setWall(wallMs - 365 * DAY_MS);
    await move(laptop, "delete", [second!]);
    clock.pass(30 * DAY_MS);
    await sweep(laptop);
    deepEqual(await laptop.replica.purged.among([first!, second!]), new Set([first, second]));
  });

  it("ends for a laptop that is opened for an hour a week: asleep in between on day 35, switched off after 70 weeks", async () => {
    for (const isOff of [false, true]) {
      const [gone] = await write(laptop);
      await move(laptop, "delete", [gone!]);
      const before = purges(laptop).length;
      let weeks = 0;
      for (; purges(laptop).length === before && weeks < 100; weeks++) {
        if (isOff) clock.off(7 * DAY_MS - HOUR_MS);
        else clock.pass(7 * DAY_MS - HOUR_MS);
        await laptop.restart();
        await sweep(laptop);
        clock.pass(HOUR_MS);
        await sweep(laptop);
      }
      equal(weeks, isOff ? 70 : 5);
    }
  });

  it("L12: begins anew where the count cannot be read, or an earlier version wrote it", async () => {
    const [gone] = await write(laptop);
    await move(laptop, "delete", [gone!]);
    const messages = await write(laptop);
    for (const version of [255, 1]) {
      clock.pass(29 * DAY_MS);
      await sweep(laptop);
      // Comes before what was counted, and no look has found it when the count begins.
      const draft = draftOf(laptop, { kind: "delete", conversation: conversation(), messages });
      await laptop.replica.writer.append([draft]);
      const bytes = Uint8Array.of(version, ...new Uint8Array(12).fill(255));
      await laptop.replica.writer.remember(new Map([[META.timePassed, bytes]]));
      await laptop.restart();
      await sweep(laptop);
      equal(purges(laptop).length, 0);
    }
    clock.pass(30 * DAY_MS - 1);
    await sweep(laptop);
    equal(purges(laptop).length, 0);
    clock.pass(1);
    await sweep(laptop);
    equal(purges(laptop).length, 1);
  });

  it("takes up what another clock wrote, and what waits for it", async () => {
    const ids = await write(laptop, 1_500);
    const kind = "delete";
    for (const messages of [ids.slice(0, 1_000), ids.slice(1_000)])
      await laptop.replica.writer.append([draftOf(laptop, { kind, conversation: conversation(), messages })]);
    const [row] = await laptop.replica.view.rows([binRowKey(messageRowKey(ids[0]!))]);
    const before = decodeBinRow(row!);
    const wrong = { ...before, sinceMs: 2 ** 47, dueMs: 2 ** 47 + 1 };
    const dels = new Set([dueRowKey(before, messageRowKey(ids[0]!))]);
    await laptop.replica.writer.derive({ puts: rowsOfRecord(wrong, ids[0]!), dels }, []);
    await sweep(laptop);
    equal(await recordsOf(laptop), 3_000, "one of each kind");
    const { nowMs } = partsOf(laptop).memory;
    const rows = await laptop.replica.view.rows(ids.map((id) => binRowKey(messageRowKey(id))));
    deepEqual(new Set(rows.map((each) => decodeBinRow(each!).sinceMs)), new Set([nowMs]));
    const some = ids.slice(0, 3);
    await move(laptop, "restore", ids.slice(3, 1_000));
    await move(laptop, "restore", ids.slice(1_000));
    clock.pass(30 * DAY_MS);
    await sweep(laptop);
    deepEqual(await laptop.replica.purged.among(ids), new Set(some.slice(1)));
    clock.pass(7 * DAY_MS);
    await sweep(laptop);
    deepEqual(await laptop.replica.purged.among(ids), new Set(some));
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
      equal(await isLongIn(laptop, purge!), true);
      equal(await isLongIn(phone, purge!), false, "twenty days here");
      clock.pass(10 * DAY_MS);
      equal(await isLongIn(phone, purge!), true);
      const [other] = await write(phone);
      await purgingOf(phone).write([other!]);
      const more = purges(phone).find(({ entries }) => entries.length === 1)!;
      const both = { id: purge!.id, entries: [...purge!.entries, ...more.entries] };
      equal(await isLongIn(phone, both), false, "it names another message as well");
      equal(await isLongIn(phone, more), false, "deleted just now");
      equal(await isLongIn(phone, { id: "00".repeat(32) as never, entries: [] }), false);
    });

    it("D: is asked without writing anything", async () => {
      const [gone] = await write(laptop);
      await move(laptop, "delete", [gone!]);
      clock.pass(30 * DAY_MS);
      await sweep(laptop);
      const { writer } = laptop.replica;
      const remember = writer.remember.bind(writer);
      let notes = 0;
      writer.remember = (meta) => {
        notes++;
        return remember(meta);
      };
      equal(await binOf(laptop).isLongIn(purges(laptop)[0]!), true);
      equal(notes, 0);
    });

    it("is none any more once a message of it was restored", async () => {
      const ids = await write(laptop, 2);
      await move(laptop, "delete", ids);
      await share(laptop, phone);
      clock.pass(30 * DAY_MS);
      await sweep(laptop);
      await move(phone, "restore", ids.slice(0, 1));
      await share(laptop, phone);
      equal(await isLongIn(phone, purges(phone)[0]!), false);
    });
  });
});
