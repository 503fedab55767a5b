/**
 * What every Store must do: run by the LevelDB store and by the double of the simulations, each of which adds what is its own.
 * Further parts: store-trees.ts, store-writes.ts, store-bodiless.ts, store-areas.ts.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Ranges, rangeOf } from "../../src/core/log/ranges.ts";
import type { Row } from "../../src/core/log/rows.ts";
import type { Store } from "../../src/core/sync/ports.ts";
import { assertRejectsWithCode } from "../support/assert-code.ts";
import { TestLog } from "../support/logs.ts";
import {
  commitOf,
  nodesBelow,
  requireHeld,
  requireNodes,
  rowKey,
  serve,
  Taking,
} from "../support/store-steps.ts";
import type { Bench, StoreUnderTest } from "./store-bench.ts";
import { describeAreas } from "./store-areas.ts";
import { describeBodiless } from "./store-bodiless.ts";
import { describeTrees } from "./store-trees.ts";
import { describeWrites } from "./store-writes.ts";

export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} is a Store`, () => {
    let bench: Bench;
    let cleanup: () => Promise<void>;

    beforeEach(async () => {
      const tested = await open();
      ({ cleanup } = tested);
      bench = {
        store: tested.store,
        crash: async () => {
          bench.store = await tested.reopenAfterCrash();
        },
        failNextWrite: tested.failNextWrite,
      };
    });

    afterEach(() => cleanup());

    describeReads(() => bench);
    describeTrees(() => bench);
    describeWrites(() => bench);
    describeBodiless(() => bench);
    describeAreas(() => bench);
  });
}

function describeReads(bench: () => Bench): void {
  it("is empty at first", async () => {
    const { store } = bench();
    const log = new TestLog({ length: 3 });
    deepEqual(await store.logs(), []);
    deepEqual(await store.entries(log.id, 0, 10), []);
    deepEqual(await store.entriesAt([{ logNumber: 0, position: 0 }]), [undefined]);
    deepEqual(await store.rows([rowKey("a")]), [undefined]);
    deepEqual(await store.rowRange({ from: rowKey("a"), to: rowKey("z"), reverse: false, limit: 9 }), []);
    equal(await store.meta("cursor"), undefined);
    equal(await store.nodes(log.id, [{ level: 0, index: 0 }]), undefined);
    equal(store.logOf(0), undefined);
    deepEqual(await serve(store, { log, ranges: rangeOf(0, 3) }), []);
  });

  it("gives back what a commit wrote, before and after a crash", async () => {
    const log = new TestLog({ length: 700 });
    const taking = new Taking(log);
    const number = bench().store.numberOf(log.id);
    const puts = [
      ["a", row(1)],
      ["b", row(2, 3)],
    ] as const;
    const meta = [
      ["cursor", row(9)],
      ["none", row()],
    ] as const;
    await bench().store.commit(commitOf({ logs: [taking.write(0, 700)], puts, meta }));
    for (let round = 0; round < 2; round++) {
      const { store } = bench();
      deepEqual(await store.logs(), [{ state: taking.state!, number }]);
      equal(store.logOf(number), log.id);
      equal(store.numberOf(log.id), number);
      await requireHeld(store, log, rangeOf(0, 700));
      deepEqual(
        (await store.entries(log.id, 5, 9)).map(({ position }) => position),
        [5, 6, 7, 8],
      );
      const places = [699, 0, 7, 700].map((position) => ({ logNumber: number, position }));
      const found = await store.entriesAt([...places, { logNumber: 99, position: 0 }]);
      deepEqual(
        found.map((stored) => stored?.entry),
        [log.entries[699], log.entries[0], log.entries[7], undefined, undefined],
      );
      deepEqual(await store.rows([rowKey("b"), rowKey("x"), rowKey("a")]), [row(2, 3), undefined, row(1)]);
      deepEqual(await store.meta("cursor"), row(9));
      deepEqual(await store.meta("none"), row());
      await requireNodes(store, log, nodesBelow(700));
      await bench().crash();
    }
  });

  it("keeps purged and absent entries as they are, and lets a purge replace a payload", async () => {
    const states = ["present", "purged", "absent"] as const;
    const log = new TestLog({
      length: 300,
      state: (position) => states[position % 3]!,
      size: (position) => (position % 3 === 0 ? position % 40 : position * 800),
    });
    const taking = new Taking(log);
    await bench().store.commit(taking.commit(0, 300));
    await bench().crash();
    await requireHeld(bench().store, log, rangeOf(0, 300));
  });

  it("keeps logs apart, also where one number is given and its log never written", async () => {
    const logs = [1, 2, 3].map((number) => new TestLog({ length: 20 * number, number }));
    const numbers = logs.map((log) => bench().store.numberOf(log.id));
    equal(new Set(numbers).size, 3);
    await bench().store.commit(new Taking(logs[2]!).commit(0, 60));
    await bench().store.commit(new Taking(logs[0]!).commit(0, 20));
    await bench().crash();
    const { store } = bench();
    deepEqual(
      logs.map((log) => store.numberOf(log.id)),
      numbers,
    );
    equal((await store.logs()).length, 2);
    await requireHeld(store, logs[2]!, rangeOf(0, 60));
    await requireHeld(store, logs[0]!, rangeOf(0, 20));
    deepEqual(await store.entries(logs[1]!.id, 0, 40), []);
  });

  it("reads rows in ranges as a sorted map does, whatever is in flight", async () => {
    const names = fc.string({ unit: fc.constantFrom("a", "b", "\x00", "\xff"), minLength: 1, maxLength: 3 });
    const change = fc.record({
      puts: fc.array(fc.tuple(names, fc.uint8Array({ maxLength: 4 })), { maxLength: 6 }),
      dels: fc.array(names, { maxLength: 3 }),
      waits: fc.boolean(),
    });
    const range = fc.record({
      from: names,
      to: names,
      reverse: fc.boolean(),
      limit: fc.constantFrom(1, 2, 5, Infinity),
    });
    const model = new Map<string, Row>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 4 }),
        range,
        async (changes, { from, to, reverse, limit }) => {
          const { store } = bench();
          const done: Promise<void>[] = [];
          for (const { puts, dels, waits } of changes) {
            const gone = dels.filter((name) => !puts.some(([put]) => put === name));
            for (const name of gone) model.delete(name);
            for (const [name, value] of puts) model.set(name, value);
            done.push(store.commit(commitOf({ puts, dels: gone })));
            if (waits) await Promise.all(done);
          }
          const expected = [...model].filter(([name]) => from <= name && name < to);
          expected.sort(([a], [b]) => (a < b === reverse ? 1 : -1));
          const found = await store.rowRange({ from: rowKey(from), to: rowKey(to), reverse, limit });
          deepEqual([...found], expected.slice(0, limit));
          deepEqual(await store.rows([rowKey(from), rowKey(to)]), [model.get(from), model.get(to)]);
          await Promise.all(done);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("finds nothing wrong with what is whole", async () => {
    const log = new TestLog({ length: 1500 });
    const taking = new Taking(log);
    const held: Ranges = [
      { from: 0, to: 600 },
      { from: 700, to: 1500 },
    ];
    for (const { from, to } of held) await bench().store.commit(taking.commit(from, to));
    await bench().crash();
    const progress: number[] = [];
    const onProgress = (checked: number): void => void progress.push(checked);
    const found = await bench().store.verify({ log: log.id, forgetBad: true, onProgress });
    deepEqual(found, { entries: 1400, bad: [], worn: [] });
    equal(progress.at(-1), 1400);
    ok(progress.every((checked, at) => at === 0 || checked >= progress[at - 1]!));
    await requireHeld(bench().store, log, held);
    const unknown = new TestLog({ length: 1, number: 7 }).id;
    deepEqual(await bench().store.verify({ log: unknown, forgetBad: true, onProgress }), {
      entries: 0,
      bad: [],
      worn: [],
    });
  });

  it("S9: says which entries have only one row where each should have two, and writes the other", async () => {
    const log = new TestLog({ length: 300 });
    const taking = new Taking(log);
    const once = taking.write(0, 100);
    const twice = { ...taking.write(100, 300), twice: true };
    await bench().store.commit(commitOf({ logs: [once, twice] }));
    await bench().crash();
    const verify = (forgetBad: boolean): ReturnType<Store["verify"]> =>
      bench().store.verify({ log: log.id, forgetBad, twice: true, onProgress: () => undefined });
    const worn = { entries: 300, bad: [], worn: rangeOf(0, 100) };
    deepEqual(await verify(false), worn);
    deepEqual(await verify(true), worn);
    deepEqual(await verify(false), { entries: 300, bad: [], worn: [] });
    equal(bench().store.hasMetDamage(), false);
    equal(await bench().store.checkFiles({}), 0);
    await bench().crash();
    await requireHeld(bench().store, log, rangeOf(0, 300));
    deepEqual(await verify(false), { entries: 300, bad: [], worn: [] });
  });

  it("clears the stored view and nothing else", async () => {
    const log = new TestLog({ length: 10 });
    const puts = Array.from({ length: 300 }, (_, at) => [`row ${at}`, row(at % 256)] as const);
    await bench().store.commit(
      commitOf({ logs: [new Taking(log).write(0, 10)], puts, meta: [["kept", row(1)]] }),
    );
    const inFlight = bench().store.commit(commitOf({ puts: [["late", row(5)]] }));
    await bench().store.clearRows();
    await inFlight;
    for (let round = 0; round < 2; round++) {
      const { store } = bench();
      const all = { from: rowKey("\x00"), to: rowKey("\xff"), reverse: false, limit: Infinity };
      deepEqual(await store.rowRange(all), []);
      deepEqual(await store.rows([rowKey("row 5"), rowKey("late")]), [undefined, undefined]);
      deepEqual(await store.meta("kept"), row(1));
      await requireHeld(store, log, rangeOf(0, 10));
      await bench().crash();
    }
  });

  it("has nothing to say once it is closed", async () => {
    const { store } = bench();
    await store.close();
    await assertRejectsWithCode(store.logs(), "STORE_CLOSED");
    await assertRejectsWithCode(store.rows([]), "STORE_CLOSED");
    await assertRejectsWithCode(store.commit(commitOf({})), "STORE_CLOSED");
    await assertRejectsWithCode(store.clearRows(), "STORE_CLOSED");
    await assertRejectsWithCode(store.reopen(), "STORE_CLOSED");
    await assertRejectsWithCode(
      serve(store, { log: new TestLog({ length: 1 }), ranges: rangeOf(0, 1) }),
      "STORE_CLOSED",
    );
    await store.close();
  });

  it("makes what was committed durable before it closes", async () => {
    const { store } = bench();
    const committed = [1, 2, 3].map((at) => store.commit(commitOf({ puts: [[`row ${at}`, row(at)]] })));
    await store.close();
    await Promise.all(committed);
    await bench().crash();
    deepEqual(await bench().store.rows([rowKey("row 3")]), [row(3)]);
  });
}

function row(...bytes: readonly number[]): Row {
  return Uint8Array.from(bytes);
}
