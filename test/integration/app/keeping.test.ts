/** Space freed on one device against the promise of another: real devices, real stores, real streams on loopback. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import type { EvictResult } from "../../../src/app/node/evict-types.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { addressOf, eventually, TestDevices } from "../../support/devices.ts";

const MESSAGES = 400;
/** So long that texts are what takes the space. */
const textOf = (at: number): string => `message ${at} ${`${at * 7919} `.repeat(60)}`;

async function inSync(...nodes: readonly KinlogNode[]): Promise<void> {
  for (const node of nodes) equal((await node.sync({ timeoutMs: 10_000 })).inSync, true);
}

async function bytesIn(dir: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}

const whole = async (node: KinlogNode): Promise<number> =>
  (await node.messages.show("Zoë", { limit: 1_000 })).filter(({ stored }) => stored.here).length;
const reasons = ({ keptBecause }: EvictResult): readonly string[] =>
  keptBecause.map(({ reason, messages }) => `${reason} ${messages}`);

describe("Keeping for another device", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  let laptop: KinlogNode;
  let phone: KinlogNode;
  beforeEach(async () => {
    devices = await TestDevices.create();
    laptop = await devices.found("laptop");
    for (let at = 0; at < MESSAGES; at++)
      await laptop.messages.send({ conversation: "Zoë", text: textOf(at) });
    phone = await devices.add(laptop, "phone");
    await inSync(phone, laptop);
  });
  afterEach(() => devices.cleanup());

  async function meet(): Promise<void> {
    await phone.connect(addressOf(laptop));
    await inSync(phone, laptop);
  }

  it("frees nothing while nobody is there to promise, and says why", async () => {
    await devices.stop(laptop);
    await eventually(phone, async () => (await phone.status()).peers.every(({ online }) => !online));
    const before = await bytesIn(devices.dir("phone"));
    const result = await phone.evict();
    deepEqual([result.freedBytes, result.evicted], [0, 0]);
    deepEqual(reasons(result), ["nobody-online 398", "listed 2"]);
    equal(await whole(phone), MESSAGES);
    ok((await bytesIn(devices.dir("phone"))) >= before);
  });

  it("frees what the other device promises: the disk is smaller, the list whole, everything still proved", async () => {
    const before = await phone.status();
    const shown = await phone.messages.show("Zoë", { limit: 1_000 });
    await phone.evict({ olderThanDays: 3 });
    equal((await phone.status()).evicted, 0, "nothing is so old");

    const dir = devices.dir("phone");
    // What lies in the log of the database only is written as a table by closing; so what is compared is what lies on the disk.
    await devices.stop(phone);
    const full = await bytesIn(dir);
    phone = await devices.start("phone");
    await meet();
    const result = await phone.evict();
    deepEqual([result.evicted, reasons(result)], [398, ["listed 2"]]);
    ok(result.freedBytes > 40_000, `${result.freedBytes} bytes`);
    await devices.stop(phone);
    const left = await bytesIn(dir);
    ok(full - left > 40_000, `${full} before, ${left} after`);

    phone = await devices.start("phone");
    await meet();
    const after = await phone.status();
    deepEqual(
      [after.fingerprint, after.entries, after.messages, after.evicted],
      [before.fingerprint, before.entries, before.messages, 398],
    );
    equal((await phone.verify()).bad, 0);
    const listed = await phone.messages.show("Zoë", { limit: 1_000 });
    deepEqual(
      listed.map(({ id, order, conversation, direction }) => [id, order, conversation, direction]),
      shown.map(({ id, order, conversation, direction }) => [id, order, conversation, direction]),
    );
    deepEqual(
      [listed[0]?.stored, listed[1]?.stored, listed[1]?.text],
      [
        { here: true, devices: ["laptop"], cloud: null },
        { here: false, devices: ["laptop"], cloud: null },
        "",
      ],
    );
    equal((await laptop.messages.show("Zoë", { limit: 1_000 }))[1]?.stored.devices.length, 0);
    equal((await phone.conversations.list())[0]?.last?.text, textOf(MESSAGES - 1));
  });

  it("brings back what is asked for, from the device that keeps it, and not without it", async () => {
    await phone.evict();
    const [, second, third] = await phone.messages.show("Zoë", { limit: 1_000 });
    const found = async (): Promise<readonly string[]> =>
      (await phone.messages.search({ text: "7919" })).messages.map(({ id }) => id);
    deepEqual(await found(), []);
    deepEqual(await phone.messages.fetch([second!.id]), { done: 1 });
    const [, back, still] = await phone.messages.show("Zoë", { limit: 1_000 });
    deepEqual([back?.text, back?.stored.here, still?.stored.here], [textOf(1), true, false]);
    deepEqual(await found(), [second!.id]);
    equal((await phone.verify()).bad, 0);
    deepEqual(await phone.messages.fetch([second!.id]), { done: 0 });
    await devices.stop(laptop);
    await eventually(phone, async () => (await phone.status()).peers.every(({ online }) => !online));
    await assertRejectsWithCode(phone.messages.fetch([third!.id]), "PEER_UNREACHABLE");
    await devices.stop(phone);
    phone = await devices.start("phone");
    equal((await phone.messages.show("Zoë", { limit: 1_000 }))[1]?.text, textOf(1));
  });

  it("shows whose conversation it is also where the message that said so is purged", async () => {
    await phone.evict();
    const [first] = await laptop.messages.show("Zoë", { limit: 1_000 });
    await laptop.messages.purge([first!.id], { confirmed: true });
    await inSync(phone, laptop);
    while ((await phone.purges.list()).some(({ done }) => !done))
      await new Promise((resolve) => setTimeout(resolve, 20));
    const listed = await phone.messages.show("Zoë", { limit: 1_000 });
    deepEqual([listed.length, await whole(phone)], [MESSAGES - 1, 1]);
    deepEqual(new Set(listed.map(({ conversation }) => conversation)), new Set(["Zoë"]));
  });

  it("a conversation of which the newest message is elsewhere says so, and its text once that is back", async () => {
    await phone.evict();
    const listed = await phone.messages.show("Zoë", { limit: 1_000 });
    const before = listed.at(-2)!;
    await phone.messages.delete([listed.at(-1)!.id]);
    const last = async (): Promise<unknown> => {
      const [line] = await phone.conversations.list();
      return [line?.service, line?.last];
    };
    const elsewhere = { id: before.id, sender: null, text: "", sentAt: before.sentAt };
    deepEqual(await last(), [null, elsewhere]);
    deepEqual(await last(), [null, elsewhere], "and again");
    deepEqual(await phone.messages.fetch([before.id]), { done: 1 });
    const [back] = (await phone.messages.show("Zoë", { limit: 1_000 })).slice(-1);
    const { id, sender, text, sentAt, service } = back!;
    equal(text, textOf(MESSAGES - 2));
    deepEqual(await last(), [service, { id, sender, text, sentAt }]);
  });

  it("tells the history of a message that is elsewhere, as far as it is here", async () => {
    const [, second] = await phone.messages.show("Zoë", { limit: 1_000 });
    await phone.messages.edit(second!.id, "in other words");
    await inSync(phone, laptop);
    const told = await phone.messages.history(second!.id);
    await phone.evict();
    const { sentAt, text } = (await phone.messages.show("Zoë", { limit: 1_000 }))[1]!;
    equal(text, "in other words");
    deepEqual(await phone.messages.history(second!.id), [{ text: "", at: sentAt }, ...told.slice(1)]);
  });

  it("the promise binds over restarts of both, until it is released", async () => {
    await phone.evict();
    deepEqual([await whole(phone), await whole(laptop)], [2, MESSAGES]);
    await devices.stop(laptop, phone);
    laptop = await devices.start("laptop");
    phone = await devices.start("phone");
    await meet();
    const refused = await laptop.evict();
    deepEqual([refused.evicted, reasons(refused)], [0, ["not-promised 398", "listed 2"]]);

    // With the payloads back and whole on the phone, and what it relied on released, the laptop may free them.
    const ids = (await phone.messages.show("Zoë", { limit: 1_000 })).map(({ id }) => id);
    equal((await phone.messages.fetch(ids)).done, 398);
    while ((await laptop.evict()).evicted === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    deepEqual([await whole(phone), await whole(laptop)], [MESSAGES, 2]);
    deepEqual(reasons(await phone.evict()), ["not-promised 398", "listed 2"]);
  });

  it("two devices that free space at the same moment never both free one message", async () => {
    for (let round = 0; round < 4; round++) {
      const [onPhone, onLaptop] = await Promise.all([phone.evict(), laptop.evict()]);
      const here = await Promise.all(
        [phone, laptop].map(async (node) =>
          (await node.messages.show("Zoë", { limit: 1_000 })).map(({ stored }) => stored.here),
        ),
      );
      ok(
        here[0]!.every((isHere, at) => isHere || here[1]![at]),
        `round ${round}`,
      );
      if (onPhone.evicted + onLaptop.evicted === 0) continue;
      // Back, so that the next round begins from the start.
      for (const node of [phone, laptop])
        await node.messages.fetch((await node.messages.show("Zoë", { limit: 1_000 })).map(({ id }) => id));
    }
    for (const node of [phone, laptop]) equal((await node.verify()).bad, 0);
  });

  it("a third device gets everything from the one that keeps it, also where it meets the other first", async () => {
    await phone.evict();
    await devices.join(laptop, "tablet");
    await inSync(laptop, phone);
    await devices.stop(laptop);
    const tablet = await devices.start("tablet");
    await tablet.connect(addressOf(phone));
    await eventually(tablet, async () => (await tablet.status()).peers.some(({ online }) => online));
    laptop = await devices.start("laptop");
    await tablet.connect(addressOf(laptop));
    await inSync(tablet);
    equal(await whole(tablet), MESSAGES);
  });

  it("retention frees at once and promises nothing to others", async () => {
    deepEqual(await phone.retention(), { days: null, freedBytes: 0, evicted: 0, keptBecause: [] });
    deepEqual((await phone.retention({ days: 30 })).days, 30);
    await devices.stop(phone);
    phone = await devices.start("phone");
    await meet();
    equal((await phone.retention()).days, 30);
    deepEqual(reasons(await laptop.evict()), ["not-promised 398", "listed 2"]);
    equal((await phone.retention({ days: null })).days, null);
    equal((await laptop.evict()).evicted, 398);
  });

  it("a view that is built again gets its messages back from the device that keeps them, and says so until then", async () => {
    await phone.evict();
    await devices.stop(phone);
    const store = await openLevelStore({ path: join(devices.dir("phone"), "db") });
    const meta = new Map([[META.viewVersion, Uint8Array.of(1)]]);
    await store.commit({ logs: [], puts: new Map(), dels: new Set(), meta });
    await store.close();
    phone = await devices.start("phone");
    const alarms = (await phone.status()).alarms.map(({ code }) => code);
    deepEqual(alarms, ["not-here"]);
    equal((await phone.messages.show("Zoë", { limit: 1_000 })).length, 2);
    await phone.connect(addressOf(laptop));
    while ((await phone.messages.show("Zoë", { limit: 1_000 })).length < MESSAGES)
      await new Promise((resolve) => setTimeout(resolve, 20));
    deepEqual([(await phone.status()).evicted, await whole(phone)], [398, 2]);
    equal((await phone.verify()).bad, 0);
  });

  it("counts nothing that is purged, neither as freed nor as kept", async () => {
    const shown = await laptop.messages.show("Zoë", { limit: 1_000 });
    await laptop.messages.purge(shown.slice(3, 8).map(({ id }) => id));
    await inSync(laptop, phone);
    await devices.stop(laptop);
    await eventually(phone, async () => (await phone.status()).peers.every(({ online }) => !online));
    deepEqual(reasons(await phone.evict()), ["nobody-online 393", "listed 2"]);
  });

  for (const when of ["before", "after"] as const)
    it(`I5: what is evicted and purged elsewhere stays purged in a view that is built again ${when} the news of it`, async () => {
      await phone.evict();
      const shown = await laptop.messages.show("Zoë", { limit: 1_000 });
      const gone = shown.slice(3, 8).map(({ id }) => id);
      if (when === "before") await devices.stop(phone);
      await laptop.messages.purge(gone);
      if (when === "after") await inSync(laptop, phone);
      if (when === "after") await devices.stop(phone);
      const store = await openLevelStore({ path: join(devices.dir("phone"), "db") });
      const meta = new Map([[META.viewVersion, Uint8Array.of(1)]]);
      await store.commit({ logs: [], puts: new Map(), dels: new Set(), meta });
      await store.close();
      phone = await devices.start("phone");
      await phone.connect(addressOf(laptop));
      await eventually(
        phone,
        async () => (await phone.messages.show("Zoë", { limit: 1_000 })).length >= MESSAGES - 5,
      );
      await inSync(phone, laptop);
      const ids = async (node: KinlogNode): Promise<unknown> =>
        (await node.messages.show("Zoë", { limit: 1_000, deleted: true })).map(({ id, order }) => [
          id,
          order,
        ]);
      deepEqual(await ids(phone), await ids(laptop));
      const [onPhone, onLaptop] = [await phone.status(), await laptop.status()];
      deepEqual([onPhone.messages, onPhone.fingerprint], [onLaptop.messages, onLaptop.fingerprint]);
      deepEqual(await phone.conversations.list(), await laptop.conversations.list());
      for (const id of gone) await assertRejectsWithCode(phone.messages.fetch([id]), "NOT_FOUND");
      equal((await phone.verify()).bad, 0);
      deepEqual(
        (await phone.status()).alarms.map(({ code }) => code),
        [],
      );
    });
});
