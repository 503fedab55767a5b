import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { DeviceId, LogId } from "../../../src/core/base/ids.ts";
import { covers, intersect, rangeOf, type Ranges, union } from "../../../src/core/log/ranges.ts";
import {
  common,
  countIn,
  NO_PROMISES,
  NOTHING,
  PROMISED_LOGS_MAX,
  PROMISED_RANGES_MAX,
  promisedBy,
  unite,
  without,
  withinLimits,
  withPromise,
} from "../../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";

const logs = ["a", "b", "c"] as LogId[];
const [one, two] = ["1", "2"] as [DeviceId, DeviceId];

const anyRanges = fc
  .array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 8 })), { maxLength: 4 })
  .map((pairs) => pairs.reduce<Ranges>((all, [from, size]) => union(all, rangeOf(from, from + size)), []));
const anyPlaces = fc
  .uniqueArray(fc.constantFrom(...logs), { maxLength: 3 })
  .chain((some) => fc.tuple(...some.map((log) => fc.tuple(fc.constant(log), anyRanges))))
  .map((pairs): RangesByLog => new Map(pairs.filter(([, ranges]) => ranges.length > 0)));

const at = (places: RangesByLog, log: LogId): Ranges => places.get(log) ?? [];

describe("sets of promised positions", () => {
  it("are joined, cut and taken from each other log by log, and nothing empty stays", () => {
    fc.assert(
      fc.property(anyPlaces, anyPlaces, (a, b) => {
        const [all, both, rest] = [unite(a, b), common(a, b), without(a, b)];
        for (const log of logs) {
          deepEqual(at(all, log), union(at(a, log), at(b, log)));
          deepEqual(at(both, log), intersect(at(a, log), at(b, log)));
          ok(covers(at(a, log), at(rest, log)) && intersect(at(rest, log), at(b, log)).length === 0);
        }
        equal(countIn(both) + countIn(rest), countIn(a));
        for (const places of [both, rest]) ok([...places.values()].every((ranges) => ranges.length > 0));
      }),
    );
  });

  it("count only for devices that count", () => {
    const promises = withPromise(
      withPromise(NO_PROMISES, one, new Map([[logs[0]!, rangeOf(0, 4)]])),
      two,
      new Map([[logs[0]!, rangeOf(2, 9)]]),
    );
    deepEqual([...promisedBy(promises, () => true)], [[logs[0], rangeOf(0, 9)]]);
    deepEqual([...promisedBy(promises, (device) => device === two)], [[logs[0], rangeOf(2, 9)]]);
    deepEqual(
      promisedBy(promises, () => false),
      NOTHING,
    );
    deepEqual([...withPromise(promises, one, NOTHING).keys()], [two]);
  });

  it("a device is promised so many ranges and no more, and what it has stays promised", () => {
    const scattered = (count: number, from = 0): Ranges =>
      Array.from({ length: count }, (_, n) => ({ from: from + 2 * n, to: from + 2 * n + 1 }));
    const most: RangesByLog = new Map([[logs[0]!, scattered(PROMISED_RANGES_MAX)]]);
    equal(withinLimits(NOTHING, most), most);
    const more: RangesByLog = new Map([[logs[1]!, rangeOf(0, 1)]]);
    deepEqual(withinLimits(most, more), NOTHING);
    deepEqual(
      withinLimits(most, unite(more, new Map([[logs[0]!, rangeOf(0, 1)]]))),
      new Map([[logs[0], rangeOf(0, 1)]]),
    );
    // One that closes gaps makes fewer.
    equal(countIn(withinLimits(most, new Map([[logs[0]!, rangeOf(0, 9)]]))), 9);

    const many: RangesByLog = new Map(
      Array.from({ length: PROMISED_LOGS_MAX + 1 }, (_, n) => [`${n}` as LogId, rangeOf(0, 1)] as const),
    );
    deepEqual(withinLimits(NOTHING, many), NOTHING);
  });
});
