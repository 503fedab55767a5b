/** A replica on a disk that fails when it is told to. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { EngineError } from "../../../src/core/base/errors.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { takeAway } from "../../../src/app/node/verifying.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import type { Published } from "../../../src/app/replica/turn.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { batchesOf, lengthOf, ownLog, seenBy, send, TestDevice } from "../../support/replicas.ts";

describe("A replica on a disk that fails", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
  });

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

  it("invariant 1: shows nobody what is not durable: neither peers nor those who watch", async () => {
    const told: Published[] = [];
    laptop.replica.subscribe((published) => told.push(published));
    const { frontier } = laptop.replica;
    const log = ownLog(laptop.replica, "messages");
    laptop.disk.setFull(true);
    await assertRejectsWithCode(send(laptop, "not yet"), "DISK_FULL");
    deepEqual([told.length, frontier.get(log)], [0, undefined]);
    laptop.disk.setFull(false);
    clock.advance(5_000);
    await settle();
    await settle();
    deepEqual([told.length, lengthOf(laptop.replica, log)], [1, 1]);
  });

  it("S9: a damaged message keeps no device from opening after an upgrade, and is folded once it has been fetched again", async () => {
    for (const text of ["one", "two", "three"]) await send(laptop, text);
    const whole = await seenBy(laptop.replica);
    const log = ownLog(laptop.replica, "messages");
    const { store } = laptop.replica.ports;
    const batches = await batchesOf(laptop.replica, { logClass: "messages" });
    await store.commit({
      logs: [],
      puts: new Map(),
      dels: new Set(),
      meta: new Map([[META.viewVersion, Uint8Array.of(1)]]),
    });
    laptop.disk.damageEntry(log, 1);
    const replica = await laptop.restart();
    equal(((await seenBy(replica)) as { readonly totals: { readonly messages: number } }).totals.messages, 2);
    await takeAway(replica);
    await laptop.ingest(batches, replica);
    deepEqual(await seenBy(replica), whole);
  });

  it("S9: a damaged device name costs that name and nothing else, so that the device opens and can be repaired", async () => {
    const tablet = await laptop.admit("tablet", 2);
    const state = ownLog(laptop.replica, "state");
    equal(lengthOf(laptop.replica, state), 2, "the names of both");
    laptop.disk.damageEntry(state, 0);
    const inbox = new InboxReader(laptop.replica, () => ({ here: true, devices: [], cloud: null }));
    deepEqual([...(await inbox.deviceNames())], [[tablet.replica.self, "tablet"]]);
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
              (error: EngineError) => ok(["DISK_FULL", "STORE_POISONED"].includes(error.code), error.message),
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
