/** A device's own part of the account: founded, written, taken in, locked and unlocked, over a disk that fails when it is told to. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import type { EngineError } from "../../../src/core/base/errors.ts";
import { idBytes } from "../../../src/core/base/ids.ts";
import { logIdOf } from "../../../src/core/crypto/derive.ts";
import { compareOrder } from "../../../src/core/inbox/stamp.ts";
import { covers, rangeOf } from "../../../src/core/log/ranges.ts";
import type { Batch, LogClass } from "../../../src/core/log/types.ts";
import { mintEpoch } from "../../../src/app/replica/key-ring.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import type { Published } from "../../../src/app/replica/turn.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { batchesOf, draftOf, lengthOf, messageBody, seenBy, TestDevice } from "../../support/replicas.ts";

const ownLog = (replica: Replica, logClass: LogClass): ReturnType<typeof logIdOf> =>
  logIdOf({ account: replica.account, device: replica.self, incarnation: 0, logClass });

const send = async (device: TestDevice, ...texts: readonly string[]): Promise<void> => {
  await device.replica.writer.append(texts.map((text) => draftOf(device, messageBody(text))));
};

/** Writes a bit of everything that refers to something. */
async function live(device: TestDevice, name: string): Promise<void> {
  const { replica } = device;
  const drafts = Array.from({ length: 12 }, (_, at) =>
    draftOf(device, messageBody(`${name} ${at}`, { conversation: at % 3 === 0 ? "Ada" : "Zoë" })),
  );
  const results = await replica.writer.append(drafts);
  const conversation = replica.fold!.conversationOf("Zoë");
  await replica.writer.append([
    draftOf(device, { kind: "delete", conversation, messages: [drafts[1]!.id, drafts[2]!.id] }),
    draftOf(device, { kind: "restore", conversation, messages: [drafts[2]!.id] }),
    draftOf(device, { kind: "read", conversation, upTo: results[4]!.order! }),
    draftOf(device, { kind: "title", conversation, title: `Zoë of ${name}` }),
  ]);
}

/** A pseudo-random order that repeats for a seed. */
function shuffled<Item>(items: readonly Item[], seed: number): readonly Item[] {
  return items
    .map((item, at) => [Math.imul(at * 2_654_435_761 + seed, 2_246_822_519) >>> 0, item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}

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

  describe("takes in batches", () => {
    let phone: TestDevice;
    let tablet: TestDevice;
    let served: readonly Batch[];
    beforeEach(async () => {
      phone = await laptop.admit("phone", 2);
      tablet = await laptop.admit("tablet", 3);
      for (const other of [phone, tablet]) await laptop.ingest(await batchesOf(other.replica), other.replica);
      const early: Batch[] = [];
      for (const name of ["one", "two"]) {
        await live(laptop, name);
        await live(phone, name);
        // Under a head that is not the last one, too, as a push is.
        early.push(...(await batchesOf(laptop.replica, { of: laptop.replica.self, bytesMax: 900 })));
      }
      await laptop.ingest(await batchesOf(phone.replica), phone.replica);
      served = [...early, ...(await batchesOf(laptop.replica))];
    });

    it("invariant 6: in any order, with holes on the way and restarts in between, to the same end", async () => {
      // Once in the order of the logs, to compare with.
      const [fingerprint, seen] = [laptop.replica.fingerprint(), await seenBy(laptop.replica)];
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.nat(3), async (seed, restarts) => {
          const device = await TestDevice.join(tablet.linked!, new ManualClock());
          const order = shuffled(served, seed);
          let left: readonly Batch[] = order;
          for (let round = 0; round <= restarts; round++) {
            const part = order.slice(
              Math.floor((order.length * round) / (restarts + 1)),
              Math.floor((order.length * (round + 1)) / (restarts + 1)),
            );
            left = [...(round === 0 ? [] : left), ...(await device.ingest(part, laptop.replica))];
            await device.restart();
          }
          // What came before the log was known is asked for again, as sessions do.
          left = await device.ingest(left, laptop.replica);
          left = await device.ingest(left, laptop.replica);
          equal(left.length, 0);
          equal(device.replica.fingerprint(), fingerprint);
          deepEqual(await seenBy(device.replica), seen);
          equal(device.replica.complete(), true);
        }),
        { numRuns: 25 },
      );
    });

    it("newest first: the newest is shown while the rest is a hole, and serves what it holds in turn", async () => {
      const newest = served.filter(({ from, head }) => from > 0 && from + 3 >= head.length);
      await phone.ingest(newest, laptop.replica);
      equal(phone.replica.complete(), false);
      notEqual(phone.replica.fingerprint(), laptop.replica.fingerprint());
      const handedOn = await batchesOf(phone.replica, { of: laptop.replica.self });
      ok(handedOn.length > 0);
      for (const { from, head, entries } of handedOn) {
        ok(covers(phone.replica.frontier.get(head.log)!.held, rangeOf(from, from + entries.length)));
      }
      await phone.ingest(served, laptop.replica);
      equal(phone.replica.fingerprint(), laptop.replica.fingerprint());
      deepEqual(await seenBy(phone.replica), await seenBy(laptop.replica));
    });

    it("twice, and nothing is written for it the second time", async () => {
      await phone.ingest(served, laptop.replica);
      const told: Published[] = [];
      phone.replica.subscribe((published) => told.push(published));
      await phone.ingest(served, laptop.replica);
      equal(told.length, 0);
    });

    it("of a log that is no member's any more without falling over", async () => {
      const owner = phone.replica.members.logs;
      const stranger = served[0]!;
      equal(owner.has(stranger.head.log), true);
      const lost = { ...stranger, head: { ...stranger.head, log: "00".repeat(32) as never } };
      await assertRejectsWithCode(
        phone.replica.writer.ingest({ ...lost, leaves: [], nodes: [] } as never, null),
        "NOT_A_MEMBER",
      );
    });
  });

  it("keeps entries of an epoch whose key has not come, and folds them when it comes, over a restart too", async () => {
    const phone = await laptop.admit("phone", 2);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    const { replica } = laptop;
    const secret = mintEpoch(laptop.entropy);
    const tips = replica.members.tips;
    const sealed = new Map<string, Uint8Array>();
    for (const { device, openKey } of replica.members.devices.values()) {
      const recipient = { recipient: idBytes(device), openKey };
      sealed.set(
        device,
        await replica.keys.wrapEpochFor(recipient, replica.account, [secret], laptop.entropy),
      );
    }
    replica.keys.add(replica.keys.indexKey!, [secret]);
    await replica.writer.appendControl([
      {
        kind: "epoch",
        epoch: secret.epoch,
        custody: "synced",
        tips,
        recipients: [...sealed]
          .map(([device, bytes]) => ({ device: device as never, sealed: bytes }))
          .toSorted((a, b) => (a.device < b.device ? -1 : 1)),
        rootSealed: null,
      },
    ]);
    equal(replica.members.sealing, secret.epoch);
    await send(laptop, "under the new key");

    const own = { of: replica.self };
    await phone.ingest(await batchesOf(replica, { ...own, logClass: "messages" }), replica);
    equal(phone.replica.ledger.locked.size, 1);
    deepEqual(((await seenBy(phone.replica)) as { readonly conversations: unknown[] }).conversations, []);
    await phone.restart();
    equal(phone.replica.ledger.locked.size, 1);

    await phone.ingest(await batchesOf(replica, { ...own, logClass: "control" }), replica);
    await phone.replica.writer.exclusive(() => Promise.resolve());
    await phone.replica.writer.exclusive(() => Promise.resolve());
    equal(phone.replica.ledger.locked.size, 0);
    await phone.ingest(await batchesOf(replica), replica);
    deepEqual(await seenBy(phone.replica), await seenBy(replica));
    const fingerprint = phone.replica.fingerprint();
    await phone.restart();
    equal(phone.replica.ledger.locked.size, 0);
    equal(phone.replica.fingerprint(), fingerprint);
    equal(replica.fingerprint(), fingerprint);
  });

  describe("on a disk that fails", () => {
    it("S4: says DISK_FULL to the caller, keeps the bytes, and writes them once there is room", async () => {
      const halts: (string | null)[] = [];
      laptop.replica.onHalt((code) => halts.push(code));
      await send(laptop, "before");
      laptop.disk.setFull(true);
      await assertRejectsWithCode(send(laptop, "while it is full"), "DISK_FULL");
      await assertRejectsWithCode(send(laptop, "refused at once"), "DISK_FULL");
      deepEqual(halts, ["DISK_FULL"]);
      laptop.disk.setFull(false);
      clock.advance(5_000);
      await settle();
      await settle();
      deepEqual(halts, ["DISK_FULL", null]);
      await send(laptop, "after");
      const log = ownLog(laptop.replica, "messages");
      equal(lengthOf(laptop.replica, log), 3, "the refused one that had been signed is there");
      const [fingerprint, seen] = [laptop.replica.fingerprint(), await seenBy(laptop.replica)];
      await laptop.restart();
      deepEqual([laptop.replica.fingerprint(), await seenBy(laptop.replica)], [fingerprint, seen]);
    });

    it("answers every one of many callers at once while writing has stopped", async () => {
      laptop.disk.setFull(true);
      await assertRejectsWithCode(send(laptop, "first"), "DISK_FULL");
      const all = Array.from({ length: 5 }, (_, at) => send(laptop, `${at}`));
      await Promise.all(all.map((each) => assertRejectsWithCode(each, "DISK_FULL")));
    });

    it("invariant 4: never signs a position twice, whenever writes fail, and stands in the end as if they had not", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom("send", "send", "many", "control", "fail", "full", "room"), {
            maxLength: 25,
          }),
          async (steps) => {
            const time = new ManualClock();
            const device = await TestDevice.found(time, 3);
            const { replica } = device;
            let said = 0;
            const pending: Promise<unknown>[] = [];
            const write = (work: Promise<unknown>, count: number): void => {
              const done = work.then(
                () => void (said += count),
                (error: EngineError) =>
                  ok(["DISK_FULL", "STORE_POISONED"].includes(error.code), error.message),
              );
              pending.push(done);
            };
            for (const [at, step] of steps.entries()) {
              if (step === "send") write(send(device, `message ${at}`), 1);
              else if (step === "many") for (let n = 0; n < 6; n++) write(send(device, `many ${at} ${n}`), 1);
              else if (step === "control")
                write(replica.writer.appendControl([{ kind: "cloud", address: null, peerKey: null }]), 0);
              else if (step === "fail") device.disk.failNextWrite("other");
              else device.disk.setFull(step === "full");
              if (at % 3 === 0) await settle();
            }
            await settle();
            device.disk.setFull(false);
            for (let round = 0; round < 3; round++) {
              time.advance(5_000);
              await settle();
            }
            await Promise.all(pending);
            await send(device, "the last");
            const log = ownLog(replica, "messages");
            ok(lengthOf(replica, log) >= said + 1);
            const seen = await seenBy(replica);
            const { conversations } = seen as {
              readonly conversations: readonly { readonly messages: readonly unknown[] }[];
            };
            equal(
              conversations[0]?.messages.length,
              lengthOf(replica, log),
              "no hole, and all of it can be read",
            );
            const fingerprint = replica.fingerprint();
            await device.restart();
            equal(device.replica.fingerprint(), fingerprint);
            deepEqual(await seenBy(device.replica), seen);
            ok(device.heads.count > 3);
          },
        ),
        { numRuns: 60 },
      );
    });

    it("closes with a full disk, telling those who wait", async () => {
      laptop.disk.failNextWrite("full");
      const waiting = ["a", "b", "c"].map((text) =>
        send(laptop, text).catch((error: EngineError) => error.code),
      );
      const closing = laptop.replica.close();
      const codes = await Promise.all(waiting);
      await closing;
      for (const code of codes) ok(code === undefined || code === "DISK_FULL");
      equal(clock.pending, 0);
    });
  });
});
