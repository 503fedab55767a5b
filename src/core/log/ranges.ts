/**
 * Sets of positions as sorted, disjoint, non-adjacent half-open ranges. Pure; a million positions with one hole are two ranges.
 * Tests: test/unit/log/ranges.test.ts.
 */

/** Positions `from` (included) to `to` (excluded). */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Sorted, disjoint, never adjacent, never empty ranges. */
export type Ranges = readonly Range[];

export const NO_RANGES: Ranges = [];

/** The set of `[from, to)`; empty where `from >= to`. */
export function rangeOf(from: number, to: number): Ranges {
  return from < to ? [{ from, to }] : NO_RANGES;
}

/** The set of these positions, in whatever order they are given. */
export function setOf(positions: readonly number[]): Ranges {
  const ranges: { from: number; to: number }[] = [];
  for (const position of positions.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && position <= last.to) last.to = Math.max(last.to, position + 1);
    else ranges.push({ from: position, to: position + 1 });
  }
  return ranges;
}

/** Number of positions in the set. */
export function countOf(ranges: Ranges): number {
  let count = 0;
  for (const { from, to } of ranges) count += to - from;
  return count;
}

/** Positions in either set. */
export function union(a: Ranges, b: Ranges): Ranges {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const merged: { from: number; to: number }[] = [];
  let inA = 0;
  let inB = 0;
  while (inA < a.length || inB < b.length) {
    const takeA = inB >= b.length || (inA < a.length && a[inA]!.from <= b[inB]!.from);
    const next = takeA ? a[inA++]! : b[inB++]!;
    const last = merged.at(-1);
    if (last !== undefined && next.from <= last.to) last.to = Math.max(last.to, next.to);
    else merged.push({ from: next.from, to: next.to });
  }
  return merged;
}

/** Positions in `a` and not in `b`. */
export function subtract(a: Ranges, b: Ranges): Ranges {
  if (a.length === 0 || b.length === 0) return a;
  const rest: Range[] = [];
  let at = 0;
  for (const range of a) {
    let from = range.from;
    while (at < b.length && b[at]!.to <= from) at++;
    for (let cut = at; cut < b.length && b[cut]!.from < range.to; cut++) {
      if (b[cut]!.from > from) rest.push({ from, to: b[cut]!.from });
      from = Math.max(from, b[cut]!.to);
    }
    if (from < range.to) rest.push({ from, to: range.to });
  }
  return rest;
}

/** Positions in both sets. */
export function intersect(a: Ranges, b: Ranges): Ranges {
  const both: Range[] = [];
  let inA = 0;
  let inB = 0;
  while (inA < a.length && inB < b.length) {
    const from = Math.max(a[inA]!.from, b[inB]!.from);
    const to = Math.min(a[inA]!.to, b[inB]!.to);
    if (from < to) both.push({ from, to });
    if (a[inA]!.to < b[inB]!.to) inA++;
    else inB++;
  }
  return both;
}

/** True where every position of `part` is in `whole`. */
export function covers(whole: Ranges, part: Ranges): boolean {
  return subtract(part, whole).length === 0;
}

/** True where `position` is in the set. */
export function contains(ranges: Ranges, position: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (ranges[middle]!.to <= position) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low]!.from <= position;
}

/** How far the set reaches from 0 without a hole. */
export function prefixOf(ranges: Ranges): number {
  const first = ranges[0];
  return first !== undefined && first.from === 0 ? first.to : 0;
}

/** True where the list is a set as `Ranges` demands, within `[0, limit)`. For lists from outside. */
export function isValidRanges(ranges: readonly Range[], limit: number): ranges is Ranges {
  let end = -1;
  for (const { from, to } of ranges) {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return false;
    if (from <= end || from >= to || to > limit) return false;
    end = to;
  }
  return true;
}
