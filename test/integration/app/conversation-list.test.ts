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

  it("know the newest message and the unread count of a conversation by one read, where few are unread", async () => {
    const { replica } = await TestDevice.found(new ManualClock());
    let reads = 0;
    const counting: typeof replica.view = {
      rows: replica.view.rows,
      rowRange: (range) => {
        reads++;
        return replica.view.rowRange(range);
      },
    };
    const inbox = new InboxReader(replica, () => NOWHERE_ELSE);
    const throughCounting = new InboxReader(
      Object.create(replica, { view: { value: counting } }) as typeof replica,
      () => NOWHERE_ELSE,
    );
    const { messages, conversations } = new InboxWriting(replica, inbox);
    const ids: string[] = [];
    const send = async (count: number, from?: string): Promise<void> => {
      for (let n = 0; n < count; n++)
        ids.push((await messages.send({ conversation: "Ana", text: "hi", ...(from && { from }) })).id);
    };
    const check = async (
      what: string,
      expected: { newest: string | null; unread: number; reads: number },
    ) => {
      const [state] = await inbox.conversations();
      reads = 0;
      const { newest, unread } = await throughCounting.newestAndUnread(state!);
      deepEqual({ newest: newest?.id ?? null, unread, reads }, expected, what);
      equal(unread, await inbox.unread(state!), what);
      const limits = { limit: 1, before: null, deleted: false };
      deepEqual(newest, (await inbox.ordered(state!.conversation, limits))[0] ?? null, what);
    };

    await send(40);
    await check("nothing came in", { newest: ids[39]!, unread: 0, reads: 1 });
    await send(5, "Ana");
    await check("some came in", { newest: ids[44]!, unread: 5, reads: 1 });
    await messages.delete(ids.slice(43));
    await check("the last of them are in the bin", { newest: ids[42]!, unread: 3, reads: 1 });
    await send(35);
    await check("more was answered than is read at once", { newest: ids[79]!, unread: 3, reads: 2 });
    await send(50, "Ana");
    await check("more came in than is read at once", { newest: ids[129]!, unread: 53, reads: 2 });
    await messages.delete(ids.slice(80));
    await messages.delete(ids.slice(45, 80));
    await check("all that is read at once is in the bin", { newest: ids[42]!, unread: 3, reads: 4 });
    await conversations.read("Ana");
    await check("read", { newest: ids[42]!, unread: 0, reads: 3 });
    await conversations.unread("Ana");
    await check("marked as unread", { newest: ids[42]!, unread: 1, reads: 3 });
    await messages.delete(ids.slice(0, 43));
    await check("all is in the bin", { newest: null, unread: 1, reads: 3 });
    await messages.restore([ids[0]!]);
    await check("the first was taken out of the bin", { newest: ids[0]!, unread: 1, reads: 3 });
  });
});

describe("The draft of a conversation", () => {
  it("is the one that was given last, also where reading for an earlier one takes longer", async () => {
    const { replica } = await TestDevice.found(new ManualClock());
    let reads = 0;
    const slow = new (class extends InboxReader {
      override async namesAt(places: Parameters<InboxReader["namesAt"]>[0]) {
        const isSecond = ++reads === 2;
        const names = await super.namesAt(places);
        for (let turn = 0; isSecond && turn < 20; turn++) await new Promise(setImmediate);
        return names;
      }
    })(replica, () => NOWHERE_ELSE);
    const writing = new InboxWriting(replica, slow);
    await writing.messages.send({ conversation: "Ana", text: "hi" });
    reads = 0;
    const drafts = ["S", "Se", "See you"].map((text) => writing.conversations.draft("Ana", text));
    await writing.flush();
    await Promise.all(drafts);
    equal((await writing.conversations.list())[0]?.draft, "See you");
  });
});
