/** What comes of a purged message after its purge is named by another one, at most once a minute, and only where the first is over. */
import { deepEqual, equal } from "node:assert/strict";
import type { ConversationId, DeviceId, MessageId } from "../../../src/core/base/ids.ts";
import type { OperationBody } from "../../../src/core/inbox/types.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { LatePlaces } from "../../../src/app/node/late-places.ts";
import { Purging } from "../../../src/app/node/purging.ts";
import { placeName } from "../../../src/app/replica/message-spots.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { namedOf, writePurge } from "../../support/purges.ts";
import { batchesOf, draftOf, messageBody, ownLog, TestDevice } from "../../support/replicas.ts";

const ID = "ab".repeat(16) as MessageId;
const TAKEN = { id: ID, stamp: { ms: 1_700_000_000_000, counter: 0 } };

describe("Late places of purged messages", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  let phone: TestDevice;
  let isDone: boolean;
  /** Its purges are not carried out yet. */
  let waiting: DeviceId | null;
  let late: LatePlaces;
  let purging: Purging;

  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
    phone = await laptop.admit("phone", 2);
    await share(phone, laptop);
    isDone = true;
    waiting = null;
    begin();
  });
  afterEach(() => late.close());

  function begin(): void {
    const { replica } = laptop;
    purging = new Purging(
      replica,
      new InboxReader(replica, () => ({ here: true, devices: [], cloud: null })),
    );
    const list = (): ReturnType<ConstructorParameters<typeof LatePlaces>[0]["eraser"]["list"]> =>
      replica.members.purges.map(({ id, author, entries, state }) => ({
        id,
        author,
        entries: entries.length,
        state,
        learnedAtMs: 0,
        done: isDone && author !== waiting,
        waits: false,
      }));
    late = new LatePlaces({ replica, purging, eraser: { list } });
    late.start();
  }

  async function share(from: TestDevice, to: TestDevice): Promise<void> {
    for (const logClass of ["control", "messages", "state"] as const)
      await to.ingest(await batchesOf(from.replica, { logClass, of: from.replica.self }), from.replica);
  }

  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    for (let round = 0; round < 20; round++) await settle();
  }

  const purgeCount = (): number => laptop.replica.members.purges.length;
  const write = (device: TestDevice, body: OperationBody, more = {}): Promise<unknown> =>
    device.replica.writer.append([draftOf(device, body, more)]);
  const conversation = (): ConversationId => laptop.replica.fold!.conversationOf("Zoë");
  const about = (): { readonly conversation: ConversationId; readonly message: MessageId } => ({
    conversation: conversation(),
    message: ID,
  });

  it("names a copy, an edit and a reaction of a device that did not know, in one purge", async () => {
    await write(laptop, messageBody("taken in", { takenIn: true }), TAKEN);
    await purging.write([ID]);
    await pass(120_000);
    equal(purgeCount(), 1, "nothing is late");
    await write(phone, messageBody("taken in", { takenIn: true, readAtSource: true }), TAKEN);
    await write(phone, { kind: "edit", ...about(), text: "edited apart" });
    await write(phone, { kind: "reaction", ...about(), sender: null, emoji: "👍", removed: false });
    await share(phone, laptop);
    await pass(10_000);
    equal(purgeCount(), 2);
    const named = laptop.replica.members.purges
      .find(({ entries }) => entries.length > 1)!
      .entries.map(({ log, position }) => placeName(log, position));
    const [messages, state] = (["messages", "state"] as const).map((logClass) =>
      ownLog(phone.replica, logClass),
    );
    deepEqual(new Set(named), new Set([placeName(messages!, 0), placeName(state!, 0), placeName(state!, 1)]));
    await pass(600_000);
    equal(purgeCount(), 2, "once");
  });

  it("purges at most once a minute", async () => {
    await write(laptop, messageBody("taken in", { takenIn: true }), TAKEN);
    await purging.write([ID]);
    await pass(60_000);
    for (let n = 0; n < 4; n++) {
      await write(phone, { kind: "edit", ...about(), text: `edit ${n}` });
      await share(phone, laptop);
      await pass(10_000);
    }
    equal(purgeCount(), 2, "forty seconds");
    await pass(60_000);
    equal(purgeCount(), 3, "the other three together");
    deepEqual(
      laptop.replica.members.purges.map(({ entries }) => entries.length).toSorted((a, b) => a - b),
      [1, 1, 3],
    );
  });

  it("waits while the purge can still be stopped, and looks once it is carried out", async () => {
    isDone = false;
    await write(laptop, messageBody("taken in", { takenIn: true }), TAKEN);
    await purging.write([ID]);
    await write(phone, { kind: "edit", ...about(), text: "edited apart" });
    await share(phone, laptop);
    await pass(600_000);
    equal(purgeCount(), 1);
    isDone = true;
    await late.look();
    equal(purgeCount(), 2);
  });

  it("names once what another device names in a purge that waits", async () => {
    waiting = phone.replica.self;
    await write(laptop, messageBody("taken in", { takenIn: true }), TAKEN);
    await purging.write([ID]);
    await write(phone, { kind: "edit", ...about(), text: "edited apart" });
    await writePurge(phone.replica, await namedOf(phone.replica, ownLog(phone.replica, "state"), 0, 1));
    await share(phone, laptop);
    await pass(10_000);
    equal(purgeCount(), 3);
    await pass(600_000);
    equal(purgeCount(), 3, "once");
  });

  it("names nothing of messages that are not purged", async () => {
    const other = "cd".repeat(16) as MessageId;
    await write(laptop, messageBody("kept"), { id: other });
    await write(laptop, messageBody("taken in", { takenIn: true }), TAKEN);
    await purging.write([ID]);
    await write(phone, { kind: "edit", conversation: conversation(), message: other, text: "edited" });
    await share(phone, laptop);
    await pass(600_000);
    equal(purgeCount(), 1);
  });

  it("after a restart finds what came before it", async () => {
    await write(laptop, messageBody("taken in", { takenIn: true }), TAKEN);
    await purging.write([ID]);
    await late.close();
    await write(phone, { kind: "edit", ...about(), text: "edited apart" });
    await share(phone, laptop);
    await laptop.restart();
    begin();
    equal(purgeCount(), 1);
    await pass(10_000);
    equal(purgeCount(), 2);
  });
});
