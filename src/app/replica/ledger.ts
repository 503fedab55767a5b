/**
 * What this device has of each log, twice: as the writer's turns leave it (the tip), and as it is durable (the frontier, which
 * peers are told). Numbers for `status` are kept along. No I/O, no decisions.
 */
import type { LogId } from "../../core/base/ids.ts";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import type { Ranges } from "../../core/log/ranges.ts";
import type { LogState } from "../../core/log/types.ts";

/** Counted as operations are folded, in the same commit. */
export interface Counts {
  /** Entries of newer versions. */
  readonly unknown: number;
  /** Entries that a member signed and that nobody can read. */
  readonly unreadable: number;
}

export const NO_COUNTS: Counts = { unknown: 0, unreadable: 0 };

export class Ledger {
  readonly tips = new Map<LogId, LogState>();
  readonly frontier = new Map<LogId, LogState>();
  counts: Counts = NO_COUNTS;
  /** Entries that wait for their epoch's key before they can be folded. */
  locked = new Map<LogId, Ranges>();

  constructor(states: readonly LogState[]) {
    for (const state of states) {
      this.tips.set(state.head.log, state);
      this.frontier.set(state.head.log, state);
    }
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

export function encodeLocked(locked: ReadonlyMap<LogId, Ranges>): Uint8Array {
  const writer = new ByteWriter();
  writer.list([...locked], ([log, ranges]) => {
    writer.raw(idBytes(log)).list(ranges, (range) => writer.u48(range.from).u48(range.to));
  });
  return writer.finish();
}

export function decodeLocked(bytes: Uint8Array): Map<LogId, Ranges> {
  const reader = new ByteReader(bytes);
  const locked = reader.list(
    1_000_000,
    () =>
      [
        bytesToId<LogId>(reader.raw(32)),
        reader.list(1_000_000, () => ({ from: reader.u48(), to: reader.u48() })),
      ] as const,
  );
  reader.end();
  return new Map(locked);
}
