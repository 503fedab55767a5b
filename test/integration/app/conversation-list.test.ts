/** The kept states of conversations are those that the stored view has, whatever happened since they were read. */
import { deepEqual, equal } from "node:assert/strict";
import { ManualClock } from "../../support/manual-clock.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { readLines } from "../../../src/app/node/conversation-lines.ts";
import { ConversationStates } from "../../../src/app/node/conversation-states.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { InboxWriting } from "../../../src/app/node/inbox-writing.ts";
import { draftOf, TestDevice } from "../../support/replicas.ts";

const NOWHERE_ELSE = { here: true, devices: [], cloud: null };

describe("Conversations kept in memory", () => {
  it("are those of the stored view after whatever people do, and after it was built again", async () => {
    const device = await TestDevice.found(new ManualClock());
    const { replica } = device;
    const inbox = new InboxReader(replica, () => NOWHERE_ELSE);
    const { messages, conversations } = new InboxWriting(replica, inbox);
    const kept = new ConversationStates(replica, inbox);
    const random = new Random(7);
    const names = ["Ana", "+49 30 1", "a@b.c", "Chess club"];
    const steps = [
      (name: string) => messages.send({ conversation: name, text: "hi" }),
      (name: string) => messages.send({ conversation: name, text: "hi", from: name }),
      (name: string) => conversations.read(name),
      (name: string) => conversations.unread(name),
      (name: string) => conversations.title(name, `title ${random.below(3)}`),
      (name: string) => conversations.pin(name, {}),
      (name: string) => conversations.archive(name),
      (name: string) => conversations.delete(name),
      async (name: string) => {
        const [last] = await messages.show(name, { limit: 1, deleted: true });
        const change = random.pick(["edit", "unsend", "restore", "delete"] as const);
        if (change === "edit" && last!.direction === "out" && last!.unsentAt === null)
          return messages.edit(last!.id, `edited ${random.below(100)}`);
        if (change === "unsend" && last!.direction === "out") return messages.unsend(last!.id);
        // Said long ago and arriving now: it moves no clock, so the row of the conversation stays as it is.
        if (change === "delete" && random.chance(50)) {
          const { id, conversation } = await inbox.findMessage(last!.id);
          const body = { kind: "delete", conversation, messages: [id] } as const;
          return replica.writer.append([draftOf(device, body, { stamp: { ms: 1, counter: step } })]);
        }
        return change === "restore" ? messages.restore([last!.id]) : messages.delete([last!.id]);
      },
    ];
    let step = 0;
    for (const name of names) await messages.send({ conversation: name, text: "first" });
    for (; step < 300; step++) {
      const done = random.pick(steps)(random.pick(names));
      // Sometimes asked for while it is being written.
      if (random.chance(30)) await Promise.all([kept.list(), conversations.list()]);
      await done;
      deepEqual(await kept.list(), await inbox.conversations(), `after step ${step}`);
      const states = (await inbox.conversations()).filter(({ archive }) => archive?.on !== true);
      deepEqual(await conversations.list(), await readLines(replica, inbox, states), `after step ${step}`);
    }
    await replica.repair(() => Promise.resolve({ rebuildView: true }));
    deepEqual(await kept.list(), await inbox.conversations());
    equal((await kept.list()).length, names.length);
  });

  it("hold what was written while they were read for the first time", async () => {
    const { replica } = await TestDevice.found(new ManualClock());
    const inbox = new InboxReader(replica, () => NOWHERE_ELSE);
    const { messages } = new InboxWriting(replica, inbox);
    await messages.send({ conversation: "Ana", text: "first" });
    const kept = new ConversationStates(replica, inbox);
    const [, list] = await Promise.all([messages.send({ conversation: "Ben", text: "hi" }), kept.list()]);
    equal(list.length >= 1, true);
    deepEqual(await kept.list(), await inbox.conversations());
  });

  it("are read again after a failure", async () => {
    const { replica } = await TestDevice.found(new ManualClock());
    const inbox = new InboxReader(replica, () => NOWHERE_ELSE);
    const { messages } = new InboxWriting(replica, inbox);
    await messages.send({ conversation: "Ana", text: "first" });
    let fails = true;
    const failing = Object.assign(Object.create(inbox) as InboxReader, {
      conversations: () => (fails ? Promise.reject(new Error("no disk")) : inbox.conversations()),
    });
    const kept = new ConversationStates(replica, failing);
    await kept.list().then(
      () => equal(true, false),
      (error: Error) => equal(error.message, "no disk"),
    );
    fails = false;
    equal((await kept.list()).length, 1);
  });
});
