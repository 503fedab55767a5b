/** Purges whose author left before it showed their tombstones: whoever is about to erase says what it was, and all come to one view. */
import { deepEqual, equal } from "node:assert/strict";
import type { MessageId } from "../../../src/core/base/ids.ts";
import type { OperationBody } from "../../../src/core/inbox/types.ts";
import { viewDigest } from "../../../src/core/inbox/view-digest.ts";
import { Eraser } from "../../../src/app/node/eraser.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { MissingTombstones } from "../../../src/app/node/missing-tombstones.ts";
import { PurgeMemory } from "../../../src/app/node/purge-memory.ts";
import { Purging } from "../../../src/app/node/purging.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { entriesOf, namedOf, writePurge } from "../../support/purges.ts";
import { batchesOf, draftOf, ownLog, send, TestDevice } from "../../support/replicas.ts";

const MINUTE_MS = 60_000;
type LogClass = "control" | "state" | "messages";

function purgingOf({ replica }: TestDevice): Purging {
  return new Purging(replica, new InboxReader(replica, () => ({ here: true, devices: [], cloud: null })));
}

describe("Purges without their tombstones", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  /** Purges, and is not seen again. */
  let author: TestDevice;
  let laptop: TestDevice;
  let phone: TestDevice;
  let ids: readonly MessageId[];
  const erasers = new Map<TestDevice, Eraser>();

  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
    author = await laptop.admit("author", 2);
    phone = await laptop.admit("phone", 3);
    erasers.clear();
    await pass(author, laptop, phone);
    await pass(phone, laptop, author);
    await send(laptop, "first", "second", "third", "fourth");
    ids = await idsOf();
    for (const device of [laptop, phone]) await begin(device);
  });
  afterEach(async () => {
    for (const eraser of erasers.values()) await eraser.close();
  });

  async function idsOf(): Promise<readonly MessageId[]> {
    const inbox = new InboxReader(laptop.replica, () => ({ here: true, devices: [], cloud: null }));
    const conversation = laptop.replica.fold!.conversationOf("Zoë");
    const read = await inbox.messages(conversation, { limit: 10, before: null, deleted: true });
    return read.map(({ operation }) => operation.id).toReversed();
  }

  async function begin(device: TestDevice): Promise<Eraser> {
    const { replica } = device;
    await erasers.get(device)?.close();
    const eraser = new Eraser({
      replica,
      memory: new PurgeMemory(replica),
      forget: () => Promise.resolve(),
      isLongInBin: () => Promise.resolve(false),
      tombstones: new MissingTombstones(replica, purgingOf(device).addressOf),
      tell: () => undefined,
    });
    erasers.set(device, eraser);
    await eraser.load();
    await eraser.look();
    return eraser;
  }

  /** What `from` itself wrote comes to the others. */
  async function pass(from: TestDevice, ...to: readonly TestDevice[]): Promise<void> {
    for (const each of to) await show(from, each, "control", "messages", "state");
  }

  async function show(from: TestDevice, to: TestDevice, ...classes: readonly LogClass[]): Promise<void> {
    for (const logClass of classes)
      await to.ingest(await batchesOf(from.replica, { logClass, of: from.replica.self }), from.replica);
  }

  /** Purges the first `count` and shows its control log alone. */
  async function purgeAndLeave(count: number, ...seenBy: readonly TestDevice[]): Promise<void> {
    await pass(laptop, author);
    await purgingOf(author).write(ids.slice(0, count));
    for (const each of seenBy) await show(author, each, "control");
  }

  const look = (device: TestDevice): Promise<void> => erasers.get(device)!.look();
  const erasedBy = async ({ replica }: TestDevice): Promise<number> =>
    (await entriesOf(replica, ownLog(laptop.replica, "messages"))).filter(({ state }) => state === "purged")
      .length;
  const stateLength = ({ replica }: TestDevice): number =>
    replica.frontier.get(ownLog(replica, "state"))?.head.length ?? 0;
  const digestOf = ({ disk }: TestDevice): string =>
    viewDigest([...disk.state.rows].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  /** Of the messages of one conversation, how many people see. */
  async function shownBy({ replica }: TestDevice): Promise<number> {
    const inbox = new InboxReader(replica, () => ({ here: true, devices: [], cloud: null }));
    const conversation = replica.fold!.conversationOf("Zoë");
    return (await inbox.messages(conversation, { limit: 10, before: null, deleted: true })).length;
  }

  it("wait a minute, and are said by the device that erases", async () => {
    await purgeAndLeave(2, laptop);
    await look(laptop);
    clock.pass(MINUTE_MS - 1);
    await look(laptop);
    deepEqual([await erasedBy(laptop), await shownBy(laptop)], [0, 4]);
    clock.pass(1);
    await look(laptop);
    deepEqual([await erasedBy(laptop), await shownBy(laptop)], [2, 2]);
    deepEqual(
      laptop.replica.members.purges.map(({ state }) => state),
      ["approved"],
    );
  });

  it("are the same on a device that never had the messages, which waits for nothing and writes nothing", async () => {
    await purgeAndLeave(2, laptop, phone);
    const before = stateLength(phone);
    await look(phone);
    await show(laptop, phone, "messages");
    deepEqual([stateLength(phone), await erasedBy(phone)], [before, 2]);
    await look(laptop);
    clock.pass(MINUTE_MS);
    await look(laptop);
    await pass(laptop, phone);
    await pass(phone, laptop);
    equal(await shownBy(phone), 2);
    equal(digestOf(phone), digestOf(laptop));
  });

  it("are said by two devices at once, in any order of arrival, and later by the author as well", async () => {
    await pass(laptop, phone);
    await purgeAndLeave(3, laptop, phone);
    for (const device of [laptop, phone]) await look(device);
    clock.pass(MINUTE_MS);
    for (const device of [laptop, phone]) await look(device);
    const tablet = await laptop.admit("tablet", 4);
    await show(laptop, tablet, "control", "messages");
    await show(author, tablet, "control");
    await show(phone, tablet, "control", "state");
    await show(laptop, tablet, "state");
    await pass(phone, laptop);
    await pass(laptop, phone);
    await pass(tablet, laptop, phone);
    const all = [laptop, phone, tablet];
    deepEqual(await Promise.all(all.map(shownBy)), [1, 1, 1]);
    equal(new Set(all.map(digestOf)).size, 1);
    await show(author, laptop, "state");
    await show(author, tablet, "state");
    await show(author, phone, "state");
    deepEqual(await Promise.all(all.map(shownBy)), [1, 1, 1]);
    equal(new Set(all.map(digestOf)).size, 1);
  });

  it("are not written where they come within the minute, and are looked at as soon as they do", async () => {
    await purgeAndLeave(2, laptop);
    await erasers.get(laptop)!.start();
    const wait = async (ms: number): Promise<void> => {
      clock.advance(ms);
      for (let round = 0; round < 20; round++) await settle();
    };
    await wait(1_000);
    const before = stateLength(laptop);
    await wait(20_000);
    equal(await erasedBy(laptop), 0);
    await show(author, laptop, "state");
    await wait(1_000);
    deepEqual([await erasedBy(laptop), stateLength(laptop)], [2, before]);
    await wait(1_000);
    equal(clock.pending, 0, "nothing is waited for any more");
  });

  it("S1: go on after a kill: the minute begins anew, and what was said before it is not said again", async () => {
    await purgeAndLeave(2, laptop);
    await look(laptop);
    clock.pass(MINUTE_MS - 1);
    await laptop.restart();
    await begin(laptop);
    clock.pass(MINUTE_MS - 1);
    await look(laptop);
    equal(await erasedBy(laptop), 0);
    const { writer } = laptop.replica;
    writer.erase = () => Promise.reject(new Error("killed"));
    clock.pass(1);
    await look(laptop).catch(() => undefined);
    const said = stateLength(laptop);
    deepEqual([await erasedBy(laptop), await shownBy(laptop)], [0, 2], "said, and not erased yet");
    await laptop.restart();
    await begin(laptop);
    deepEqual(
      [await erasedBy(laptop), stateLength(laptop)],
      [2, said],
      "nothing is waited for, or said twice",
    );
  });

  it("are said as well of what comes between the look and the erasing", async () => {
    await purgeAndLeave(2, phone);
    const { writer } = phone.replica;
    const keep = writer.keep.bind(writer);
    writer.keep = async (prepare) => {
      writer.keep = keep;
      const result = await keep(prepare);
      await show(laptop, phone, "messages");
      return result;
    };
    await look(phone);
    deepEqual([await erasedBy(phone), await shownBy(phone)], [2, 2]);
    await pass(phone, laptop);
    await show(author, laptop, "control");
    await look(laptop);
    equal(await erasedBy(laptop), 2);
    await pass(laptop, phone);
    equal(digestOf(phone), digestOf(laptop));
  });

  it("do not keep another purge waiting", async () => {
    await pass(laptop, author);
    await purgingOf(author).write([ids[0]!]);
    await show(author, laptop, "control");
    await look(laptop);
    await pass(laptop, phone);
    await purgingOf(phone).write([ids[1]!]);
    await pass(phone, laptop);
    await look(laptop);
    equal(await erasedBy(laptop), 1);
    clock.pass(MINUTE_MS);
    await look(laptop);
    equal(await erasedBy(laptop), 2);
  });

  it("L8: are not taken for said where a tombstone says that something else stands there", async () => {
    await pass(laptop, author);
    const log = ownLog(laptop.replica, "messages");
    const purge = await writePurge(author.replica, await namedOf(author.replica, log, 0, 2));
    const lie = (message: string, position: number) => ({
      message: message.repeat(32) as MessageId,
      contentHash: new Uint8Array(16).fill(position),
      stamp: { ms: 1, counter: 0 },
      flags: 0,
      log,
      position,
    });
    const body: OperationBody = {
      kind: "tombstone",
      purge,
      conversation: "Zoë",
      named: [lie("1", 0), lie("2", 1)],
    };
    await author.replica.writer.append([draftOf(author, body)]);
    await pass(author, laptop);
    await look(laptop);
    clock.pass(MINUTE_MS);
    await look(laptop);
    equal(await erasedBy(laptop), 2);
    await pass(laptop, phone);
    await show(author, phone, "control", "state");
    await look(phone);
    equal(digestOf(phone), digestOf(laptop));
    equal(await shownBy(laptop), 2);
  });

  it("have the clock of the conversation lie behind a late edit on a device that never had it", async () => {
    await pass(laptop, author, phone);
    await purgingOf(laptop).write([ids[0]!]);
    const conversation = author.replica.fold!.conversationOf("Zoë");
    clock.pass(1_000);
    await author.replica.writer.append([
      draftOf(author, { kind: "edit", conversation, message: ids[0]!, text: "late" }),
    ]);
    await pass(laptop, author, phone);
    await show(author, laptop, "messages", "state");
    for (const device of [laptop, phone]) await look(device);
    await pass(phone, laptop);
    await purgingOf(author).write([ids[0]!]);
    await show(author, laptop, "control");
    await show(author, phone, "control");
    await look(phone);
    await look(laptop);
    clock.pass(MINUTE_MS);
    await look(laptop);
    await pass(laptop, phone);
    await pass(phone, laptop);
    equal(laptop.replica.members.purges.length, 2);
    equal(digestOf(phone), digestOf(laptop));
  });

  it("leave a message alone of which a purge names an edit and nothing else", async () => {
    const conversation = laptop.replica.fold!.conversationOf("Zoë");
    await laptop.replica.writer.append([
      draftOf(laptop, { kind: "edit", conversation, message: ids[0]!, text: "edited" }),
    ]);
    const log = ownLog(laptop.replica, "state");
    const before = stateLength(laptop);
    await pass(laptop, author);
    await writePurge(author.replica, await namedOf(author.replica, log, before - 1, before));
    await show(author, laptop, "control");
    await look(laptop);
    deepEqual([await shownBy(laptop), stateLength(laptop)], [4, before]);
    equal((await entriesOf(laptop.replica, log)).at(-1)?.state, "purged");
  });
});
