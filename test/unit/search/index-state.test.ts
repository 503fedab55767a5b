/** What an index covers, what of it is written down, and what is built next. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { countOf, rangeOf, union } from "../../../src/core/log/ranges.ts";
import {
  type Coverage,
  decodeIndexState,
  encodeIndexState,
  type IndexState,
  markAgain,
  newestOf,
  pendingOf,
  type Segment,
  sizeOfCoverage,
} from "../../../src/core/search/index-state.ts";
import { nextStep } from "../../../src/core/search/next-step.ts";
import { anyRanges } from "../../support/any-frame.ts";
import { assertCode } from "../../support/assert-code.ts";

const segmentOf = (number: number, coverage: Coverage, fields: Partial<Segment> = {}): Segment => ({
  number,
  bits: 2,
  again: false,
  documents: 5,
  newestMs: 20,
  oldestMs: 10,
  coverage,
  ...fields,
});
const stateOf = (...segments: readonly Segment[]): IndexState => ({ next: 100, segments });
const upTo = (length: number, from = 0): Coverage => new Map([[1, rangeOf(from, length)]]);

describe("The state of an index", () => {
  const coverage: fc.Arbitrary<Coverage> = fc
    .uniqueArray(
      fc.tuple(
        fc.nat(50),
        anyRanges(2 ** 47).filter((ranges) => ranges.length > 0),
      ),
      {
        selector: ([log]) => log,
        maxLength: 4,
      },
    )
    .map((logs) => new Map(logs));

  it("is read as it was written", () => {
    const segment = fc.record(
      {
        number: fc.nat(99),
        bits: fc.nat(12),
        again: fc.boolean(),
        documents: fc.nat(16_384),
        newestMs: fc.nat(2 ** 31),
        oldestMs: fc.nat(2 ** 31),
        coverage,
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
        const state = { next: 100, segments };
        deepEqual(decodeIndexState(encodeIndexState(state)), state);
      }),
    );
  });

  it("is refused where it is cut, longer, of another version, or names a segment that was never begun", () => {
    const row = encodeIndexState(stateOf(segmentOf(7, upTo(10))));
    for (let size = 0; size < row.length; size++)
      assertCode(() => decodeIndexState(row.slice(0, size)), "STORE_DAMAGED");
    assertCode(() => decodeIndexState(Uint8Array.of(...row, 0)), "STORE_DAMAGED");
    assertCode(() => decodeIndexState(Uint8Array.of(2, ...row.subarray(1))), "STORE_DAMAGED");
    assertCode(() => decodeIndexState(encodeIndexState(stateOf(segmentOf(100, upTo(10))))), "STORE_DAMAGED");
  });

  it("leaves as pending what is held and not covered", () => {
    fc.assert(
      fc.property(coverage, coverage, coverage, (held, a, b) => {
        const pending = pendingOf(held, stateOf(segmentOf(1, a), segmentOf(2, b)));
        for (const [log, ranges] of held) {
          const both = union(a.get(log) ?? [], b.get(log) ?? []);
          const rest = pending.get(log) ?? [];
          equal(countOf(union(rest, both)), countOf(union(ranges, both)));
          equal(countOf(union(rest, both)), countOf(rest) + countOf(both));
        }
      }),
    );
    equal(sizeOfCoverage(pendingOf(upTo(10), stateOf())), 10);
  });

  it("takes the newest of each log first", () => {
    const held: Coverage = new Map([[1, union(rangeOf(0, 4), rangeOf(8, 10))]]);
    deepEqual(newestOf(held, 3), new Map([[1, union(rangeOf(3, 4), rangeOf(8, 10))]]));
    deepEqual(newestOf(held, 2), new Map([[1, rangeOf(8, 10)]]));
    deepEqual(newestOf(held, 100), held);
    deepEqual(newestOf(held, 0), new Map());
  });

  it("marks the segments that cover a place, and only those", () => {
    const state = stateOf(segmentOf(1, upTo(10)), segmentOf(2, upTo(20, 10)));
    const marked = markAgain(state, [{ logNumber: 1, position: 12 }]);
    deepEqual(
      marked.segments.map(({ again }) => again),
      [false, true],
    );
    equal(markAgain(marked, [{ logNumber: 1, position: 12 }]), marked);
    equal(markAgain(state, [{ logNumber: 2, position: 12 }]), state);
  });
});

describe("What is built next", () => {
  const sizes = { pendingMin: 10, positionsMax: 100, commitBytes: 1_000 };

  it("is nothing while few positions are pending", () => {
    equal(nextStep(stateOf(), upTo(9), sizes), null);
    equal(sizeOfCoverage(nextStep(stateOf(), upTo(10), sizes)!.coverage), 10);
    equal(nextStep(stateOf(segmentOf(1, upTo(95))), upTo(104), sizes), null);
  });

  it("is a segment again before anything else", () => {
    const again = segmentOf(1, upTo(10), { again: true });
    deepEqual(nextStep(stateOf(again), upTo(200), sizes), { coverage: again.coverage, replaces: [again] });
  });

  it("is at most a segment's size, and takes small segments along", () => {
    equal(sizeOfCoverage(nextStep(stateOf(), upTo(1_000), sizes)!.coverage), 100);
    const small = segmentOf(1, upTo(10));
    const step = nextStep(stateOf(small, segmentOf(2, upTo(50, 10))), upTo(60), sizes)!;
    deepEqual(step.replaces, [small]);
    equal(sizeOfCoverage(step.coverage), 20);
  });

  it("reads a position again few times, and leaves few segments, however long messages come one by one", () => {
    let state = stateOf();
    let read = 0;
    const length = 4_000;
    for (let held = 1; held <= length; held++) {
      const step = nextStep(state, upTo(held), sizes);
      if (step === null) continue;
      read += sizeOfCoverage(step.coverage);
      const rest = state.segments.filter((segment) => !step.replaces.includes(segment));
      state = stateOf(...rest, segmentOf(1, step.coverage));
      ok(state.segments.length <= length / 50 + 5, `${state.segments.length} segments`);
    }
    ok(read / length <= 5, `each position was read ${read / length} times`);
    equal(sizeOfCoverage(pendingOf(upTo(length), state)) < sizes.pendingMin, true);
  });
});
