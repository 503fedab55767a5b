/** The bookkeeping of a view that is built beside another: what is folded next, and how that is written down. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { LogId } from "../../../src/core/base/ids.ts";
import { contains, countOf, type Ranges, setOf, union } from "../../../src/core/log/ranges.ts";
import { countIn, unite } from "../../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";
import {
  countToFold,
  decodeProgress,
  encodeProgress,
  nextFoldStep,
  type ToFold,
} from "../../../src/app/replica/view-progress.ts";

const LOGS = ["a", "b", "c"].map((digit) => digit.repeat(64) as LogId);
const NONE: RangesByLog = new Map();
const ranges = fc
  .array(fc.nat(60), { maxLength: 40 })
  .map((all) => setOf([...new Set(all)].toSorted(byNumber)));
const places = fc
  .array(ranges, { minLength: LOGS.length, maxLength: LOGS.length })
  .map((each): RangesByLog => new Map(LOGS.map((log, at) => [log, each[at]!])));

function byNumber(a: number, b: number): number {
  return a - b;
}

function positionsOf(of: RangesByLog, log: LogId): readonly number[] {
  return (of.get(log) ?? []).flatMap(({ from, to }) =>
    Array.from({ length: to - from }, (_, at) => from + at),
  );
}

describe("The bookkeeping of a view that is being built", () => {
  it("folds every held position once and no other, but for those that wait for a key or a payload", () => {
    fc.assert(
      fc.property(
        places,
        places,
        places,
        places,
        fc.integer({ min: 1, max: 9 }),
        (held, before, locked, absent, most) => {
          let done = before;
          const folded = new Map<LogId, number[]>();
          let left = countToFold({ held, done, locked, absent });
          for (;;) {
            const step = nextFoldStep({ held, done, locked, absent }, most);
            if (step === null) break;
            const count = countOf(step.ranges);
            ok(count >= 1 && count <= most);
            folded.set(step.log, [
              ...(folded.get(step.log) ?? []),
              ...positionsOf(new Map([[step.log, step.ranges]]), step.log),
            ]);
            done = unite(done, new Map([[step.log, step.ranges]]));
            equal(countToFold({ held, done, locked, absent }), (left -= count));
          }
          equal(left, 0);
          for (const log of LOGS) {
            const expected = positionsOf(held, log).filter(
              (position) =>
                ![before, locked, absent].some((those) => contains(those.get(log) ?? [], position)),
            );
            deepEqual(folded.get(log) ?? [], expected);
          }
        },
      ),
    );
  });

  it("comes back to holes that filled, keys that came, payloads that came back, and what is new", () => {
    const [log] = LOGS as [LogId];
    const at = (...positions: number[]): Ranges => setOf(positions);
    const before: ToFold = {
      held: new Map([[log, at(0, 1, 4, 5, 6)]]),
      done: new Map([[log, at(0, 1, 6)]]),
      locked: new Map([[log, at(4)]]),
      absent: new Map([[log, at(5)]]),
    };
    equal(nextFoldStep(before, 10), null);
    const filled = { ...before, held: new Map([[log, union(at(2, 3), before.held.get(log)!)]]) };
    deepEqual(nextFoldStep(filled, 10), { log, ranges: at(2, 3) });
    deepEqual(nextFoldStep({ ...before, locked: NONE }, 10), { log, ranges: at(4) });
    deepEqual(nextFoldStep({ ...before, absent: NONE }, 10), { log, ranges: at(5) });
    const longer = { ...before, held: new Map([...before.held, [LOGS[1]!, at(0)]]) };
    deepEqual(nextFoldStep(longer, 10), { log: LOGS[1], ranges: at(0) });
  });

  it("is read as it was written, and begun anew where it cannot be read", () => {
    const count = fc.nat(2 ** 31);
    const area = fc.constantFrom<0 | 1>(0, 1);
    fc.assert(
      fc.property(fc.nat(255), area, count, count, places, (version, where, unknown, unreadable, done) => {
        const progress = { version, area: where, counts: { unknown, unreadable }, done };
        const bytes = encodeProgress(progress);
        deepEqual(decodeProgress(bytes), progress);
        equal(countIn(decodeProgress(bytes)!.done), countIn(done));
        equal(decodeProgress(bytes.subarray(0, bytes.length - 1)), null);
        equal(decodeProgress(Uint8Array.of(bytes[0]!, 2, ...bytes.subarray(2))), null);
      }),
    );
  });
});
