/** What a replica takes in from siblings: in any order, with holes, over restarts, and before the key for it has come. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { verifyBatch } from "../../../src/core/log/batch.ts";
import { extendFromBatch } from "../../../src/core/log/extension.ts";
import { countOf, covers, rangeOf } from "../../../src/core/log/ranges.ts";
import { placed } from "../../../src/core/log/tree.ts";
import type { Batch, VerifiedBatch } from "../../../src/core/log/types.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import type { Adoption } from "../../../src/core/sync/types.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import { mintEpoch } from "../../../src/app/replica/key-ring.ts";
import type { Published } from "../../../src/app/replica/turn.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { announceEpoch } from "../../support/new-epoch.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { batchesOf, lengthOf, live, ownLog, seenBy, send, TestDevice } from "../../support/replicas.ts";

/** A pseudo-random order that repeats for a seed. */
function shuffled<Item>(items: readonly Item[], seed: number): readonly Item[] {
  return items
    .map((item, at) => [Math.imul(at * 2_654_435_761 + seed, 2_246_822_519) >>> 0, item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}

describe("A replica that takes in", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
  });

  describe("batches", () => {
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

  it("L4: takes two peers' heads of one log at once, though one session builds on a head that was passed over", async () => {
    const phone = await laptop.admit("phone", 2);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    const underHead = async (count: number): Promise<readonly VerifiedBatch[]> => {
      for (let n = 0; n < count; n++) await send(laptop, `message ${n}`);
      const { account, self } = laptop.replica;
      const some = await batchesOf(laptop.replica, { of: self, logClass: "messages", bytesMax: 1 });
      return some.map((batch) => verifyBatch(batch, { account, author: self })!);
    };
    const adoptionOf = (batch: VerifiedBatch, from: number): Adoption | null => {
      const known = phone.replica.frontier.get(batch.head.log);
      const verdict = extendFromBatch({ known, batch });
      return verdict.kind === "longer" ? { from, head: batch.head, peaks: verdict.peaks, nodes: [] } : null;
    };
    // Held here: 4 entries. One peer brings the fifth, the other the sixth to eighth, each as a session gives them to the writer.
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    const first = await underHead(4);
    for (const batch of first) await phone.replica.writer.ingest(batch, adoptionOf(batch, 0));
    const [fifth] = (await underHead(1)).filter(({ from }) => from === 4);
    const later = (await underHead(3)).filter(({ from }) => from >= 5);
    deepEqual(
      later.map(({ from, head }) => [from, head.length]),
      [
        [7, 8],
        [6, 8],
        [5, 8],
      ],
    );
    const results = await Promise.allSettled([
      phone.replica.writer.ingest(fifth!, adoptionOf(fifth!, 4)),
      ...later.map((batch, at) => phone.replica.writer.ingest(batch, at === 0 ? adoptionOf(batch, 4) : null)),
    ]);
    const failures = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason as unknown] : [],
    );
    ok(failures.length > 0, "the eighth alone does not show that its head continues the fifth");
    for (const failure of failures) ok(isEngineError(failure, "HEAD_UNPROVEN"), String(failure));
    // Asked for again, as a session does after a failure.
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    equal(phone.replica.fingerprint(), laptop.replica.fingerprint());
  });

  it("invariant 7: no head over one that was adopted meanwhile", async () => {
    const phone = await laptop.admit("phone", 2);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    const log = ownLog(laptop.replica, "messages");
    /** The head that the laptop has now, proved from nothing. */
    const adoption = (): Adoption => {
      const { head, peaks } = laptop.replica.frontier.get(log)!;
      const nodes = placed({ from: 0, to: head.length, hashes: peaks });
      return { from: 0, head, peaks, nodes };
    };
    await send(laptop, "one", "two");
    const shorter = adoption();
    await send(laptop, "three");
    const longer = adoption();
    // Both were decided when the phone knew nothing of the log.
    await Promise.all([phone.replica.writer.adopt(longer), phone.replica.writer.adopt(shorter)]);
    equal(lengthOf(phone.replica, log), 3);
    await send(laptop, "four");
    await phone.replica.writer.adopt(adoption());
    equal(lengthOf(phone.replica, log), 3, "it is asked for again, from the head that is known");
  });

  it("C10: goes on writing where a member announces an epoch and gives its key to nobody", async () => {
    const phone = await laptop.admit("phone", 2);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    const { replica } = phone;
    const before = laptop.replica.members.sealing;
    const { epoch } = mintEpoch(phone.entropy);
    const sealed = phone.entropy.bytes(200);
    await replica.writer.appendControl([
      {
        kind: "epoch",
        epoch,
        custody: "synced",
        tips: replica.members.tips,
        recipients: [...replica.members.devices.keys()].toSorted().map((device) => ({ device, sealed })),
        rootSealed: null,
      },
    ]);
    await laptop.ingest(await batchesOf(replica), replica);
    equal(laptop.replica.members.sealing, epoch);
    await send(laptop, "all the same");
    const [last] = (await batchesOf(laptop.replica, { of: laptop.replica.self, logClass: "messages" })).slice(
      -1,
    );
    equal(last!.entries.at(-1)!.kind.epoch, before);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    deepEqual(await seenBy(phone.replica), await seenBy(laptop.replica));
  });

  it("keeps entries of an epoch whose key has not come, and folds them when it comes, over a restart too", async () => {
    const phone = await laptop.admit("phone", 2);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    const { replica } = laptop;
    await announceEpoch(laptop);
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

  it("U11: reads what waits for a key in parts, at the start too, and writes down what waits only where that changes", async () => {
    const phone = await laptop.admit("phone", 2);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    const { replica } = laptop;
    await announceEpoch(laptop);
    await send(laptop, ...Array.from({ length: 600 }, (_, n) => `message ${n}`));
    const own = { of: replica.self };
    await phone.ingest(await batchesOf(replica, { ...own, logClass: "messages" }), replica);
    equal(countOf([...phone.replica.ledger.locked.values()].flat()), 600);

    const reads: number[] = [];
    const written: (readonly string[])[] = [];
    const { store } = phone.replica.ports as { store: { -readonly [Name in keyof Store]: Store[Name] } };
    const { entries, commit } = store;
    store.entries = (log, from, to) => (reads.push(to - from), entries(log, from, to));
    store.commit = (made) => (written.push([...made.meta.keys()]), commit(made));
    await live(phone, "meanwhile");
    await phone.replica.unlockAll();
    ok(reads.length >= 3 && Math.max(...reads) <= 256, `read ${reads.join()}`);
    ok(!written.flat().includes(META.locked));

    await phone.ingest(await batchesOf(replica, { ...own, logClass: "control" }), replica);
    await phone.replica.unlockAll();
    equal(phone.replica.ledger.locked.size, 0);
    ok(Math.max(...reads) <= 256, `read ${reads.join()}`);
    await phone.ingest(await batchesOf(replica), replica);
    const conversations = (seen: unknown): unknown =>
      (seen as { conversations: { id: string }[] }).conversations.length;
    const fingerprint = await seenBy(phone.replica);
    await phone.restart();
    equal(phone.replica.ledger.locked.size, 0);
    deepEqual(await seenBy(phone.replica), fingerprint);
    equal(conversations(fingerprint), 2);
  });

  it("tells what is new alone, where one batch also brings back what its view lacks", async () => {
    const phone = await laptop.admit("phone", 2);
    await send(laptop, "kept elsewhere");
    const all = { of: laptop.replica.self, bytesMax: 100_000 };
    await phone.ingest(await batchesOf(laptop.replica, all), laptop.replica);
    const messages = { ...all, logClass: "messages" } as const;
    const [before] = await batchesOf(laptop.replica, messages);
    const { log, length } = before!.head;
    // As after a view was built again without the text that was evicted.
    const [row] = [...phone.disk.state.rows].filter(([key]) => key.startsWith("m"));
    await phone.replica.ports.store.commit({
      logs: [],
      puts: new Map(),
      dels: new Set([row![0]]),
      meta: new Map(),
    });
    phone.replica.ledger.evicted = new Map([[log, rangeOf(length - 1, length)]]);
    phone.replica.ledger.unfolded = new Map([[log, rangeOf(length - 1, length)]]);

    await send(laptop, "new");
    const told: Published[] = [];
    phone.replica.subscribe((published) => told.push(published));
    await phone.ingest(await batchesOf(laptop.replica, messages), laptop.replica);
    const positions = told.flatMap(({ operations }) => operations.map(({ place }) => place.position));
    const shown = told.flatMap(({ changes }) =>
      changes.flatMap((change) => (change.kind === "message" ? [change.place.position] : [])),
    );
    deepEqual([positions, shown], [[length], [length]]);
    equal(phone.replica.ledger.unfolded.size, 0);
  });
});
