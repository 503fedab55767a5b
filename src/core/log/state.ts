/**
 * What a device has of one log, step by step: a head is adopted, entries are taken in. Values never change in place, so a
 * turn that fails keeps the old one. Decides nothing: extension.ts decides what may be adopted.
 * Tests: test/unit/log/state.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";
import type { TreeHash } from "../base/ids.ts";
import { countOf, NO_RANGES, prefixOf, type Ranges, rangeOf, subtract, union } from "./ranges.ts";
import { EMPTY_ROOT, rootOf } from "./tree.ts";
import type { Head, LogState } from "./types.ts";

/** The prefix of a log of which nothing is held. */
export const EMPTY_PREFIX: LogState["prefix"] = { length: 0, root: EMPTY_ROOT };

/** The state with a longer head, of which `peaks` are the perfect nodes; nothing more is held by that. */
export function adopt(state: LogState | undefined, head: Head, peaks: readonly TreeHash[]): LogState {
  assert(equalBytes(rootOf(peaks, head.length), head.root), "the peaks are those of the head");
  if (state === undefined) return { head, peaks, held: NO_RANGES, prefix: EMPTY_PREFIX };
  assert(state.head.log === head.log, "a head belongs to its log");
  assert(state.head.length <= head.length, "a known head never goes backwards");
  return { ...state, head, peaks };
}

/** How long the hole-free prefix becomes by taking in `added`: of that length `withHeld` needs the root. */
export function prefixLengthWith(state: LogState, added: Ranges): number {
  return prefixOf(union(state.held, added));
}

/**
 * The state with `added` taken in. Where the prefix grows, and not to the whole log, `prefixRoot` is the root of the tree of
 * `prefixLengthWith(state, added)` leaves.
 */
export function withHeld(state: LogState, added: Ranges, prefixRoot?: TreeHash): LogState {
  const held = union(state.held, added);
  assert((held.at(-1)?.to ?? 0) <= state.head.length, "what is held lies below the head");
  const length = prefixOf(held);
  if (length === state.prefix.length) return { ...state, held };
  const root = length === state.head.length ? state.head.root : prefixRoot;
  assert(root !== undefined, "a longer prefix comes with its root");
  return { ...state, held, prefix: { length, root } };
}

/** Positions below the head that were never taken in. */
export function missingOf(state: LogState): Ranges {
  return subtract(rangeOf(0, state.head.length), state.held);
}

/** True where every position below the head was taken in. */
export function isComplete(state: LogState): boolean {
  return countOf(state.held) === state.head.length;
}
