/**
 * How far a view has come that is built beside the one that serves, and what is to be folded into it next. Pure.
 * Spec: docs/spec/storage.md, "A new version of the view". Tests: test/unit/app/view-progress.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { LogId } from "../../core/base/ids.ts";
import { VIEW_READABLE_SINCE, VIEW_VERSION } from "../../core/inbox/rows.ts";
import { countOf, NO_RANGES, type Range, type Ranges, subtract } from "../../core/log/ranges.ts";
import type { ViewArea } from "../../core/log/rows.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import { type Counts, decodePlaces, encodePlaces } from "./ledger.ts";

export interface ViewOptions {
  /** Of the view that this program writes. */
  readonly version: number;
  /** Views from this version on can serve meanwhile. */
  readonly readableSince: number;
  /** Entries folded in one turn: what people send waits for no more. */
  readonly stepEntries: number;
}

export const VIEW: ViewOptions = {
  version: VIEW_VERSION,
  readableSince: VIEW_READABLE_SINCE,
  stepEntries: 256,
};

export interface ViewProgress {
  /** Of the view that is built. */
  readonly version: number;
  /** Where it lies. */
  readonly area: ViewArea;
  readonly counts: Counts;
  /** What was folded into it. */
  readonly done: RangesByLog;
}

const COUNT_MAX = 2 ** 48;

export function encodeProgress({ version, area, counts, done }: ViewProgress): Uint8Array {
  const writer = new ByteWriter().u8(version).u8(area).uint(counts.unknown).uint(counts.unreadable);
  return writer.raw(encodePlaces(done)).finish();
}

/** Null where the bytes are none that this version writes: then the view is begun anew. */
export function decodeProgress(bytes: Uint8Array): ViewProgress | null {
  try {
    return readProgress(bytes);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return null;
  }
}

function readProgress(bytes: Uint8Array): ViewProgress {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  const area = reader.u8();
  if (area !== 0 && area !== 1) throw new EngineError("WIRE_NOT_CANONICAL", "a view has two areas");
  const counts = { unknown: reader.uint(COUNT_MAX), unreadable: reader.uint(COUNT_MAX) };
  return { version, area, counts, done: decodePlaces(reader.raw(reader.left)) };
}

/** What there is to fold, and what of it not now. */
export interface ToFold {
  /** Positions held of every log that is folded. */
  readonly held: RangesByLog;
  readonly done: RangesByLog;
  /** These wait for a key, and are folded when it has come. */
  readonly locked: RangesByLog;
  /** These were found without a payload, and are folded when it has come back. */
  readonly absent: RangesByLog;
}

export interface FoldStep {
  readonly log: LogId;
  readonly ranges: Ranges;
}

/** At most `entriesMax` positions of one log; null where nothing is left. */
export function nextFoldStep(toFold: ToFold, entriesMax: number): FoldStep | null {
  for (const [log, held] of toFold.held) {
    const left = leftOf(toFold, log, held);
    if (left.length > 0) return { log, ranges: firstOf(left, entriesMax) };
  }
  return null;
}

export function countToFold(toFold: ToFold): number {
  let count = 0;
  for (const [log, held] of toFold.held) count += countOf(leftOf(toFold, log, held));
  return count;
}

function leftOf({ done, locked, absent }: ToFold, log: LogId, held: Ranges): Ranges {
  let left = held;
  for (const places of [done, locked, absent]) left = subtract(left, places.get(log) ?? NO_RANGES);
  return left;
}

function firstOf(ranges: Ranges, count: number): Ranges {
  const first: Range[] = [];
  let left = count;
  for (const { from, to } of ranges) {
    if (left === 0) break;
    first.push({ from, to: Math.min(to, from + left) });
    left -= Math.min(to, from + left) - from;
  }
  return first;
}
