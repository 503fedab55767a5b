/**
 * Who knew what: control logs, and for each of their entries how much of every other log came before it.
 * A device's control log is linear, so the past of an entry is one length per log.
 * Decides nothing about membership. Tests: test/unit/membership/history.test.ts.
 */
import type { DeviceId, LogId } from "../base/ids.ts";
import { mergeVectors, type LengthVector, type VectorSpace } from "./length-vector.ts";
import type { ControlEntry } from "./types.ts";

/** A control log of one incarnation, as far as it is held without a gap and below its fork. */
export interface ControlLog {
  readonly id: LogId;
  /** Its place in vectors. */
  readonly number: number;
  readonly device: DeviceId;
  readonly incarnation: number;
  /** Entries from here on lie on one of several branches; infinite where none is known. */
  forkedAt: number;
  readonly entries: Placed[];
}

/** An entry all of whose ancestors are here. */
export interface Placed {
  readonly entry: ControlEntry;
  readonly log: ControlLog;
  /** Entries of the longest chain of ancestors. Later entries are deeper than what they came after. */
  readonly depth: number;
  readonly space: VectorSpace;
  /** By log, how many of its entries came before, or are this entry. */
  readonly past: LengthVector;
  /** True where another entry came after it. */
  hasSuccessor: boolean;
}

/** How many entries of `log` came before `entry`. */
export function knownLength({ entry, log: own, space, past }: Placed, log: ControlLog): number {
  return own === log ? entry.position : space.lengthOf(past, log.number);
}

/** Whether `earlier` is an ancestor of `later`. */
export function isBefore(earlier: Placed, later: Placed): boolean {
  return knownLength(later, earlier.log) > earlier.entry.position;
}

/** The first position of `log` whose entry comes after `entry`; infinite where none does. */
export function firstAfter(log: ControlLog, entry: Placed): number {
  let low = 0;
  let high = log.entries.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isBefore(entry, log.entries[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low < log.entries.length ? low : Infinity;
}

/** Appends the next entry of `log`, made after `parents` and after the entry before it. */
export function place(
  entry: ControlEntry,
  log: ControlLog,
  parents: readonly Placed[],
  space: VectorSpace,
): Placed {
  let depth = 0;
  const previous = log.entries.at(-1);
  let past = previous?.past ?? null;
  for (const parent of previous === undefined ? parents : [previous, ...parents]) {
    parent.hasSuccessor = true;
    depth = Math.max(depth, parent.depth + 1);
    // Who knows an entry knows its past.
    if (space.lengthOf(past, parent.log.number) <= parent.entry.position)
      past = mergeVectors(past, parent.past);
  }
  past = mergeVectors(past, space.single(log.number, entry.position + 1));
  const placed: Placed = { entry, log, depth, space, past, hasSuccessor: false };
  log.entries.push(placed);
  return placed;
}

/** The order in which things are told where nothing else decides: ancestors first, then the smaller id. */
export function byDepth(a: Placed, b: Placed): number {
  return a.depth - b.depth || (a.entry.id < b.entry.id ? -1 : 1);
}
