/** A device's own part of the account: founded, written, read again after a kill. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { compareOrder } from "../../../src/core/inbox/stamp.ts";
import type { Published } from "../../../src/app/replica/turn.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import {
  batchesOf,
  draftOf,
  lengthOf,
  live,
  messageBody,
  ownLog,
  seenBy,
  send,
  TestDevice,
} from "../../support/replicas.ts";

describe("A replica", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
  });

  it("is founded with one device, an epoch to write under, its name and nothing else", async () => {
    const { replica } = laptop;
    equal(replica.members.devices.size, 1);
    equal(replica.members.devices.get(replica.self)?.state, "active");
    notEqual(replica.members.sealing, null);
    notEqual(replica.keys.indexKey, null);
    equal(replica.complete(), true);
    const seen = (await seenBy(replica)) as { readonly names: readonly unknown[]; readonly totals: unknown };
    deepEqual(seen.names, [[replica.self, "laptop"]]);
    equal(lengthOf(replica, ownLog(replica, "control")), 3);
  });

  it("S1: holds after a killed process exactly what it had said to be durable", async () => {
    await live(laptop, "one");
    const before = [laptop.replica.fingerprint(), await seenBy(laptop.replica)];
    void laptop.replica.writer.append([draftOf(laptop, messageBody("on its way"))]);
    await laptop.restart();
    deepEqual([laptop.replica.fingerprint(), await seenBy(laptop.replica)], before);
    await live(laptop, "two");
    const after = [laptop.replica.fingerprint(), await seenBy(laptop.replica)];
    await laptop.restart();
    deepEqual([laptop.replica.fingerprint(), await seenBy(laptop.replica)], after);
  });

  it("writes an id once, in one turn and over many", async () => {
    const { writer } = laptop.replica;
    const draft = draftOf(laptop, messageBody("once"));
    const [first, second] = await writer.append([draft, draft]);
    deepEqual([first?.appended, second?.appended], [true, false]);
    deepEqual(second?.order, first?.order);
    const again = await Promise.all([writer.append([draft]), writer.append([draft])]);
    for (const [result] of again) deepEqual(result, { appended: false, order: first?.order });
    equal(lengthOf(laptop.replica, ownLog(laptop.replica, "messages")), 1);
  });

  it("takes in from outside what is here already under another device without doubling it", async () => {
    const phone = await laptop.admit("phone", 2);
    const body = messageBody("an SMS", { takenIn: true, direction: "in", sender: "Zoë", service: "sms" });
    const taken = (device: TestDevice, ms: number): ReturnType<typeof draftOf> =>
      draftOf(device, body, { id: "ab".repeat(16) as never, stamp: { ms, counter: 0 } });
    await laptop.replica.writer.append([taken(laptop, 5_000)]);
    await phone.replica.writer.append([taken(phone, 4_000)]);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    deepEqual(await seenBy(laptop.replica), await seenBy(phone.replica));
    equal(laptop.replica.fingerprint(), phone.replica.fingerprint());
    const { totals } = (await seenBy(laptop.replica)) as { readonly totals: { readonly messages: number } };
    equal(totals.messages, 1);
  });

  it("L13: orders in a conversation only climb, whatever the clock does", async () => {
    const year = 365 * 24 * 3_600_000;
    const orders = [];
    for (const wall of [0, -10 * year, 10 * year, -3_600_000, 5, -year, 0]) {
      clock.setWall(1_750_000_000_000 + wall);
      for (let count = 0; count < 3; count++) {
        const [result] = await laptop.replica.writer.append([draftOf(laptop, messageBody(`at ${wall}`))]);
        orders.push(result!.order!);
      }
      await laptop.restart();
    }
    for (const [at, order] of orders.slice(1).entries()) ok(compareOrder(orders[at]!, order) < 0);
  });

  it("L12: what is taken in with its own time moves no clock", async () => {
    const later = { ms: clock.wallMs() + 1_000_000, counter: 0 };
    await laptop.replica.writer.append([
      draftOf(laptop, messageBody("from outside", { takenIn: true }), { stamp: later }),
    ]);
    const [result] = await laptop.replica.writer.append([draftOf(laptop, messageBody("mine"))]);
    ok(result!.order!.stamp.ms <= clock.wallMs() + 1 || result!.order!.stamp.ms > later.ms);
  });

  it("what one caller asks for in vain fails nobody who shares its turn", async () => {
    const { writer } = laptop.replica;
    const bad = writer.append([draftOf(laptop, { kind: "unknown", number: 99 })]);
    const good = ["a", "b"].map((text) => writer.append([draftOf(laptop, messageBody(text))]));
    const refused = assertRejectsWithCode(bad, "UNEXPECTED");
    for (const [result] of await Promise.all(good)) equal(result?.appended, true);
    await refused;
    equal(lengthOf(laptop.replica, ownLog(laptop.replica, "messages")), 2);
  });

  it("tells its subscribers what is durable, in the order in which it was written", async () => {
    const told: Published[] = [];
    const end = laptop.replica.subscribe((published) => told.push(published));
    for (let at = 0; at < 5; at++) await send(laptop, `message ${at}`);
    const texts = told.flatMap(({ operations }) =>
      operations.map(({ operation: { body } }) => (body.kind === "message" ? body.text : "")),
    );
    deepEqual(texts, ["message 0", "message 1", "message 2", "message 3", "message 4"]);
    const lengths = told.map(({ delta }) => delta.heads[0]!.length);
    deepEqual(lengths, [1, 2, 3, 4, 5]);
    await laptop.replica.writer.remember(new Map([["a memory", Uint8Array.of(1)]]));
    equal(told.length, 5, "what nobody looks at is not told");
    end();
    await send(laptop, "unheard");
    equal(told.length, 5);
  });

  it("runs what must run alone after what came before, and before what came after", async () => {
    const { writer } = laptop.replica;
    const log = ownLog(laptop.replica, "messages");
    const lengths: number[] = [];
    const first = send(laptop, "before");
    const alone = writer.exclusive(async () => {
      lengths.push(lengthOf(laptop.replica, log));
      await settle();
      lengths.push(lengthOf(laptop.replica, log));
      return "done";
    });
    const second = send(laptop, "after");
    equal(await alone, "done");
    deepEqual(lengths, [1, 1]);
    await Promise.all([first, second]);
    await writer
      .exclusive(() => Promise.reject(new Error("of its own")))
      .then(
        () => ok(false),
        (error: Error) => equal(error.message, "of its own"),
      );
    await send(laptop, "goes on");
  });

  it("finishes what it was given before it closes, and takes nothing after", async () => {
    const waiting = Array.from({ length: 20 }, (_, at) => send(laptop, `message ${at}`));
    const closing = laptop.replica.close();
    await assertRejectsWithCode(send(laptop, "too late"), "NODE_CLOSED");
    await Promise.all([...waiting, closing]);
    await laptop.open();
    equal(lengthOf(laptop.replica, ownLog(laptop.replica, "messages")), 20);
  });
});
