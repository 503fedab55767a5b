/** The part of the store's contract about the two areas of the view: what is written to one, which one serves, and how one is cleared. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import type { Row, ViewArea } from "../../src/core/log/rows.ts";
import type { Store } from "../../src/core/sync/ports.ts";
import { assertRejectsWithCode } from "../support/assert-code.ts";
import { commitOf, rowKey } from "../support/store-steps.ts";
import type { Bench } from "./store-bench.ts";

const AREAS = [0, 1] as const;

export function describeAreas(bench: () => Bench): void {
  it("keeps the areas of the view apart, and the search index beside both", async () => {
    await bench().store.commit(
      commitOf({
        puts: [
          ["a", byte(1)],
          ["xs", byte(9)],
        ],
      }),
    );
    await bench().store.commit(
      commitOf({
        puts: [
          ["a", byte(2)],
          ["b", byte(3)],
          ["y", byte(4)],
        ],
        area: 1,
      }),
    );
    for (let round = 0; round < 2; round++) {
      const { store } = bench();
      equal(store.servingArea(), 0);
      deepEqual(await store.rows([rowKey("a"), rowKey("b"), rowKey("xs")]), [byte(1), undefined, byte(9)]);
      deepEqual(await store.rows([rowKey("a"), rowKey("b"), rowKey("xs")], 1), [byte(2), byte(3), byte(9)]);
      deepEqual(await allOf(store, 0), { a: byte(1), xs: byte(9) });
      deepEqual(await allOf(store, 1), { a: byte(2), b: byte(3), xs: byte(9), y: byte(4) });
      await bench().crash();
    }
  });

  it("lets the other area serve from the commit on that says so, with all that the commit writes", async () => {
    const { store } = bench();
    await store.commit(commitOf({ puts: [["a", byte(1)]] }));
    await store.commit(commitOf({ puts: [["a", byte(2)]], area: 1 }));
    const change = store.commit(commitOf({ serves: 1, meta: [["version", byte(7)]] }));
    equal(store.servingArea(), 1);
    deepEqual(await store.rows([rowKey("a")]), [byte(2)]);
    const after = store.commit(commitOf({ puts: [["b", byte(3)]] }));
    await Promise.all([change, after]);
    for (let round = 0; round < 2; round++) {
      deepEqual(await allOf(bench().store, bench().store.servingArea()), { a: byte(2), b: byte(3) });
      deepEqual(await allOf(bench().store, 0), { a: byte(1) });
      deepEqual(await bench().store.meta("version"), byte(7));
      await bench().crash();
    }
    await bench().store.commit(commitOf({ serves: 0 }));
    await bench().crash();
    equal(bench().store.servingArea(), 0);
    deepEqual(await bench().store.rows([rowKey("a")]), [byte(1)]);
  });

  it("keeps the area that serves where the change failed, and comes to the same by writing it again", async () => {
    const { store } = bench();
    await store.commit(commitOf({ puts: [["a", byte(2)]], area: 1 }));
    bench().failNextWrite("other");
    const change = commitOf({ serves: 1, meta: [["version", byte(7)]] });
    await assertRejectsWithCode(store.commit(change), "STORE_POISONED");
    await store.reopen();
    equal(store.servingArea(), 0);
    await store.commit(change);
    // As where the first had reached the disk after all.
    await store.commit(change);
    equal(store.servingArea(), 1);
    deepEqual(await store.rows([rowKey("a")]), [byte(2)]);
  });

  it("clears one area, with commits to the other between the steps, and leaves that and the index", async () => {
    const many = Array.from({ length: 5000 }, (_, at) => [`m${at}`, byte(at % 256)] as const);
    for (const serving of AREAS) {
      const { store } = bench();
      const other: ViewArea = serving === 0 ? 1 : 0;
      await store.commit(commitOf({ puts: [...many, ["xs", byte(9)]], area: other }));
      await store.commit(commitOf({ puts: [["a", byte(1)]], area: serving, serves: serving }));
      let commits = 0;
      const pace = (): Promise<void> => store.commit(commitOf({ puts: [[`b${++commits}`, byte(2)]] }));
      await store.clearRows({ area: other, pace });
      const left = { xs: byte(9) };
      deepEqual(await allOf(store, other), left);
      await bench().crash();
      deepEqual(await allOf(bench().store, other), left);
      const kept = await allOf(bench().store, serving);
      deepEqual(kept["a"], byte(1));
      equal(Object.keys(kept).length, 2 + commits);
      await bench().store.clearRows();
      for (const area of AREAS) deepEqual(await allOf(bench().store, area), {});
    }
  });

  it("finds what is written to an area after it was cleared, and what was on its way meanwhile", async () => {
    const { store } = bench();
    await store.commit(commitOf({ puts: [["m1", byte(1)]], area: 1 }));
    const cleared = store.clearRows({ area: 1 });
    const index = store.commit(commitOf({ puts: [["x1", byte(3)]] }));
    await cleared;
    deepEqual(await store.rows([rowKey("m1")], 1), [undefined]);
    const late = store.commit(commitOf({ puts: [["m1", byte(2)]], area: 1 }));
    deepEqual(await store.rows([rowKey("m1"), rowKey("x1")], 1), [byte(2), byte(3)]);
    await Promise.all([late, index]);
    deepEqual(await store.rows([rowKey("m1"), rowKey("m2")], 1), [byte(2), undefined]);
  });

  it("reads ranges of both areas as sorted maps do, whatever is in flight and whichever serves", async () => {
    const names = fc.string({ unit: fc.constantFrom("a", "x", "y", "\xff"), minLength: 1, maxLength: 3 });
    const area = fc.constantFrom(...AREAS);
    const change = fc.record({
      puts: fc.array(fc.tuple(names, fc.uint8Array({ maxLength: 4 })), { maxLength: 6 }),
      dels: fc.array(names, { maxLength: 3 }),
      area: fc.option(area, { nil: undefined }),
      serves: fc.option(area, { nil: undefined, freq: 3 }),
      waits: fc.boolean(),
    });
    const range = fc.record({
      from: names,
      to: names,
      reverse: fc.boolean(),
      limit: fc.constantFrom(1, 2, 5, Infinity),
      area,
    });
    const tables = { areas: [new Map<string, Row>(), new Map<string, Row>()], index: new Map<string, Row>() };
    let serving: ViewArea = bench().store.servingArea();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(change, range), { maxLength: 8 }), async (steps) => {
        const { store } = bench();
        const done: Promise<void>[] = [];
        for (const [{ puts, dels, waits, ...where }, { from, to, reverse, limit, area: asked }] of steps) {
          const put = new Set(puts.map(([name]) => name));
          const gone = dels.filter((name) => !put.has(name));
          done.push(store.commit(commitOf({ puts, dels: gone, ...defined(where) })));
          const rowsOf = (name: string): Map<string, Row> =>
            name.startsWith("x") ? tables.index : tables.areas[where.area ?? serving]!;
          for (const name of gone) rowsOf(name).delete(name);
          for (const [name, row] of puts) rowsOf(name).set(name, row);
          serving = where.serves ?? serving;
          if (waits) await Promise.all(done);
          equal(store.servingArea(), serving);
          const all = [...tables.areas[asked]!, ...tables.index].filter(([key]) => from <= key && key < to);
          all.sort(([a], [b]) => (a < b === reverse ? 1 : -1));
          const span = { from: rowKey(from), to: rowKey(to), reverse, limit };
          // Asked together, before what was committed can be durable.
          const [ranged, single] = await Promise.all([
            store.rowRange({ ...span, area: asked }),
            store.rows([...put, ...gone].map(rowKey), asked),
          ]);
          deepEqual(ranged, all.slice(0, limit));
          const found = [...put, ...gone].map((name) =>
            (name.startsWith("x") ? tables.index : tables.areas[asked]!).get(name),
          );
          deepEqual(single, found);
          if (asked === serving) deepEqual(await store.rowRange(span), all.slice(0, limit));
        }
        await Promise.all(done);
      }),
      { numRuns: 60 },
    );
  });
}

function defined(where: { area: ViewArea | undefined; serves: ViewArea | undefined }): {
  area?: ViewArea;
  serves?: ViewArea;
} {
  const { area, serves } = where;
  return { ...(area === undefined ? {} : { area }), ...(serves === undefined ? {} : { serves }) };
}

async function allOf(store: Store, area: ViewArea): Promise<Record<string, Row>> {
  const all = { from: rowKey("\x00"), to: rowKey("\xff"), reverse: false, limit: Infinity };
  return Object.fromEntries(await store.rowRange({ ...all, area }));
}

function byte(value: number): Row {
  return Uint8Array.of(value);
}
