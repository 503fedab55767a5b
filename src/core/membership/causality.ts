/**
 * Who knew what: control logs, and for each of their entries how much of every other log came before it.
 *
 * A device's control log is linear, so the past of an entry is one length per log, and lengths only grow along a log.
 * They are kept as steps where they grow: memory follows what was learned, not entries times logs.
 * Decides nothing about membership. Tests: test/unit/membership/history.test.ts.
 */
import type { DeviceId, LogId } from "../base/ids.ts";
import type { ControlEntry } from "./types.ts";

/** A control log of one incarnation, as far as it is held without a gap and below its fork. */
export interface ControlLog {
  readonly id: LogId;
  readonly device: DeviceId;
  readonly incarnation: number;
  /** Entries from here on lie on one of several branches; infinite where none is known. */
  forkedAt: number;
  readonly entries: Placed[];
  /** By other log: from which positions on, how many of its entries were known. */
  readonly learned: Map<ControlLog, Steps>;
}

/** Both ascending: from position `at[n]` on, `length[n]` entries were known. */
interface Steps {
  readonly at: number[];
  readonly length: number[];
}

/** An entry all of whose ancestors are here. */
export interface Placed {
  readonly entry: ControlEntry;
  readonly log: ControlLog;
  /** Entries of the longest chain of ancestors. Later entries are deeper than what they came after. */
  readonly depth: number;
  /** True where another entry came after it. */
  hasSuccessor: boolean;
}

/** How many entries of `log` came before `entry`. */
export function knownLength(entry: Placed, log: ControlLog): number {
  if (entry.log === log) return entry.entry.position;
  const steps = entry.log.learned.get(log);
  if (steps === undefined) return 0;
  const next = firstOver(steps.at, entry.entry.position);
  return next === 0 ? 0 : steps.length[next - 1]!;
}

/** Whether `earlier` is an ancestor of `later`. */
export function isBefore(earlier: Placed, later: Placed): boolean {
  return knownLength(later, earlier.log) > earlier.entry.position;
}

/** The first position of `log` whose entry comes after `entry`; infinite where none does. */
export function firstAfter(log: ControlLog, entry: Placed): number {
  if (entry.log === log) return entry.entry.position + 1;
  const steps = log.learned.get(entry.log);
  if (steps === undefined) return Infinity;
  return steps.at[firstOver(steps.length, entry.entry.position)] ?? Infinity;
}

/** Appends the next entry of `log`, made after `parents` and after the entry before it. */
export function place(entry: ControlEntry, log: ControlLog, parents: readonly Placed[]): Placed {
  let depth = 0;
  const previous = log.entries.at(-1);
  for (const parent of previous === undefined ? parents : [...parents, previous]) {
    parent.hasSuccessor = true;
    depth = Math.max(depth, parent.depth + 1);
    learnPast(log, entry.position, parent);
  }
  const placed: Placed = { entry, log, depth, hasSuccessor: false };
  log.entries.push(placed);
  return placed;
}

/** The order in which things are told where nothing else decides: ancestors first, then the smaller id. */
export function byDepth(a: Placed, b: Placed): number {
  return a.depth - b.depth || (a.entry.id < b.entry.id ? -1 : 1);
}

function learnPast(log: ControlLog, position: number, parent: Placed): void {
  if (parent.log === log) return;
  // Who knows an entry knows its past, so that every entry is learned once by each log.
  if ((log.learned.get(parent.log)?.length.at(-1) ?? 0) > parent.entry.position) return;
  learn(log, position, parent.log, parent.entry.position + 1);
  for (const other of parent.log.learned.keys()) learn(log, position, other, knownLength(parent, other));
}

function learn(log: ControlLog, position: number, other: ControlLog, length: number): void {
  if (other === log || length === 0) return;
  const steps = log.learned.get(other);
  if (steps === undefined) {
    log.learned.set(other, { at: [position], length: [length] });
    return;
  }
  if (steps.length.at(-1)! >= length) return;
  if (steps.at.at(-1) === position) steps.length[steps.length.length - 1] = length;
  else {
    steps.at.push(position);
    steps.length.push(length);
  }
}

/** Index of the first of ascending `numbers` that is greater than `limit`. */
function firstOver(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (numbers[middle]! > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
