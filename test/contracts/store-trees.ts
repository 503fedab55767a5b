/** The part of the store's contract about trees: any order of arrival, holes, longer and shorter heads, and what can be served. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { NO_RANGES, type Range, rangeOf, type Ranges, subtract, union } from "../../src/core/log/ranges.ts";
import { perfectNodes } from "../../src/core/log/tree.ts";
import { TestLog } from "../support/logs.ts";
import {
  commitOf,
  nodesBelow,
  positionsOf,
  requireHeld,
  requireNodes,
  serve,
  Taking,
} from "../support/store-steps.ts";
import type { Bench } from "./store-bench.ts";

export function describeTrees(bench: () => Bench): void {
  it("comes to the same in any order of arrival, with restarts in between", async () => {
    const log = new TestLog({ length: 2200 });
    const parts = partsOf(log.length, [1, 255, 256, 300, 768, 1024, 1025, 1800]);
    let number = 2;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(parts, { minLength: parts.length }),
        fc.array(fc.boolean(), { minLength: parts.length, maxLength: parts.length }),
        async (order, crashes) => {
          // A log of its own for each run, since the store stays.
          const own = new TestLog({ length: log.length, number: number++ });
          const taking = new Taking(own);
          for (const [at, { from, to }] of order.entries()) {
            await bench().store.commit(taking.commit(from, to));
            if (crashes[at]!) await bench().crash();
          }
          await requireHeld(bench().store, own, rangeOf(0, own.length));
          await requireNodes(bench().store, own, nodesBelow(own.length));
        },
      ),
      { numRuns: 8 },
    );
  });

  it("serves exactly what is held where there are holes", async () => {
    const log = new TestLog({ length: 2000 });
    let number = 20;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 1999 }), fc.integer({ min: 1, max: 500 })), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.boolean(),
        async (wanted, crashes) => {
          const own = new TestLog({ length: log.length, number: number++ });
          const taking = new Taking(own);
          let held: Ranges = NO_RANGES;
          for (const [from, size] of wanted) {
            for (const part of subtract(rangeOf(from, Math.min(from + size, own.length)), held)) {
              await bench().store.commit(taking.commit(part.from, part.to));
              held = union(held, [part]);
            }
          }
          if (crashes) await bench().crash();
          await requireHeld(bench().store, own, held);
        },
      ),
      { numRuns: 15 },
    );
  });

  it("serves what it took in under a shorter head once it has adopted a longer one", async () => {
    const log = new TestLog({ length: 1900 });
    const taking = new Taking(log);
    await bench().store.commit(taking.commit(300, 500, 777));
    await bench().store.commit(taking.commit(776, 777, 777));
    for (const length of [800, 1024, 1030, 1900]) {
      await bench().store.commit(taking.adopt(length));
      await bench().crash();
      const held = [
        { from: 300, to: 500 },
        { from: 776, to: 777 },
      ];
      await requireHeld(bench().store, log, held);
    }
    await bench().store.commit(taking.commit(1500, 1900));
    await bench().store.commit(taking.commit(500, 776, 1900));
    await requireHeld(bench().store, log, [
      { from: 300, to: 777 },
      { from: 1500, to: 1900 },
    ]);
  });

  it("serves under a shorter head what lies below it", async () => {
    const log = new TestLog({ length: 900 });
    const taking = new Taking(log);
    for (const length of [400, 650, 900]) {
      const from = taking.state?.head.length ?? 0;
      await bench().store.commit(taking.commit(from, length, length));
    }
    for (const length of [1, 256, 400, 650, 899]) {
      const served = await serve(bench().store, { log, length, ranges: rangeOf(0, 900) });
      deepEqual(positionsOf(served), rangeOf(0, length));
    }
  });

  it("serves nothing under a head that is longer than its own, or of another tree", async () => {
    const log = new TestLog({ length: 600 });
    const fork = new TestLog({ length: 600, size: () => 9 });
    const taking = new Taking(log);
    await bench().store.commit(taking.commit(0, 500, 500));
    deepEqual(await serve(bench().store, { log, length: 501, ranges: rangeOf(0, 500) }), []);
    deepEqual(await serve(bench().store, { log: fork, length: 500, ranges: rangeOf(0, 500) }), []);
    deepEqual(await serve(bench().store, { log: fork, length: 300, ranges: rangeOf(0, 500) }), []);
  });

  it("serves ranges in their order, each from its oldest or its newest batch on", async () => {
    const log = new TestLog({ length: 2500 });
    await bench().store.commit(new Taking(log).commit(0, 2500));
    const ranges = [
      { from: 2000, to: 2300 },
      { from: 100, to: 1200 },
    ];
    for (const newestFirst of [false, true]) {
      const served = await serve(bench().store, { log, ranges, bytesMax: 4000, newestFirst });
      const expected = ranges.flatMap((range) => {
        const starts = served.map(({ from }) => from).filter((from) => range.from <= from && from < range.to);
        return starts.toSorted((a, b) => (newestFirst ? b - a : a - b));
      });
      deepEqual(
        served.map(({ from }) => from),
        expected,
      );
      deepEqual(positionsOf(served), ranges.toReversed());
    }
  });

  it("serves an entry that is larger than a batch by itself", async () => {
    const log = new TestLog({ length: 9, size: (position) => (position === 4 ? 5000 : 10) });
    await bench().store.commit(new Taking(log).commit(0, 9));
    const served = await serve(bench().store, { log, ranges: rangeOf(0, 9), bytesMax: 100 });
    deepEqual(positionsOf(served), rangeOf(0, 9));
  });

  it("appends one entry at a time, over the borders of tiles and over restarts", async () => {
    const log = new TestLog({ length: 530 });
    const taking = new Taking(log);
    for (let length = 1; length <= log.length; length++) {
      await bench().store.commit(taking.commit(length - 1, length, length));
      if (length % 200 === 0) await bench().crash();
      if (length % 97 === 0) await requireNodes(bench().store, log, perfectNodes(0, length));
    }
    await requireHeld(bench().store, log, rangeOf(0, 530));
    await requireNodes(bench().store, log, nodesBelow(530));
  });

  it("says that it cannot compute a node rather than guess", async () => {
    const log = new TestLog({ length: 1000 });
    await bench().store.commit(new Taking(log).commit(512, 768));
    await requireNodes(bench().store, log, [
      { level: 8, index: 2 },
      { level: 9, index: 0 },
    ]);
    equal(
      await bench().store.nodes(log.id, [
        { level: 8, index: 2 },
        { level: 8, index: 1 },
      ]),
      undefined,
    );
    equal(await bench().store.nodes(log.id, [{ level: 9, index: 1 }]), undefined);
  });

  it("takes pieces of one log in one commit, all with the state that the last one reaches", async () => {
    const log = new TestLog({ length: 1500 });
    const taking = new Taking(log);
    await bench().store.commit(taking.commit(300, 400));
    await bench().store.commit(taking.commit(1100, 1200));
    // They fill tiles by themselves, and one tile only together.
    const pieces = [taking.write(0, 300), taking.write(400, 1100), taking.write(1200, 1500)];
    const { state } = pieces.at(-1)!;
    await bench().store.commit(commitOf({ logs: pieces.map((piece) => ({ ...piece, state })) }));
    await requireNodes(bench().store, log, nodesBelow(log.length));
    await bench().crash();
    await requireHeld(bench().store, log, rangeOf(0, log.length));
    await requireNodes(bench().store, log, nodesBelow(log.length));
    const found = await bench().store.verify({ log: log.id, forgetBad: false, onProgress: () => undefined });
    deepEqual(found.bad, NO_RANGES);
  });

  it("takes in proofs of which nobody gave the completed nodes", async () => {
    const log = new TestLog({ length: 1500 });
    const taking = new Taking(log);
    for (const [from, to] of [
      [700, 900],
      [100, 300],
      [1300, 1500],
    ] as const) {
      const nodes = [...log.known(0, from), ...log.known(to, log.length)];
      await bench().store.commit(commitOf({ logs: [{ ...taking.write(from, to), nodes }] }));
    }
    await bench().crash();
    await requireHeld(bench().store, log, taking.state!.held);
    for (const [from, to] of [
      [0, 100],
      [300, 700],
      [900, 1300],
    ] as const) {
      const nodes = [...log.known(0, from), ...log.known(to, log.length)];
      await bench().store.commit(commitOf({ logs: [{ ...taking.write(from, to), nodes }] }));
    }
    await requireHeld(bench().store, log, rangeOf(0, log.length));
    await requireNodes(bench().store, log, nodesBelow(log.length));
  });

  it("writes the same again without harm", async () => {
    const log = new TestLog({ length: 600 });
    const taking = new Taking(log);
    const commits = [taking.commit(300, 600), taking.commit(0, 300)];
    for (const commit of [...commits, ...commits]) await bench().store.commit(commit);
    await bench().crash();
    await requireHeld(bench().store, log, rangeOf(0, 600));
    await requireNodes(bench().store, log, nodesBelow(600));
  });
}

/** `[0, length)` cut at the given places. */
function partsOf(length: number, cuts: readonly number[]): Range[] {
  return [0, ...cuts].map((from, at) => ({ from, to: cuts[at] ?? length }));
}
