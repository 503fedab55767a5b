/** What people do with messages, on two devices of one account: edits, unsends, reactions, properties, settings, and their way out and in again. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openNode } from "../../../src/app/node/open-node.ts";
import type { Conversation, KinlogNode, Message } from "../../../src/app/node/types.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { collectEvents, eventually, TestDevices } from "../../support/devices.ts";

const THUMB = "\u{1f44d}";
const shown = async (node: KinlogNode): Promise<readonly Message[]> => node.messages.show("Zoë");
const one = async (node: KinlogNode, id: string): Promise<Message> =>
  (await shown(node)).find((message) => message.id === id)!;
const listed = async (node: KinlogNode, name = "Zoë"): Promise<Conversation> =>
  (await node.conversations.list()).find(({ conversation }) => conversation === name)!;
const send = async (node: KinlogNode, text: string, from?: string): Promise<string> =>
  (await node.messages.send({ conversation: "Zoë", text, ...(from === undefined ? {} : { from }) })).id;

async function inSync(...nodes: readonly KinlogNode[]): Promise<void> {
  for (const node of nodes) equal((await node.sync({ timeoutMs: 10_000 })).inSync, true);
}

/** Everything that people see, without what belongs to one device. */
async function seen(node: KinlogNode): Promise<unknown> {
  const conversations: unknown[] = [];
  for (const archived of [false, true]) {
    for (const { conversation, ...rest } of await node.conversations.list({ archived })) {
      const messages = await node.messages.show(conversation, { deleted: true, limit: 1_000 });
      const past: unknown[] = [];
      for (const { id } of messages) past.push(await node.messages.history(id));
      const plain = messages.map((message) => ({ ...message, stored: null }));
      conversations.push({ conversation, ...rest, messages: plain, past });
    }
  }
  return { conversations, settings: await node.settings.list({ scope: "account" }) };
}

/** A bit of everything, also what counts for nothing. */
async function live(node: KinlogNode): Promise<void> {
  const [a, b, c] = [await send(node, "a"), await send(node, "b"), await send(node, "c")];
  const received = await send(node, "from Zoë", "Zoë");
  await node.messages.edit(a, "a, edited");
  await node.messages.edit(a, "a, edited twice");
  await node.messages.edit(b, "b, edited");
  await node.messages.unsend(b);
  await node.messages.react(received, THUMB);
  await node.messages.react(a, THUMB, { from: "Zoë" });
  await node.messages.react(a, "\u2764\ufe0f");
  await node.messages.react(a, "\u2764\ufe0f", { remove: true });
  await node.messages.setStatus(c, "delivered");
  await node.messages.delete([c]);
  await node.messages.send({ conversation: "Ada", text: "hello", replyTo: a });
  await node.conversations.title("Zoë", "Zoë from work");
  await node.conversations.pin("Zoë");
  await node.conversations.mute("Zoë", { until: "2999-01-31T00:00:00.000Z" });
  await node.conversations.draft("Zoë", "what I wanted to say");
  await node.conversations.participants("Zoë", ["Zoë", "+4930123"]);
  await node.conversations.archive("Ada");
  await node.settings.set("theme", "dark");
  await node.settings.set("sounds", "off");
  await node.settings.set("sounds", "");
}

describe("The inbox of two devices", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());

  it("shows the same on both, whoever wrote it, also after both start again", async () => {
    const laptop = await devices.found("laptop");
    await live(laptop);
    const phone = await devices.add(laptop, "phone");
    await inSync(laptop, phone);
    deepEqual(await seen(phone), await seen(laptop));
    const id = await send(phone, "from the phone");
    await phone.messages.edit(id, "from the phone, edited");
    await phone.conversations.unpin("Zoë");
    await inSync(phone, laptop);
    await eventually(laptop, async () => (await one(laptop, id))?.editedAt ?? undefined);
    deepEqual(await seen(laptop), await seen(phone));
    const before = await seen(laptop);
    await devices.stop(laptop, phone);
    deepEqual(await seen(await devices.start("laptop")), before);
  });

  it("tells each change on both as it comes", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    const id = await send(laptop, "a");
    await inSync(laptop, phone);
    const there = [laptop, phone].map((node) => collectEvents(node, ["message-changed", "conversation"]));
    await laptop.messages.edit(id, "b");
    await laptop.messages.react(id, THUMB);
    await laptop.messages.setStatus(id, "read");
    await laptop.conversations.archive("Zoë");
    await laptop.messages.unsend(id);
    await inSync(laptop, phone);
    await eventually(phone, async () => (await one(phone, id)).unsentAt ?? undefined);
    const words = there.map(({ events }) =>
      events.map((event) =>
        event.event === "message-changed" ? `${event.change} ${event.origin}` : event.event,
      ),
    );
    const told = (origin: string): readonly string[] =>
      ["edited", "reaction", "stored"]
        .map((change) => `${change} ${origin}`)
        .concat("conversation", `unsent ${origin}`);
    deepEqual(words, [told("local"), told("remote")]);
    for (const each of there) await each.stop();
  });
});

describe("What is said of a message", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  let node: KinlogNode;
  before(async () => {
    devices = await TestDevices.create();
    node = await devices.found("laptop");
  });
  after(() => devices.cleanup());

  it("is its last text, with a history of all of them", async () => {
    const id = await send(node, "first");
    deepEqual(await node.messages.edit(id, "second"), { done: 1 });
    deepEqual(await node.messages.edit(id, "third"), { done: 1 });
    deepEqual(await node.messages.edit(id, "third"), { done: 0 });
    const message = await one(node, id);
    equal(message.text, "third");
    ok(message.editedAt !== null && message.editedAt >= message.sentAt);
    const history = await node.messages.history(id);
    deepEqual(
      history.map(({ text }) => text),
      ["first", "second", "third"],
    );
    equal(history[0]!.at, message.sentAt);
    equal((await listed(node)).last?.text, "third");
  });

  it("is nothing any more once it was unsent", async () => {
    const id = await send(node, "too early");
    await node.messages.edit(id, "still too early");
    deepEqual(await node.messages.unsend(id), { done: 1 });
    deepEqual(await node.messages.unsend(id), { done: 0 });
    const message = await one(node, id);
    deepEqual([message.text, message.editedAt], ["", null]);
    notEqual(message.unsentAt, null);
    deepEqual(await node.messages.history(id), []);
    equal((await listed(node)).last?.text, "");
    await assertRejectsWithCode(node.messages.edit(id, "again"), "MESSAGE_UNSENT");
  });

  it("is for oneself to change only where one wrote it", async () => {
    const id = await send(node, "theirs", "Zoë");
    await assertRejectsWithCode(node.messages.edit(id, "mine"), "NOT_YOURS");
    await assertRejectsWithCode(node.messages.unsend(id), "NOT_YOURS");
    await assertRejectsWithCode(node.messages.setStatus(id, "read"), "NOT_YOURS");
    for (const call of [
      node.messages.edit("0".repeat(32), "x"),
      node.messages.unsend("0".repeat(32)),
      node.messages.react("0".repeat(32), THUMB),
      node.messages.setStatus("0".repeat(32), "sent"),
      node.messages.history("0".repeat(32)),
    ])
      await assertRejectsWithCode(call, "NOT_FOUND");
    await assertRejectsWithCode(
      node.messages.edit(await send(node, "x"), "x".repeat(65_537)),
      "TEXT_TOO_LONG",
    );
  });

  it("are reactions of one grapheme, each sender's with each emoji once", async () => {
    const id = await send(node, "x");
    const family = "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}";
    deepEqual(await node.messages.react(id, THUMB), { done: 1 });
    deepEqual(await node.messages.react(id, THUMB), { done: 0 });
    await node.messages.react(id, family, { from: "Zoë" });
    deepEqual(
      (await one(node, id)).reactions.map(({ emoji, sender }) => [emoji, sender]),
      [
        [THUMB, null],
        [family, "Zoë"],
      ],
    );
    deepEqual(await node.messages.react(id, THUMB, { remove: true }), { done: 1 });
    deepEqual(await node.messages.react(id, THUMB, { remove: true }), { done: 0 });
    equal((await one(node, id)).reactions.length, 1);
    const none = ["", " ", "ab", THUMB + THUMB, "\u200d", "\ufe0f", "\u0301", "\n", "\ud83d"];
    for (const emoji of [...none, `a${"\u0301".repeat(40)}`])
      await assertRejectsWithCode(node.messages.react(id, emoji), "REACTION_INVALID");
  });

  it("is how far it got, which only climbs", async () => {
    const id = await send(node, "x");
    equal((await one(node, id)).status, "sent");
    deepEqual(await node.messages.setStatus(id, "failed"), { done: 1 });
    equal((await one(node, id)).status, "failed");
    await node.messages.setStatus(id, "delivered");
    deepEqual(await node.messages.setStatus(id, "queued"), { done: 0 });
    equal((await one(node, id)).status, "delivered");
  });
});

describe("A delete of more messages than anybody means by accident", () => {
  let devices: TestDevices;
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());

  it("is done only where it was confirmed, and changes nothing otherwise", async () => {
    const node = await devices.found("laptop");
    const ids: string[] = [];
    for (let n = 0; n < 101; n++) ids.push(await send(node, `message ${n}`));
    const before = await shown(node);
    await assertRejectsWithCode(node.messages.delete(ids), "CONFIRMATION_REQUIRED");
    await assertRejectsWithCode(node.conversations.delete("Zoë"), "CONFIRMATION_REQUIRED");
    deepEqual(await shown(node), before);
    equal((await node.messages.delete([...ids.slice(1), ids[1]!])).done, 100);
    equal((await node.messages.restore(ids)).done, 100);
    equal((await node.messages.delete(ids, { confirmed: true })).done, 101);
    equal((await node.messages.restore(ids)).done, 101);
    equal((await node.conversations.delete("Zoë", { confirmed: true })).done, 101);
  });
});

describe("What is set for a conversation", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  let node: KinlogNode;
  before(async () => {
    devices = await TestDevices.create();
    node = await devices.found("laptop");
    for (const conversation of ["Ada", "Bea", "Cem"]) await node.messages.send({ conversation, text: "x" });
  });
  after(() => devices.cleanup());

  const names = async (archived = false): Promise<readonly string[]> =>
    (await node.conversations.list({ archived })).map(({ conversation }) => conversation);

  it("puts pinned ones first, those pinned later behind, and others where they belong", async () => {
    deepEqual(await node.conversations.pin("Bea"), { done: 1 });
    deepEqual(await node.conversations.pin("Ada"), { done: 1 });
    deepEqual(await node.conversations.pin("Ada"), { done: 0 });
    deepEqual(await names(), ["Bea", "Ada", "Cem"]);
    await node.conversations.pin("Ada", { rank: 0 });
    deepEqual(await names(), ["Ada", "Bea", "Cem"]);
    deepEqual(await node.conversations.unpin("Ada"), { done: 1 });
    deepEqual(await node.conversations.unpin("Ada"), { done: 0 });
    equal((await names())[0], "Bea");
    await node.conversations.unpin("Bea");
    deepEqual(await names(), ["Cem", "Bea", "Ada"]);
  });

  it("mutes, archives and names", async () => {
    await node.conversations.mute("Ada");
    deepEqual([(await listed(node, "Ada")).muted, (await listed(node, "Ada")).mutedUntil], [true, null]);
    await node.conversations.mute("Ada", { until: "2999-01-31T00:00:00Z" });
    equal((await listed(node, "Ada")).mutedUntil, "2999-01-31T00:00:00.000Z");
    deepEqual(await node.conversations.unmute("Ada"), { done: 1 });
    deepEqual(await node.conversations.unmute("Ada"), { done: 0 });
    for (const until of ["soon", "1999-01-01T00:00:00Z"])
      await assertRejectsWithCode(node.conversations.mute("Ada", { until }), "REQUEST_INVALID");
    deepEqual(await node.conversations.archive("Ada"), { done: 1 });
    deepEqual([(await names()).includes("Ada"), await names(true)], [false, ["Ada"]]);
    deepEqual(await node.conversations.unarchive("Ada"), { done: 1 });
    deepEqual(await names(true), []);
    await node.conversations.title("Ada", "Countess");
    equal((await listed(node, "Ada")).title, "Countess");
    deepEqual(await node.conversations.title("Countess", "Countess"), { done: 0 });
    await node.conversations.title("Countess", "");
    equal((await listed(node, "Ada")).title, null);
    await assertRejectsWithCode(node.conversations.title("Ada", "a\nb"), "NAME_INVALID");
    await node.conversations.participants("Ada", ["Ada", "Bea"]);
    deepEqual((await listed(node, "Ada")).participants, ["Ada", "Bea"]);
  });

  it("begins no conversation", async () => {
    const { title, pin, mute, archive, draft, participants } = node.conversations;
    const calls = [
      title("nobody", "x"),
      pin("nobody"),
      mute("nobody"),
      archive("nobody"),
      draft("nobody", "x"),
      participants("nobody", []),
    ];
    await Promise.all(calls.map((call) => assertRejectsWithCode(call, "NOT_FOUND")));
    await assertRejectsWithCode(draft("Ada", "x".repeat(65_537)), "TEXT_TOO_LONG");
  });

  it("keeps a draft, the last of many when the node ends at once, and one in ten seconds at most", async () => {
    const before = (await node.status()).entries;
    await node.conversations.draft("Cem", "S");
    equal((await listed(node, "Cem")).draft, "S");
    const later = ["Se", "See", "See you"].map((text) => node.conversations.draft("Cem", text));
    await devices.stop(node);
    await Promise.all(later);
    node = await devices.start("laptop");
    deepEqual([(await listed(node, "Cem")).draft, (await node.status()).entries], ["See you", before + 2]);
    await node.conversations.draft("Cem", "");
    equal((await listed(node, "Cem")).draft, null);
  });

  it("are settings of the account, or of this device only", async () => {
    const { get, set, list } = {
      get: node.settings.get.bind(node.settings),
      set: node.settings.set.bind(node.settings),
      list: node.settings.list.bind(node.settings),
    };
    const before = (await node.status()).entries;
    deepEqual(await set("theme", "dark"), { done: 1 });
    deepEqual(await set("theme", "dark"), { done: 0 });
    deepEqual(await set("theme", "light", { scope: "device" }), { done: 1 });
    equal((await node.status()).entries, before + 1, "what is of this device enters no log");
    deepEqual([await get("theme"), await get("theme", { scope: "device" })], ["dark", "light"]);
    equal(await get("none"), null);
    deepEqual(await list(), [
      { name: "theme", value: "dark", scope: "account" },
      { name: "theme", value: "light", scope: "device" },
    ]);
    await devices.stop(node);
    node = await devices.start("laptop");
    equal(await node.settings.get("theme", { scope: "device" }), "light");
    await node.settings.set("theme", "", { scope: "device" });
    await node.settings.set("theme", "");
    deepEqual(await node.settings.list(), []);
    await assertRejectsWithCode(node.settings.set("", "x"), "NAME_INVALID");
    await assertRejectsWithCode(node.settings.set("x", "y".repeat(1_025)), "TEXT_TOO_LONG");
  });
});

describe("An export of it all", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());

  async function exported(node: KinlogNode): Promise<string> {
    let text = "";
    for await (const line of node.export()) text += line;
    return text;
  }

  it("comes in again without loss into another account, and a second time adds nothing", async () => {
    const laptop = await devices.found("laptop");
    await live(laptop);
    const path = join(devices.root, "export.jsonl");
    writeFileSync(path, await exported(laptop));
    const other = await devices.found("other");
    const first = await other.import(path);
    deepEqual([first.skipped, first.problems], [0, []]);
    deepEqual(await seen(other), await seen(laptop));
    for (const node of [other, laptop]) {
      const { entries } = await node.status();
      await node.import(path);
      equal((await node.status()).entries, entries);
    }
  });

  it("does not bring back what was changed since", async () => {
    const laptop = await devices.found("laptop");
    await live(laptop);
    const path = join(devices.root, "export.jsonl");
    writeFileSync(path, await exported(laptop));
    const [a] = await laptop.messages.show("Zoë");
    await laptop.messages.edit(a!.id, "the last word");
    await laptop.messages.react(a!.id, THUMB, { from: "Zoë", remove: true });
    await laptop.conversations.unpin("Zoë");
    await laptop.conversations.unarchive("Ada");
    await laptop.settings.set("theme", "light");
    const before = await seen(laptop);
    await laptop.import(path);
    deepEqual(await seen(laptop), before);
  });

  it("is what the node itself shows where it runs without a network", async () => {
    const laptop = await devices.found("laptop");
    await live(laptop);
    const before = await seen(laptop);
    await devices.stop(laptop);
    const alone = await openNode({ dir: devices.dir("laptop"), network: false });
    try {
      deepEqual(await seen(alone), before);
    } finally {
      await alone.close();
    }
  });
});
