import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import { countOf, rangeOf, type Ranges, union } from "../../../src/core/log/ranges.ts";
import { adopt, isComplete, missingOf, prefixLengthWith, withHeld } from "../../../src/core/log/state.ts";
import { EMPTY_ROOT } from "../../../src/core/log/tree.ts";
import type { LogId } from "../../../src/core/base/ids.ts";
import type { LogState } from "../../../src/core/log/types.ts";
import { SampleLog } from "../../support/sample-log.ts";

const log = new SampleLog(60);

const stateAt = (length: number): LogState => adopt(undefined, log.head(length), log.peaks(length));
const take = (state: LogState, ranges: Ranges): LogState =>
  withHeld(state, ranges, log.head(Math.max(prefixLengthWith(state, ranges), 1)).root);

describe("the state of a log", () => {
  it("holds nothing when its first head is adopted", () => {
    const state = stateAt(60);
    deepEqual(state.held, []);
    deepEqual(state.prefix, { length: 0, root: EMPTY_ROOT });
    deepEqual(missingOf(state), [{ from: 0, to: 60 }]);
    equal(isComplete(state), false);
  });

  it("comes to the same whatever is taken in in what order, between longer and longer heads", () => {
    const part = fc
      .tuple(fc.nat(59), fc.nat(59))
      .map(([a, b]) => rangeOf(Math.min(a, b), Math.max(a, b) + 1));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        let state = stateAt(1);
        let held: Ranges = [];
        for (const ranges of parts) {
          const end = ranges[0]!.to;
          if (end > state.head.length) state = adopt(state, log.head(end), log.peaks(end));
          const before = state;
          state = take(state, ranges);
          held = union(held, ranges);
          deepEqual(state.held, held);
          equal(before.head, state.head);
        }
        const reach = held[0]?.from === 0 ? held[0].to : 0;
        equal(state.prefix.length, reach);
        equal(hex(state.prefix.root), hex(reach === 0 ? EMPTY_ROOT : log.head(reach).root));
        equal(countOf(missingOf(state)) + countOf(state.held), state.head.length);
        equal(isComplete(state), missingOf(state).length === 0);
      }),
    );
  });

  it("knows its prefix at every length, also where entries come one by one", () => {
    let state = stateAt(60);
    for (let length = 1; length <= 60; length++) {
      state = take(state, rangeOf(length - 1, length));
      deepEqual([state.prefix.length, hex(state.prefix.root)], [length, hex(log.head(length).root)]);
    }
  });

  it("knows the root of the whole log, and is told that of a shorter prefix", () => {
    const whole = withHeld(stateAt(60), rangeOf(0, 60));
    equal(hex(whole.prefix.root), hex(whole.head.root));
    equal(isComplete(whole), true);
    equal(isComplete(adopt(withHeld(stateAt(59), rangeOf(0, 59)), log.head(60), log.peaks(60))), false);
    throws(() => withHeld(stateAt(60), rangeOf(0, 10)), /prefix comes with its root/);
    // Beyond a hole the prefix stays, so no root is needed.
    equal(withHeld(stateAt(60), rangeOf(1, 10)).prefix.length, 0);
    equal(prefixLengthWith(withHeld(stateAt(60), rangeOf(1, 10)), rangeOf(0, 1)), 10);
  });

  it("never goes backwards, beyond its head, or to another log", () => {
    throws(() => adopt(stateAt(60), log.head(59), log.peaks(59)), /never goes backwards/);
    throws(
      () => adopt(stateAt(9), { ...log.head(60), log: "00".repeat(32) as LogId }, log.peaks(60)),
      /its log/,
    );
    throws(() => adopt(undefined, log.head(60), log.peaks(59)), /invariant broken/);
    throws(() => withHeld(stateAt(9), rangeOf(8, 10)), /below the head/);
  });
});
