/**
 * Promises to keep payloads, as sets of positions by device: those given, and those relied on. Pure; who writes them down, and when, is for
 * the caller. Rules: docs/spec/sync.md, "Keeping". Tests: test/unit/sync/promises.test.ts.
 */
import type { DeviceId, LogId } from "../base/ids.ts";
import { intersect, NO_RANGES, type Ranges, subtract, union } from "../log/ranges.ts";
import type { RangesByLog } from "./types.ts";

/** By the device that a promise was given to, or that gave it. */
export type Promises = ReadonlyMap<DeviceId, RangesByLog>;

export const NO_PROMISES: Promises = new Map();
export const NOTHING: RangesByLog = new Map();

/** Of one device: more is refused. A run of ranges is written anew with every promise. */
export const PROMISED_LOGS_MAX = 1_024;
export const PROMISED_RANGES_MAX = 16_384;

export function unite(a: RangesByLog, b: RangesByLog): RangesByLog {
  if (b.size === 0) return a;
  const both = new Map(a);
  for (const [log, ranges] of b) both.set(log, union(both.get(log) ?? NO_RANGES, ranges));
  return both;
}

/** Positions of `a` that are not in `b`; logs of which nothing is left are left out. */
export function without(a: RangesByLog, b: RangesByLog): RangesByLog {
  return mapped(a, (log, ranges) => subtract(ranges, b.get(log) ?? NO_RANGES));
}

export function common(a: RangesByLog, b: RangesByLog): RangesByLog {
  return mapped(a, (log, ranges) => intersect(ranges, b.get(log) ?? NO_RANGES));
}

export function countIn(places: RangesByLog): number {
  let count = 0;
  for (const ranges of places.values()) for (const { from, to } of ranges) count += to - from;
  return count;
}

export function countRanges(places: RangesByLog): number {
  let count = 0;
  for (const ranges of places.values()) count += ranges.length;
  return count;
}

/** What all devices that count have promised, or were promised. */
export function promisedBy(promises: Promises, counts: (device: DeviceId) => boolean): RangesByLog {
  let all = NOTHING;
  for (const [device, places] of promises) if (counts(device)) all = unite(all, places);
  return all;
}

/** What of `asked` can be promised beside `given`, which one device has been given already: all of it, or nothing where it is too much. */
export function withinLimits(given: RangesByLog, asked: RangesByLog): RangesByLog {
  const all = unite(given, asked);
  const isTooMuch = all.size > PROMISED_LOGS_MAX || countRanges(all) > PROMISED_RANGES_MAX;
  return isTooMuch ? common(asked, given) : asked;
}

/** The same with other places for one device; none of it where nothing is left. */
export function withPromise(promises: Promises, device: DeviceId, places: RangesByLog): Promises {
  const changed = new Map(promises);
  if (places.size > 0) changed.set(device, places);
  else changed.delete(device);
  return changed;
}

function mapped(a: RangesByLog, change: (log: LogId, ranges: Ranges) => Ranges): RangesByLog {
  const left = new Map<LogId, Ranges>();
  for (const [log, ranges] of a) {
    const some = change(log, ranges);
    if (some.length > 0) left.set(log, some);
  }
  return left;
}
