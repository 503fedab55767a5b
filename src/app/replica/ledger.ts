/**
 * What this device has of each log, twice: as the writer's turns leave it (the tip), and as it is durable (the frontier, which
 * peers are told). Numbers for `status` are kept along. No I/O, no decisions.
 */
import type { LogId } from "../../core/base/ids.ts";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import { NO_RANGES, type Ranges, subtract, union } from "../../core/log/ranges.ts";
import type { LogState } from "../../core/log/types.ts";
import { NO_PROMISES, NOTHING, type Promises } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import { ProvedHeads } from "./proved-heads.ts";

/** Counted as operations are folded, in the same commit. */
export interface Counts {
  /** Entries of newer versions. */
  readonly unknown: number;
  /** Entries that a member signed and that nobody can read. */
  readonly unreadable: number;
}

export const NO_COUNTS: Counts = { unknown: 0, unreadable: 0 };

/** No limit: what this device wrote it must be able to read, and how much waits for a key is for members to say. The bytes end first. */
const COUNT_MAX = 2 ** 48;

export class Ledger {
  readonly tips = new Map<LogId, LogState>();
  readonly frontier = new Map<LogId, LogState>();
  readonly proved = new ProvedHeads();
  counts: Counts = NO_COUNTS;
  /** Entries that wait for their epoch's key before they can be folded. */
  locked = new Map<LogId, Ranges>();
  /** Control entries that were here, are damaged beyond repair, and have not come back. While there are any, this device writes nothing. */
  lost: ReadonlyMap<LogId, Ranges> = new Map();
  /** The last of the lost entries has come back, and the view is still the one without them. */
  isFoundAgain = false;
  /** The store is an earlier one, and which logs are to be written on is open until no control entry is lost. */
  isUnsettled = false;

  /** Taken in, and without a payload here since another device keeps it. */
  evicted: RangesByLog = NOTHING;
  /** Of these what the view lacks, since it was built again without their payloads. */
  unfolded: RangesByLog = NOTHING;
  /** Evicted, and to be stored again when it comes. */
  wantedBack: RangesByLog = NOTHING;
  /** What this device has promised to keep, by the device that it was promised to. */
  given: Promises = NO_PROMISES;
  /** What other devices have promised and this one relies on, by the device that promised. */
  relied: Promises = NO_PROMISES;

  constructor(states: readonly LogState[]) {
    for (const state of states) this.restore(state);
  }

  /** What the store says of a log. */
  restore(state: LogState): void {
    this.advance(state);
    this.frontier.set(state.head.log, state);
  }

  /** The next turns start from this state. */
  advance(state: LogState): void {
    this.tips.set(state.head.log, state);
    this.proved.remember(state.head);
  }
}

export function encodeCounts(counts: Counts): Uint8Array {
  return new ByteWriter().uint(counts.unknown).uint(counts.unreadable).finish();
}

export function decodeCounts(bytes: Uint8Array): Counts {
  const reader = new ByteReader(bytes);
  const counts = {
    unknown: reader.uint(2 ** 48),
    unreadable: reader.uint(2 ** 48),
  };
  reader.end();
  return counts;
}

/** Of two sets, what is in either. */
export function unitePlaces(
  a: ReadonlyMap<LogId, Ranges>,
  b: ReadonlyMap<LogId, Ranges>,
): ReadonlyMap<LogId, Ranges> {
  const both = new Map(a);
  for (const [log, ranges] of b) both.set(log, union(both.get(log) ?? NO_RANGES, ranges));
  return both;
}

/** What of a set is not in another; logs of which nothing is left are left out. */
export function withoutPlaces(
  places: ReadonlyMap<LogId, Ranges>,
  taken: (log: LogId) => Ranges,
): ReadonlyMap<LogId, Ranges> {
  const left = [...places].map(([log, ranges]) => [log, subtract(ranges, taken(log))] as const);
  return new Map(left.filter(([, ranges]) => ranges.length > 0));
}

/** Positions by log: those that wait for a key, or those that are lost. */
export function encodePlaces(locked: ReadonlyMap<LogId, Ranges>): Uint8Array {
  const writer = new ByteWriter();
  writer.list([...locked], ([log, ranges]) => {
    writer.raw(idBytes(log)).list(ranges, (range) => writer.u48(range.from).u48(range.to));
  });
  return writer.finish();
}

export function decodePlaces(bytes: Uint8Array): Map<LogId, Ranges> {
  const reader = new ByteReader(bytes);
  const locked = reader.list(
    COUNT_MAX,
    () =>
      [
        bytesToId<LogId>(reader.raw(32)),
        reader.list(COUNT_MAX, () => ({ from: reader.u48(), to: reader.u48() })),
      ] as const,
  );
  reader.end();
  return new Map(locked);
}
