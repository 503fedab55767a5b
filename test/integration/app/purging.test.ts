/** Messages that are purged on one device, seen from all: real nodes, real stores, streams on loopback. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openReplica } from "../../../src/app/node/device-directory.ts";
import { deviceDirectory } from "../../../src/app/node/machine-directory.ts";
import type { KinlogNode, Message } from "../../../src/app/node/types.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { addressOf, collectEvents, eventually, nextEvent, TestDevices } from "../../support/devices.ts";
import { ImportFiles } from "../../support/import-files.ts";

const texts = (messages: readonly Message[]): readonly string[] => messages.map(({ text }) => text);
const send = async (node: KinlogNode, text: string, replyTo?: string): Promise<string> => {
  const message = { conversation: "Zoë", text, ...(replyTo === undefined ? {} : { replyTo }) };
  return (await node.messages.send(message)).id;
};

async function exported(node: KinlogNode): Promise<string> {
  const lines: string[] = [];
  for await (const line of node.export()) lines.push(line);
  return lines.join("");
}

/** Shown nowhere, and not to be spoken of. */
async function assertGone(node: KinlogNode, id: string, word: string): Promise<void> {
  const shown = await node.messages.show("Zoë", { deleted: true });
  equal(
    shown.some((message) => message.id === id || message.text.includes(word)),
    false,
    "shown",
  );
  deepEqual((await node.messages.search({ text: word })).messages, []);
  const lines = await exported(node);
  equal(lines.includes(word), false, "exported");
  for (const { last } of await node.conversations.list())
    equal(last?.id === id, false, "the last one of the list");
  await assertRejectsWithCode(node.messages.history(id), "NOT_FOUND");
  await assertRejectsWithCode(node.messages.restore([id]), "NOT_FOUND");
  await assertRejectsWithCode(node.messages.edit(id, "again"), "NOT_FOUND");
  await assertRejectsWithCode(node.messages.react(id, "👍"), "NOT_FOUND");
  await assertRejectsWithCode(send(node, "an answer", id), "NOT_FOUND");
  await assertRejectsWithCode(node.messages.purge([id]), "NOT_FOUND");
}

/** The payloads of all entries of state and messages logs, as they are stored. */
async function sealedIn(dir: string): Promise<readonly Uint8Array[]> {
  const { replica } = await openReplica(deviceDirectory(dir));
  const sealed: Uint8Array[] = [];
  for (const [log, { logClass }] of replica.members.logs) {
    if (logClass === "control") continue;
    for (const { entry } of await replica.ports.store.entries(log, 0, 1_000))
      sealed.push(entry.bytes.slice());
  }
  await replica.close();
  return sealed;
}

function isInFiles(dir: string, bytes: Uint8Array): boolean {
  const part = Buffer.from(bytes.subarray(bytes.length - 32));
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .some((file) => {
      try {
        return readFileSync(join(file.parentPath, file.name)).includes(part);
      } catch {
        // A file that the database has just given back.
        return false;
      }
    });
}

async function inSync(...nodes: readonly KinlogNode[]): Promise<void> {
  for (const node of nodes) equal((await node.sync({ timeoutMs: 10_000 })).inSync, true);
}

describe("Purging", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  const files = new ImportFiles();
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());
  after(() => files.remove());

  describe("on one device", () => {
    let laptop: KinlogNode;
    beforeEach(async () => {
      laptop = await devices.found("laptop");
    });

    it("takes the message out of everything that shows it, for good", async () => {
      const gone = await send(laptop, "quince by the river");
      await laptop.messages.edit(gone, "quince by the lake");
      await laptop.messages.react(gone, "👍");
      const answer = await send(laptop, "yes", gone);
      const changed = nextEvent(laptop, "message-changed");
      deepEqual(await laptop.messages.purge([gone]), { done: 1 });
      const { id, conversation, change, origin } = await changed;
      deepEqual([id, conversation, change, origin], [gone, "Zoë", "purged", "local"]);
      await assertGone(laptop, gone, "quince");
      const [left] = await laptop.messages.show("Zoë", { deleted: true });
      deepEqual([left!.id, left!.replyTo], [answer, gone]);
      deepEqual([(await laptop.status()).messages], [1]);
      await devices.stop(laptop);
      await assertGone(await devices.start("laptop"), gone, "quince");
    });

    it("names messages in the bin as well, and of several that begin alike none", async () => {
      const [binned, shown] = [await send(laptop, "quince one"), await send(laptop, "quince two")];
      await laptop.messages.delete([binned]);
      deepEqual(await laptop.messages.purge([binned, shown, shown.slice(0, 12)]), { done: 2 });
      await assertGone(laptop, binned, "quince");
      await assertGone(laptop, shown, "quince");
    });

    it("changes nothing where one of the messages is unknown, or purged already", async () => {
      const [purged, kept] = [await send(laptop, "one"), await send(laptop, "two")];
      await laptop.messages.purge([purged]);
      const { fingerprint } = await laptop.status();
      await assertRejectsWithCode(laptop.messages.purge([kept, "00".repeat(16)]), "NOT_FOUND");
      await assertRejectsWithCode(laptop.messages.purge([kept, purged]), "NOT_FOUND");
      await assertRejectsWithCode(laptop.messages.purge([kept, "no id"]), "NOT_FOUND");
      equal((await laptop.status()).fingerprint, fingerprint);
      deepEqual(texts(await laptop.messages.show("Zoë")), ["two"]);
    });

    it("asks for a confirmation of more than a hundred", async () => {
      const ids: string[] = [];
      for (let at = 0; at < 101; at++) ids.push(await send(laptop, `n ${at}`));
      await assertRejectsWithCode(laptop.messages.purge(ids), "CONFIRMATION_REQUIRED");
      equal((await laptop.messages.show("Zoë", { limit: 200 })).length, 101);
      deepEqual(await laptop.messages.purge(ids, { confirmed: true }), { done: 101 });
      deepEqual(await laptop.messages.show("Zoë", { deleted: true }), []);
    });

    it("lets no import bring a message back", async () => {
      const gone = await send(laptop, "quince in the backup");
      await laptop.messages.edit(gone, "quince, edited, in the backup");
      const backup = files.write(await exported(laptop));
      await laptop.messages.purge([gone]);
      equal((await laptop.import(backup)).imported, 0);
      await assertGone(laptop, gone, "quince");
    });
  });

  describe("on two devices and more", () => {
    let laptop: KinlogNode;
    let phone: KinlogNode;
    beforeEach(async () => {
      laptop = await devices.found("laptop");
      phone = await devices.add(laptop, "phone");
    });

    it("is gone on both, and both tell so once", async () => {
      const gone = await send(laptop, "quince for both");
      const kept = await send(phone, "kept");
      await inSync(laptop, phone);
      const watched = [laptop, phone].map((node) => collectEvents(node, ["message-changed"]));
      await phone.messages.purge([gone]);
      await inSync(laptop, phone);
      await eventually(
        laptop,
        async () => (await laptop.messages.show("Zoë", { deleted: true })).length === 1,
      );
      for (const node of [laptop, phone]) {
        await assertGone(node, gone, "quince");
        deepEqual(
          (await node.messages.show("Zoë")).map(({ id }) => id),
          [kept],
        );
      }
      await Promise.all(watched.map(({ stop }) => stop()));
      const told = watched.map(({ events }) =>
        events.flatMap((event) =>
          event.event === "message-changed" && event.change === "purged" ? [event.id] : [],
        ),
      );
      deepEqual(told, [[gone], [gone]]);
    });

    it("stands against a restore, an edit and a reaction of a device that did not know of it", async () => {
      const gone = await send(laptop, "quince, once more");
      await inSync(laptop, phone);
      await devices.stop(phone);
      await laptop.messages.purge([gone]);
      await devices.stop(laptop);
      const apart = await devices.start("phone");
      // Nothing was heard of the purge: on this device the message is there.
      await apart.messages.delete([gone]);
      await apart.messages.restore([gone]);
      await apart.messages.edit(gone, "quince, edited apart");
      await apart.messages.react(gone, "👍");
      const again = await devices.start("laptop");
      await apart.connect(addressOf(again));
      await inSync(again, apart);
      for (const node of [again, apart]) await assertGone(node, gone, "quince");
    });

    it("is gone on a device that slept, and comes back from none", async () => {
      const gone = await send(laptop, "quince before the sleep");
      await inSync(laptop, phone);
      const backup = files.write(await exported(phone));
      await devices.stop(phone);
      await laptop.messages.purge([gone]);
      const tablet = await devices.add(laptop, "tablet");
      await inSync(laptop, tablet);
      await assertGone(tablet, gone, "quince");
      equal((await tablet.import(backup)).imported, 0);
      await assertGone(tablet, gone, "quince");
      const awake = await devices.start("phone");
      await awake.connect(addressOf(tablet));
      await inSync(awake, tablet);
      for (const node of [laptop, awake, tablet]) await assertGone(node, gone, "quince");
    });

    it("leaves nothing of it in the files of any device, sealed or not", async () => {
      const gone = await send(laptop, "quince in a file");
      await laptop.messages.edit(gone, "quince in another file");
      await phone.messages.react(gone, "👍");
      const kept = await send(laptop, "kept in a file");
      await inSync(laptop, phone);
      await devices.stop(laptop);
      const sealed = await sealedIn(devices.dir("laptop"));
      const again = await devices.start("laptop");
      await again.connect(addressOf(phone));
      const dirs = [devices.dir("laptop"), devices.dir("phone")];
      const found = (): number => sealed.filter((bytes) => dirs.some((dir) => isInFiles(dir, bytes))).length;
      equal(found(), sealed.length);
      await phone.messages.purge([gone]);
      const named = (await phone.purges.list())[0]!.entries;
      equal(named, 3, "the message, its edit and its reaction");
      // Files are given back in the background.
      while (found() > sealed.length - named) await setTimeout(100);
      equal(found(), sealed.length - named, "and nothing else");
      await inSync(again, phone);
      deepEqual(
        (await again.messages.show("Zoë")).map(({ id }) => id),
        [kept],
      );
      for (const node of [again, phone]) {
        await assertGone(node, gone, "quince");
        equal((await node.purges.list())[0]!.done, true);
        equal((await node.verify()).bad, 0);
      }
    });

    it("that another device stops leaves the messages in the bin of both", async () => {
      const ids: string[] = [];
      for (let at = 0; at < 110; at++) ids.push(await send(laptop, `quince ${at}`));
      await inSync(laptop, phone);
      await laptop.messages.purge(ids, { confirmed: true });
      await inSync(laptop, phone);
      const [open] = await phone.purges.list();
      deepEqual([open!.by, open!.entries, open!.state, open!.done], ["laptop", 110, "open", false]);
      await assertGone(phone, ids[0]!, "quince");
      const back = nextEvent(phone, "message-changed");
      deepEqual(await phone.purges.stop(open!.id.slice(0, 8)), { done: 1 });
      equal((await back).change, "deleted");
      deepEqual(await phone.purges.stop(open!.id), { done: 0 });
      await assertRejectsWithCode(phone.purges.approve(open!.id), "PURGE_SETTLED");
      await inSync(laptop, phone);
      for (const node of [laptop, phone]) {
        equal((await node.purges.list())[0]!.state, "stopped");
        deepEqual(await node.messages.show("Zoë"), []);
        equal((await node.messages.show("Zoë", { deleted: true, limit: 200 })).length, 110);
      }
      deepEqual(await laptop.messages.restore(ids), { done: 110 });
      await inSync(laptop, phone);
      equal((await phone.messages.show("Zoë", { limit: 200 })).length, 110);
    });

    it("of a hundred and more waits for another device, and nobody approves its own", async () => {
      const ids: string[] = [];
      for (let at = 0; at < 100; at++) ids.push(await send(laptop, `quince ${at}`));
      await inSync(laptop, phone);
      await laptop.messages.purge(ids);
      await inSync(laptop, phone);
      const [open] = await laptop.purges.list();
      await assertRejectsWithCode(laptop.purges.approve(open!.id), "NOT_YOURS");
      deepEqual(await phone.purges.approve(open!.id), { done: 1 });
      deepEqual(await phone.purges.approve(open!.id), { done: 0 });
      await assertRejectsWithCode(phone.purges.stop(open!.id), "PURGE_SETTLED");
      await inSync(laptop, phone);
      for (const node of [laptop, phone]) equal((await node.purges.list())[0]!.state, "approved");
      await assertRejectsWithCode(laptop.purges.stop("ffffff"), "NOT_FOUND");
      ok(open!.id.length === 64);
    });
  });
});
