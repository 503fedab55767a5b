/** Devices of one account as people run them: real streams on loopback, a real store each. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import type { KinlogNode, Message } from "../../../src/app/node/types.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { addressOf, collectEvents, eventually, nextEvent, TestDevices } from "../../support/devices.ts";

const texts = (messages: readonly Message[]): readonly string[] => messages.map(({ text }) => text);
const send = (node: KinlogNode, text: string, from?: string): Promise<{ readonly id: string }> =>
  node.messages.send({ conversation: "Zoë", text, ...(from === undefined ? {} : { from }) });

/** Each in turn: a device knows of its own entries who has acknowledged them, and of another's only when they come. */
async function inSync(...nodes: readonly KinlogNode[]): Promise<void> {
  for (const node of nodes) equal((await node.sync({ timeoutMs: 10_000 })).inSync, true);
  const fingerprints = await Promise.all(nodes.map(async (node) => (await node.status()).fingerprint));
  equal(new Set(fingerprints).size, 1);
}

describe("Two devices of one account", function () {
  this.timeout(40_000);
  let devices: TestDevices;
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());

  it("link, and the new one gets the history; both know each other's name from the first moment", async () => {
    const laptop = await devices.found("laptop");
    await send(laptop, "one");
    await send(laptop, "two", "Zoë");
    const linked = nextEvent(laptop, "device-linked");
    const joined = await devices.join(laptop, "phone");
    deepEqual([joined.account, joined.name, joined.linkedBy], [laptop.account, "phone", "laptop"]);
    const event = await linked;
    deepEqual([event.device, event.name, event.by], [joined.device, "phone", "laptop"]);

    const phone = await devices.start("phone");
    equal(phone.name, "phone");
    deepEqual(
      (await phone.devices.list()).map(({ name, self }) => `${name}: ${self ? "this" : "other"}`).toSorted(),
      ["laptop: other", "phone: this"],
      "before the first sync",
    );
    deepEqual(await phone.connect(addressOf(laptop)), { device: laptop.device, name: "laptop" });
    await inSync(laptop, phone);
    deepEqual(texts(await phone.messages.show("Zoë")), ["one", "two"]);
    const [conversation] = await phone.conversations.list();
    equal(conversation?.unread, 1);
  });

  it("a message written on either shows on the other at once, and each says where it is stored", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await inSync(laptop, phone);

    const onPhone = nextEvent(phone, "message");
    const { id } = await send(laptop, "from the laptop");
    const event = await onPhone;
    deepEqual([event.message.id, event.origin, event.catchUp], [id, "remote", false]);
    const onLaptop = nextEvent(laptop, "message", ({ origin }) => origin === "remote");
    await send(phone, "from the phone");
    equal((await onLaptop).message.text, "from the phone");

    await inSync(laptop, phone);
    for (const node of [laptop, phone]) {
      const other = node === laptop ? "phone" : "laptop";
      for (const message of await node.messages.show("Zoë")) {
        deepEqual(message.stored, { here: true, devices: [other], cloud: null }, message.text);
      }
    }
  });

  it("delete, restore and read marks follow", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    const { id } = await send(laptop, "keep me", "Zoë");
    await inSync(laptop, phone);

    const deleted = nextEvent(laptop, "message-changed");
    equal((await phone.messages.delete([id])).done, 1);
    deepEqual([(await deleted).id, (await deleted).change], [id, "deleted"]);
    deepEqual(texts(await laptop.messages.show("Zoë")), []);
    deepEqual(texts(await laptop.messages.show("Zoë", { deleted: true })), ["keep me"]);

    const restored = nextEvent(phone, "message-changed");
    equal((await laptop.messages.restore([id])).done, 1);
    equal((await restored).change, "restored");
    deepEqual(texts(await phone.messages.show("Zoë")), ["keep me"]);

    equal((await phone.conversations.list())[0]?.unread, 1);
    const read = nextEvent(phone, "read");
    await laptop.conversations.read("Zoë");
    equal((await read).unread, 0);
    equal((await phone.conversations.list())[0]?.unread, 0);
    await inSync(laptop, phone);
  });

  it("either may be started again: they meet by what they remember, and are in sync", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, "one");
    await inSync(laptop, phone);
    const [port] = /tcp\/\d+/.exec(addressOf(laptop)) ?? [];

    // The one that dials.
    await devices.stop(phone);
    await send(laptop, "two");
    const phoneAgain = await devices.start("phone");
    await inSync(laptop, phoneAgain);
    deepEqual(texts(await phoneAgain.messages.show("Zoë")), ["one", "two"]);

    // The one that is dialled, at the port that it had, under another transport identity.
    await devices.stop(laptop);
    await send(phoneAgain, "three");
    const laptopAgain = await devices.start("laptop", `/ip4/127.0.0.1/${port}`);
    await inSync(laptopAgain, phoneAgain);
    deepEqual(texts(await laptopAgain.messages.show("Zoë")), ["one", "two", "three"]);
    const [stored] = (await phoneAgain.messages.show("Zoë")).map((message) => message.stored.devices);
    deepEqual(stored, ["laptop"]);
  });

  it("remembers over a restart who has what and since when all were the same", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, "one");
    await inSync(laptop, phone);
    await devices.stop(phone, laptop);
    const again = await devices.start("laptop");
    const status = await again.status();
    equal(status.inSync, false);
    notEqual(status.lastInSync, null);
    const [peer] = status.peers;
    deepEqual([peer?.name, peer?.online, peer?.missingThere, peer?.missingHere], ["phone", false, 0, 0]);
    deepEqual((await again.messages.show("Zoë"))[0]?.stored.devices, ["phone"]);
    await send(again, "two");
    equal((await again.status()).peers[0]?.missingThere, 1);
    notEqual((await again.devices.list()).find(({ self }) => !self)?.lastSeen, null);
  });

  it("status says what is here and how the others stand", async () => {
    const laptop = await devices.found("laptop");
    const alone = await laptop.status();
    deepEqual([alone.inSync, alone.peers.length, alone.messages, alone.conversations], [true, 0, 0, 0]);
    equal(alone.recovery, "seen");
    equal(alone.protection, "none");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, "one");
    await send(phone, "two");
    await inSync(laptop, phone);
    const [here, there] = await Promise.all([laptop.status(), phone.status()]);
    deepEqual([here.messages, here.conversations, here.fingerprint], [2, 1, there.fingerprint]);
    equal(here.entries, there.entries);
    equal(here.account, there.account);
    deepEqual(
      here.peers.map(({ name, online, inSync: same, missingHere, missingThere }) => [
        name,
        online,
        same,
        missingHere,
        missingThere,
      ]),
      [["phone", true, true, 0, 0]],
    );
    equal(here.peers[0]?.via, "lan");
    equal(there.peers[0]?.via, "manual");
    deepEqual(here.alarms, []);
    equal(/^[0-9a-f]{32}$/.test(here.fingerprint), true);
  });

  it("a long history comes with progress and one synced; its messages say that they are catching up", async () => {
    const laptop = await devices.found("laptop");
    await Promise.all(Array.from({ length: 1_500 }, (_, at) => send(laptop, `message ${at}`)));
    await devices.join(laptop, "phone");
    const phone = await devices.start("phone");
    const { events, stop } = collectEvents(phone, ["message", "progress", "synced", "peer-connected"]);
    const synced = nextEvent(phone, "synced");
    await phone.connect(addressOf(laptop));
    await synced;
    await inSync(laptop, phone);
    await stop();
    const messages = events.filter((event) => event.event === "message");
    equal(messages.length, 1_500);
    equal(messages.filter((event) => event.catchUp).length, 1_500);
    const progress = events.filter((event) => event.event === "progress");
    ok(progress.length >= 1);
    equal(progress.at(-1)?.done, progress.at(-1)?.total);
    equal(events.filter((event) => event.event === "synced").length, 1);
    equal(
      events.findIndex((event) => event.event === "peer-connected"),
      0,
    );
    const connected = events[0];
    equal(connected?.event === "peer-connected" && connected.via, "manual");

    const live = nextEvent(phone, "message");
    await send(laptop, "live");
    equal((await live).catchUp, false);
  });

  it("what others have read while a device was away is no news there, and never counts as unread", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, "before");
    await inSync(laptop, phone);
    await devices.stop(phone);
    for (let at = 0; at < 300; at++)
      await laptop.messages.send({ conversation: "Ana", text: `message ${at}`, from: "Ana" });
    await laptop.conversations.read("Ana");
    await laptop.messages.send({ conversation: "Ana", text: "the only news", from: "Ana" });
    const back = await devices.start("phone");
    const { events, stop } = collectEvents(back, ["message"]);
    const unread = new Set<number>();
    const looks = { atAll: true };
    const looking = (async () => {
      while (looks.atAll) {
        const ana = (await back.conversations.list()).find(({ conversation }) => conversation === "Ana");
        unread.add(ana?.unread ?? 0);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await back.connect(addressOf(laptop));
    await inSync(laptop, back);
    looks.atAll = false;
    await looking;
    await stop();
    const messages = events.filter((event) => event.event === "message").map(({ message }) => message);
    deepEqual(
      messages.filter(({ read }) => !read).map(({ text }) => text),
      ["the only news"],
    );
    equal(messages.length, 301);
    deepEqual(unread, new Set([0, 1]));
  });

  it("sync gives up when its time is over, and comes back at once where all is the same", async () => {
    const laptop = await devices.found("laptop");
    deepEqual((await laptop.sync({ timeoutMs: 1 })).inSync, true);
    await devices.join(laptop, "phone");
    const begun = performance.now();
    deepEqual((await laptop.sync({ timeoutMs: 300 })).inSync, false);
    ok(performance.now() - begun < 5_000);
  });

  it("verify finds everything as it was signed, on both", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    for (let at = 0; at < 20; at++) await send(at % 2 === 0 ? laptop : phone, `message ${at}`);
    await inSync(laptop, phone);
    for (const node of [laptop, phone]) {
      const result = await node.verify();
      deepEqual([result.bad, result.repaired, result.lost], [0, 0, 0]);
      ok(result.entries > 20);
    }
  });

  it("of three, two meet only through the third, which was linked while the first was off", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, "from the laptop");
    await inSync(laptop, phone);
    await devices.stop(laptop);

    const tablet = await devices.add(phone, "tablet");
    await send(tablet, "from the tablet");
    await inSync(phone, tablet);
    deepEqual(texts(await tablet.messages.show("Zoë")), ["from the laptop", "from the tablet"]);

    // The first learns of the third by itself, from the third.
    const laptopAgain = await devices.start("laptop");
    await laptopAgain.connect(addressOf(tablet)).catch(() => undefined);
    await phone.connect(addressOf(laptopAgain));
    await eventually(laptopAgain, async () => (await laptopAgain.devices.list()).length === 3);
    await laptopAgain.connect(addressOf(tablet));
    await inSync(laptopAgain, phone, tablet);
    for (const node of [laptopAgain, phone, tablet]) {
      deepEqual(texts(await node.messages.show("Zoë")), ["from the laptop", "from the tablet"]);
      deepEqual((await node.devices.list()).map(({ name }) => name).toSorted(), [
        "laptop",
        "phone",
        "tablet",
      ]);
      const [first] = await node.messages.show("Zoë");
      equal(first?.stored.devices.length, 2);
    }
  });

  it("N11: both dial at once, again and again: one session stays, and nobody is told of another", async () => {
    await devices.stop(await devices.add(await devices.found("laptop"), "phone"));
    await devices.stop(...devices.running);
    for (let round = 0; round < 8; round++) {
      const [laptop, phone] = [await devices.start("laptop"), await devices.start("phone")];
      const kinds = ["peer-connected", "peer-disconnected"] as const;
      const watched = [collectEvents(laptop, kinds), collectEvents(phone, kinds)];
      await Promise.all([
        laptop.connect(addressOf(phone)),
        phone.connect(addressOf(laptop)),
        laptop.connect(addressOf(phone)),
      ]);
      await send(laptop, `laptop ${round}`);
      await send(phone, `phone ${round}`);
      await inSync(laptop, phone);
      for (const { events, stop } of watched) {
        await stop();
        deepEqual(
          events.map(({ event }) => event),
          ["peer-connected"],
          `round ${round}`,
        );
      }
      for (const node of [laptop, phone]) equal((await node.status()).peers[0]?.online, true);
      await devices.stop(laptop, phone);
    }
  });

  it("a second laptop becomes laptop 2, everywhere", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const { joinAccount } = await import("../../../src/app/node/join-account.ts");
    const [joined] = await Promise.all([
      joinAccount({
        dir: devices.dir("other"),
        code: attempt.code,
        name: "laptop",
        address: addressOf(laptop),
      }),
      attempt.request.then(() => attempt.confirm()),
    ]);
    equal(joined.name, "laptop 2");
    const other = await devices.start("other");
    equal(other.name, "laptop 2");
    await other.connect(addressOf(laptop));
    await inSync(laptop, other);
    for (const node of [laptop, other]) {
      deepEqual((await node.devices.list()).map(({ name }) => name).toSorted(), ["laptop", "laptop 2"]);
    }
    const renamed = nextEvent(other, "read").catch(() => undefined);
    deepEqual((await laptop.devices.rename("laptop 2", "laptop")).name, "laptop 2");
    await devices.stop(other);
    await renamed;
  });

  it("the address of another account's device leads to NOT_A_MEMBER, and an own one to ADDRESS_INVALID", async () => {
    const laptop = await devices.found("laptop");
    const stranger = await devices.found("stranger");
    await assertRejectsWithCode(laptop.connect(addressOf(stranger)), "NOT_A_MEMBER");
    await assertRejectsWithCode(laptop.connect(addressOf(laptop)), "ADDRESS_INVALID");
    await assertRejectsWithCode(laptop.connect("nonsense"), "ADDRESS_INVALID");
    await assertRejectsWithCode(laptop.connect("/ip4/127.0.0.1/tcp/1"), "PEER_UNREACHABLE");
  });
});
