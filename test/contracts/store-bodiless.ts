/** The part of the store's contract about entries that lose their payloads: what is left of them, and that every proof stands. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { type Ranges, rangeOf } from "../../src/core/log/ranges.ts";
import type { Store } from "../../src/core/sync/ports.ts";
import { TestLog } from "../support/logs.ts";
import { commitOf, nodesBelow, requireHeld, requireNodes, rowKey, Taking } from "../support/store-steps.ts";
import type { Bench } from "./store-bench.ts";

/** At both ends of a full tile, in it, and in the one that is not full. */
const PLACES = [0, 1, 2, 77, 255, 256, 300, 301, 599] as const;

export function describeBodiless(bench: () => Bench): void {
  for (const state of ["purged", "absent"] as const) {
    it(`takes payloads away (${state}), at once for readers, and keeps position, leaf and proof`, async () => {
      const log = new TestLog({ length: 600 });
      const taking = new Taking(log);
      await bench().store.commit(taking.commit(0, 600));
      const before = await bench().store.logs();
      const bodiless = log.lose(PLACES, state);
      const erased = bench().store.commit(commitOf({ bodiless, meta: [["done", Uint8Array.of(1)]] }));
      const number = bench().store.numberOf(log.id);
      const [at, range] = await Promise.all([
        bench().store.entriesAt([{ logNumber: number, position: 77 }]),
        bench().store.entries(log.id, 254, 258),
      ]);
      deepEqual(at[0]?.entry, log.entries[77]);
      deepEqual(
        range.map(({ entry }) => entry),
        log.entries.slice(254, 258),
      );
      await erased;
      for (let round = 0; round < 2; round++) {
        deepEqual(await bench().store.logs(), before);
        deepEqual(await bench().store.meta("done"), Uint8Array.of(1));
        await requireHeld(bench().store, log, rangeOf(0, 600));
        await requireNodes(bench().store, log, nodesBelow(600));
        deepEqual(await verify(bench().store, log), { entries: 600, bad: [], worn: [] });
        await bench().crash();
      }
      await bench().store.compact(log.id, rangeOf(0, 600));
      await requireHeld(bench().store, log, rangeOf(0, 600));
      deepEqual(await verify(bench().store, log), { entries: 600, bad: [], worn: [] });
    });
  }

  it("takes a payload away from an entry that is still on its way to the disk, all with its commit or nothing", async () => {
    const log = new TestLog({ length: 300 });
    const taken = bench().store.commit(new Taking(log).commit(0, 300));
    const bodiless = log.lose([5, 299], "purged");
    const erased = bench().store.commit(commitOf({ bodiless, puts: [["row", Uint8Array.of(1)]] }));
    deepEqual((await bench().store.entries(log.id, 5, 6))[0]?.entry, log.entries[5]);
    await Promise.all([taken, erased]);
    await bench().crash();
    await requireHeld(bench().store, log, rangeOf(0, 300));
    deepEqual(await bench().store.rows([rowKey("row")]), [Uint8Array.of(1)]);
  });

  it("takes a payload that was absent when a write brings it again, and loses it again", async () => {
    const log = new TestLog({ length: 700 });
    const whole = new TestLog({ length: 700 });
    const taking = new Taking(log);
    const held: Ranges = [
      { from: 0, to: 400 },
      { from: 500, to: 600 },
    ];
    for (const { from, to } of held) await bench().store.commit(taking.commit(from, to));
    for (let round = 0; round < 2; round++) {
      await bench().store.commit(commitOf({ bodiless: log.lose([10, 11, 270, 550], "absent") }));
      await requireHeld(bench().store, log, held);
      await bench().store.commit(commitOf({ logs: [whole.write(taking.state, 10, 12)] }));
      await bench().store.commit(commitOf({ logs: [whole.write(taking.state, 200, 400)] }));
      await bench().store.commit(commitOf({ logs: [whole.write(taking.state, 550, 551)] }));
      if (round === 1) await bench().crash();
      await bench().store.compact(log.id, held);
      await requireHeld(bench().store, whole, held);
      await requireNodes(bench().store, whole, [
        { level: 8, index: 0 },
        { level: 3, index: 69 },
      ]);
    }
  });

  it("refuses to take a payload away from an entry that is stored twice, or that is not held", async () => {
    const log = new TestLog({ length: 40 });
    const control = new TestLog({ length: 10, number: 2 });
    const controlWhole = new TestLog({ length: 10, number: 2 });
    await bench().store.commit(new Taking(log).commit(0, 20));
    const twice = { ...new Taking(control).write(0, 10), twice: true };
    await bench().store.commit(commitOf({ logs: [twice] }));
    await rejects(commitEmptied(bench().store, new TestLog({ length: 40 }), 30));
    await rejects(commitEmptied(bench().store, control, 3));
    await bench().store.reopen();
    await requireHeld(bench().store, controlWhole, rangeOf(0, 10));
    await bench().crash();
    await requireHeld(bench().store, controlWhole, rangeOf(0, 10));
    await requireHeld(bench().store, log, rangeOf(0, 20));
  });

  it("compacts what it does not hold, or does not know, without a word", async () => {
    const log = new TestLog({ length: 40 });
    await bench().store.compact(log.id, rangeOf(0, 40));
    await bench().store.commit(new Taking(log).commit(10, 20));
    await bench().store.compact(log.id, rangeOf(0, 40));
    await requireHeld(bench().store, log, rangeOf(10, 20));
    equal((await bench().store.logs()).length, 1);
  });
}

// A rejection also where the store asserts at once.
async function commitEmptied(store: Store, log: TestLog, position: number): Promise<void> {
  await store.commit(commitOf({ bodiless: log.lose([position], "purged") }));
}

function verify(store: Store, log: TestLog): ReturnType<Store["verify"]> {
  return store.verify({ log: log.id, forgetBad: true, onProgress: () => undefined });
}
