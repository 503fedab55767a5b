/**
 * What the planner remembers of each peer that offers something, and of each log in which something is missing.
 * Rules: docs/spec/sync.md, "Order". Tests: test/unit/sync/planner.test.ts.
 */
import type { DeviceId, LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { NO_RANGES, type Ranges, subtract } from "../log/ranges.ts";
import type { LogClass } from "../log/types.ts";
import { KeptBack } from "./kept-back.ts";

/** Entries given at a time: about four batches at the usual size of a message. */
export const CHUNK_ENTRIES = 2_048;
/** Entries that one peer may be asked for at once. Begins at one chunk, so that a second peer gets its share, and grows as they come. */
export const WINDOW_ENTRIES_MAX = 4 * CHUNK_ENTRIES;
/** After how long a peer is asked again for what it could not serve; twice as long at every further time. */
const ABSENT_MS = 60_000;

/** In the order in which they are asked for. */
export const classes: readonly LogClass[] = ["control", "state", "messages"];

/** A log in which something is missing. */
export interface Log {
  readonly id: LogId;
  readonly logClass: LogClass;
  /** Offered by a peer that is still here, not held. */
  missing: Ranges;
  /** Of what is missing, what no peer has been asked for. */
  free: Ranges;
  readonly holders: Set<Holder>;
}

/** A peer that offers something. */
export interface Holder {
  readonly peer: DeviceId;
  readonly offered: Map<LogId, Ranges>;
  readonly assigned: Map<LogId, Ranges>;
  readonly absent: Map<LogId, Ranges>;
  readonly keptBack: KeptBack;
  /** By class: logs in which something free may be left for this peer, the one served longest ago first. */
  readonly queues: Readonly<Record<LogClass, Set<Log>>>;
  assignedCount: number;
  window: number;
  /** When it last brought something, or was first asked. */
  progressAt: MonotonicMs;
  restsUntil: MonotonicMs;
  stalls: number;
  /** When what was absent is asked for again, and how long that is put off the next time. */
  absentUntil: MonotonicMs;
  absentMs: number;
}

/** One that nothing is known of yet. */
export function newHolder(peer: DeviceId, now: MonotonicMs): Holder {
  const assigned = new Map<LogId, Ranges>();
  return {
    peer,
    offered: new Map(),
    assigned,
    absent: new Map(),
    keptBack: new KeptBack(assigned),
    queues: { control: new Set(), state: new Set(), messages: new Set() },
    assignedCount: 0,
    window: CHUNK_ENTRIES,
    progressAt: now,
    restsUntil: -Infinity as MonotonicMs,
    stalls: 0,
    absentUntil: Infinity as MonotonicMs,
    absentMs: ABSENT_MS,
  };
}

export function progress(holder: Holder, count: number, now: MonotonicMs): void {
  holder.progressAt = now;
  holder.stalls = 0;
  holder.window = Math.min(WINDOW_ENTRIES_MAX, holder.window + count);
}

/** What is held here need not be remembered of a peer. */
export function forget(holder: Holder, log: Log, ranges: Ranges): void {
  const offered = subtract(holder.offered.get(log.id) ?? NO_RANGES, ranges);
  if (offered.length > 0) {
    holder.offered.set(log.id, offered);
    return;
  }
  holder.offered.delete(log.id);
  holder.absent.delete(log.id);
  if (holder.absent.size === 0) holder.absentUntil = Infinity as MonotonicMs;
  holder.queues[log.logClass].delete(log);
  log.holders.delete(holder);
}

export function hasQueued(holder: Holder): boolean {
  return classes.some((logClass) => holder.queues[logClass].size > 0);
}
