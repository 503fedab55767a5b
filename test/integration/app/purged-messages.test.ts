/**
 * What is purged is shown nowhere and counted nowhere; what is erased of it breaks nothing that reads entries. Threats L8 and L14.
 * Spec: docs/spec/purge.md, "What is purged".
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { ControlId, MessageId } from "../../../src/core/base/ids.ts";
import { sha256 } from "../../../src/core/crypto/hash.ts";
import { decodeMessageRow } from "../../../src/core/inbox/rows.ts";
import { viewDigest } from "../../../src/core/inbox/view-digest.ts";
import {
  editBounds,
  messageRowKey,
  reactionBounds,
  readEditRow,
  readReactionRow,
} from "../../../src/core/inbox/view.ts";
import { leavesOf } from "../../../src/core/log/header.ts";
import type { Place } from "../../../src/core/log/rows.ts";
import { parseQuery } from "../../../src/core/search/query.ts";
import { exportLines } from "../../../src/app/node/exporting.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { InboxWriting } from "../../../src/app/node/inbox-writing.ts";
import { currentTexts } from "../../../src/app/node/message-search.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { MessageIndex } from "../../../src/app/search/message-index.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { batchesOf, draftOf, seenBy, TestDevice } from "../../support/replicas.ts";

const NOWHERE_ELSE = { here: true, devices: [], cloud: null };
const NO_PURGE = "0".repeat(64) as ControlId;

/** A device, and what people do with it. */
class Person {
  readonly device: TestDevice;
  readonly inbox: InboxReader;
  readonly index: MessageIndex;
  readonly messages: InboxWriting["messages"];
  readonly conversations: InboxWriting["conversations"];

  constructor(device: TestDevice) {
    this.device = device;
    const { replica } = device;
    this.inbox = new InboxReader(replica, () => NOWHERE_ELSE);
    const { messages, conversations } = new InboxWriting(replica, this.inbox);
    this.messages = messages;
    this.conversations = conversations;
    this.index = new MessageIndex({ replica, current: currentTexts(this.inbox), tell: () => undefined });
  }

  get replica(): Replica {
    return this.device.replica;
  }

  async send(conversation: string, text: string, from?: string): Promise<MessageId> {
    const sent = await this.messages.send({ conversation, text, ...(from === undefined ? {} : { from }) });
    return sent.id as MessageId;
  }

  /** A purge of everything that is here of the messages. */
  async purge(...ids: readonly MessageId[]): Promise<ControlId> {
    const places: Place[] = [];
    for (const id of ids) places.push(...(await this.placesOf(id)));
    const { store } = this.replica.ports;
    const entries = await Promise.all(
      (await store.entriesAt(places)).map(async (stored) => {
        const [leaf] = leavesOf([stored!.entry]);
        return { log: stored!.log, position: stored!.position, leaf: leaf! };
      }),
    );
    entries.sort((a, b) => (a.log === b.log ? a.position - b.position : a.log < b.log ? -1 : 1));
    await this.replica.writer.appendControl([{ kind: "purge", entries }]);
    return this.replica.members.purges.at(-1)!.id;
  }

  /** One tombstone for messages of one conversation. */
  async bury(purge: ControlId, conversation: string, ...ids: readonly MessageId[]): Promise<void> {
    const { writer, ports } = this.replica;
    const { store } = ports;
    const named = await Promise.all(
      ids.toSorted().map(async (message) => {
        const [row] = await store.rows([messageRowKey(message)]);
        const { hash, stamp, flags, place } = decodeMessageRow(row!).content!;
        const log = store.logOf(place.logNumber)!;
        return { message, contentHash: hash, stamp, flags, log, position: place.position };
      }),
    );
    await writer.append([draftOf(this.device, { kind: "tombstone", purge, conversation, named })]);
  }

  async placesOf(id: MessageId): Promise<readonly Place[]> {
    const { store } = this.replica.ports;
    const [row] = await store.rows([messageRowKey(id)]);
    const range = { reverse: false, limit: 100 };
    const edits = await store.rowRange({ ...editBounds(id), ...range });
    const reactions = await store.rowRange({ ...reactionBounds(id), ...range });
    return [
      decodeMessageRow(row!).content!.place,
      ...edits.map(([key, edit]) => readEditRow(key, edit).place),
      ...reactions.map(([, reaction]) => readReactionRow(reaction).place),
    ];
  }

  /** Takes the payloads off the disk. */
  async erase(id: MessageId): Promise<void> {
    const { store } = this.replica.ports;
    for (const stored of await store.entriesAt(await this.placesOf(id))) {
      const { log, position, entry } = stored!;
      const bytes = sha256(entry.bytes);
      const erased = { ...entry, state: "purged" as const, bytes };
      const state = this.replica.frontier.get(log)!;
      const write = { state, from: position, entries: [erased], leaves: leavesOf([entry]), nodes: [] };
      deepEqual(leavesOf([erased]), write.leaves);
      await store.commit({ logs: [write], puts: new Map(), dels: new Set(), meta: new Map() });
    }
  }

  async texts(conversation: string, deleted = true): Promise<readonly string[]> {
    return (await this.messages.show(conversation, { deleted })).map(({ text }) => text);
  }

  async found(text: string): Promise<number> {
    await this.index.complete(() => undefined);
    const search = { query: parseQuery(text), conversation: null, limit: 10, before: null };
    return (await this.index.search(search)).found.length;
  }

  async exported(): Promise<string> {
    const lines: string[] = [];
    for await (const line of exportLines({ replica: this.replica, inbox: this.inbox, onProgress: undefined }))
      lines.push(line);
    return lines.join("\n");
  }

  digest(): string {
    const rows = [...this.device.disk.state.rows].filter(([key]) => !key.startsWith("x"));
    return viewDigest(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Nobody can see it, or say anything of it. */
async function assertGone(person: Person, id: MessageId): Promise<void> {
  const { messages, inbox } = person;
  for (const attempt of [
    () => messages.edit(id, "x"),
    () => messages.unsend(id),
    () => messages.react(id, "\u{1f44d}"),
    () => messages.setStatus(id, "read"),
    () => messages.history(id),
    () => messages.delete([id]),
    () => messages.restore([id]),
    () => messages.send({ conversation: "Ana", text: "x", replyTo: id }),
    () => messages.show("Ana", { before: id }),
    () => messages.edit(id.slice(0, 12), "x"),
  ])
    await assertRejectsWithCode(attempt(), "NOT_FOUND");
  equal(await inbox.byId(id), undefined);
}

describe("Purged messages", function () {
  this.timeout(60_000);
  let person: Person;
  let gone: MessageId;
  beforeEach(async () => {
    const laptop = await TestDevice.found(new ManualClock());
    // With nobody else there a purge counts at once, and nobody could stop it.
    await laptop.admit("phone", 2);
    person = new Person(laptop);
    await person.send("Ana", "quince first");
    await person.send("Ana", "quince second", "Ana");
    gone = await person.send("Ana", "quince third");
    await person.messages.edit(gone, "quince fourth");
    await person.messages.react(gone, "\u{1f44d}");
  });

  const count = (): Promise<number> => person.inbox.messageCount();
  const line = async (): Promise<readonly unknown[]> => {
    const [first] = await person.conversations.list();
    return [first!.conversation, first!.last?.text ?? null, first!.unread];
  };

  it("L8: are shown nowhere and counted nowhere, in the bin or not", async () => {
    deepEqual(await line(), ["Ana", "quince fourth", 1]);
    equal(await person.found("quince"), 3);
    const answer = await person.messages.send({ conversation: "Ana", text: "an answer", replyTo: gone });
    await person.messages.delete([answer.id]);
    const purge = await person.purge(gone);
    await person.bury(purge, "Ana", gone);
    deepEqual(await person.texts("Ana"), ["quince first", "quince second", "an answer"]);
    deepEqual(await line(), ["Ana", "quince second", 1]);
    equal(await person.found("quince"), 2);
    equal(await count(), 3);
    ok(!(await person.exported()).includes("third"));
    ok(!(await person.exported()).includes("fourth"));
    await assertGone(person, gone);
    // The answer stays, and shows nothing of it.
    equal((await person.messages.show("Ana", { deleted: true })).at(-1)!.replyTo, gone);
    const { id } = await person.inbox.findMessage(answer.id);
    equal(id, answer.id);
  });

  it("L8: are not unread, also where no delete came with the purge or a restore came at the same time", async () => {
    const received = await person.send("Ana", "quince last", "Ana");
    deepEqual(await line(), ["Ana", "quince last", 2]);
    await person.bury(await person.purge(received), "Ana", received);
    deepEqual(await line(), ["Ana", "quince fourth", 1]);
    const state = await person.inbox.conversation((await person.inbox.conversations())[0]!.conversation);
    equal(await person.inbox.unread(state!), 1);
    await assertGone(person, received);
  });

  it("are those of purges that count: of an unknown one nothing is hidden, and a stopped one gives back", async () => {
    await person.bury(NO_PURGE, "Ana", gone);
    deepEqual(await line(), ["Ana", "quince fourth", 1]);
    equal(await count(), 3);
    equal((await person.texts("Ana")).length, 3);
    equal(await person.found("quince"), 3);
    const purge = await person.purge(gone);
    await person.bury(purge, "Ana", gone);
    deepEqual([await count(), await line()], [2, ["Ana", "quince second", 1]]);
    await person.replica.writer.appendControl([{ kind: "void", operation: purge }]);
    // Neither the count nor a line of the list is of before.
    deepEqual([await count(), await line()], [3, ["Ana", "quince fourth", 1]]);
    equal((await person.texts("Ana")).length, 3);
    await person.messages.edit(gone, "quince once more");
    equal((await person.texts("Ana")).at(-1), "quince once more");
  });

  it("are counted once a second purge names what a stopped one had named", async () => {
    await person.bury(await person.purge(gone), "Ana", gone);
    equal(await count(), 2);
    const { id } = person.replica.members.purges.at(-1)!;
    await person.replica.writer.appendControl([{ kind: "void", operation: id }]);
    equal(await count(), 3);
    const again = await person.purge(gone);
    equal(await count(), 3);
    await person.bury(again, "Ana", gone);
    equal(await count(), 2);
    await person.bury(NO_PURGE, "Ana", gone);
    equal(await count(), 2);
  });

  it("come back in a line of the list that was kept, once their purge is stopped", async () => {
    const purge = await person.purge(gone);
    await person.bury(purge, "Ana", gone);
    for (let asked = 0; asked < 2; asked++) deepEqual(await line(), ["Ana", "quince second", 1]);
    await person.replica.writer.appendControl([{ kind: "void", operation: purge }]);
    deepEqual(await line(), ["Ana", "quince fourth", 1]);
  });

  it("leave a conversation in the list, with its name and without a last message", async () => {
    const only = await person.send("Ben", "alone");
    await person.messages.delete([only]);
    await person.bury(await person.purge(only), "Ben", only);
    await person.erase(only);
    for (let built = 0; built < 2; built++) {
      const lines = await person.conversations.list();
      const ben = lines.find(({ conversation }) => conversation === "Ben");
      deepEqual([lines.length, ben?.last, ben?.unread], [2, null, 0]);
      deepEqual(await person.texts("Ben"), []);
      ok((await person.exported()).includes('"Ben"'));
      await person.replica.repair(() => Promise.resolve({ rebuildView: true }));
    }
    // What is written there goes on in the same conversation.
    await person.messages.send({ conversation: "Ben", text: "again" });
    deepEqual(await person.texts("Ben"), ["again"]);
  });

  it("L14: that were erased break no reader, and the view built from what is left is the same", async () => {
    await person.messages.delete([gone]);
    await person.bury(await person.purge(gone), "Ana", gone);
    const digest = person.digest();
    await person.erase(gone);
    for (let built = 0; built < 2; built++) {
      deepEqual(await line(), ["Ana", "quince second", 1]);
      equal(await count(), 2);
      equal(await person.found("quince"), 2);
      equal((await person.texts("Ana")).length, 2);
      // Its head, two messages, their conversation and its end.
      equal((await person.exported()).split("\n").filter((each) => each !== "").length, 5);
      await assertGone(person, gone);
      equal(await person.replica.countWrongRows(), 0);
      equal(person.digest(), digest);
      for (const log of person.replica.frontier.keys())
        equal(
          (await person.replica.ports.store.verify({ log, forgetBad: false, onProgress: () => undefined }))
            .bad.length,
          0,
        );
      await person.replica.repair(() => Promise.resolve({ rebuildView: true }));
    }
    // A stopped purge gives back what nobody can read any more: it is passed over.
    const { id } = person.replica.members.purges.at(-1)!;
    await person.replica.writer.appendControl([{ kind: "void", operation: id }]);
    equal((await person.texts("Ana")).length, 2);
    equal((await person.conversations.list())[0]!.conversation, "Ana");
    ok((await person.exported()).length > 0);
  });

  it("L14: look the same on a device that never had them", async () => {
    await person.messages.delete([gone]);
    const purge = await person.purge(gone);
    await person.bury(purge, "Ana", gone);
    const late = new Person(await person.device.admit("phone", 7));
    await person.erase(gone);
    for (let round = 0; round < 2; round++)
      await late.device.ingest(await batchesOf(person.replica), person.replica);
    deepEqual(await seenBy(late.replica), await seenBy(person.replica));
    equal(late.digest(), person.digest());
    await assertGone(late, gone);
    equal(await late.inbox.messageCount(), 2);
    // What comes of it later changes nothing, on either.
    const conversation = person.replica.fold!.conversationOf("Ana");
    const edit = { kind: "edit", conversation, message: gone, text: "quince too late" } as const;
    await person.replica.writer.append([draftOf(person.device, edit)]);
    await person.replica.writer.append([
      draftOf(person.device, { kind: "restore", conversation, messages: [gone] }),
    ]);
    await assertGone(person, gone);
    equal((await person.texts("Ana", false)).length, 2);
    deepEqual(await line(), ["Ana", "quince second", 1]);
  });

  it("L8: a tombstone that lies of where a message stands makes no reader fail, and hides none that is here", async () => {
    const before = await person.messages.show("Ana");
    const { store } = person.replica.ports;
    const [row] = await store.rows([messageRowKey(gone)]);
    const { stamp, place } = decodeMessageRow(row!).content!;
    const log = store.logOf(place.logNumber)!;
    const missing = "ab".repeat(16) as MessageId;
    for (const message of [gone, missing]) {
      const lie = { message, contentHash: new Uint8Array(16), stamp, flags: 0, log, position: 0 };
      const nowhere = { ...lie, log: "ab".repeat(32) as typeof log, position: 7 };
      for (const each of [lie, nowhere]) {
        const tombstone = { kind: "tombstone", purge: NO_PURGE, conversation: "Ana", named: [each] } as const;
        await person.replica.writer.append([draftOf(person.device, tombstone)]);
        // At its place stands another message, which is shown once and as itself, or nothing.
        deepEqual(await person.messages.show("Ana"), before);
        ok((await person.inbox.byId(gone)) !== undefined);
        equal(await person.inbox.byId(missing), undefined);
        equal(await person.found("quince"), 3);
        ok((await person.exported()).length > 0);
        equal(await person.replica.countWrongRows(), 0);
      }
    }
    await person.device.restart();
    equal(await person.device.replica.countWrongRows(), 0);
  });
});
