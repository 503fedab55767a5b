/**
 * Which peer is asked for what: each missing position of one peer at a time, control first, then state, then messages from
 * their newest end. Knows ranges only. One per device; every method returns what changed. Work follows the size of the change:
 * each peer has a queue of those logs in which something is left for it.
 * Rules: docs/spec/sync.md, "Order". Tests: test/unit/sync/planner.test.ts.
 */
import type { DeviceId, LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { countOf, intersect, NO_RANGES, type Range, type Ranges, subtract, union } from "../log/ranges.ts";
import {
  CHUNK_ENTRIES,
  classes,
  forget,
  hasQueued,
  type Holder,
  type Log,
  newHolder,
  progress,
  WINDOW_ENTRIES_MAX,
} from "./holder.ts";
import { gather } from "./turn.ts";
import type { Assignment, FrontierDelta, Planner, RangesByLog, SessionView } from "./types.ts";

/** A multiple of this is a boundary between nodes of level 8, as tiles have them. */
const CUT_AT = 256;
/** A peer that brings nothing for so long is relieved, and rests for as long; twice as long at every further time. */
export const STALL_MS = 5_000;
const REST_MS_MAX = 60_000;
const ABSENT_MS_MAX = 3_600_000;
/** Pieces of one log that one peer may offer: more is no sync, and would cost memory. */
const PIECES_MAX = 65_536;

/** What this device holds, and whose logs there are. The view is current whenever a method is called. */
type PlannerView = Pick<SessionView, "frontier" | "members">;

export function createPlanner(options: { readonly view: PlannerView }): Planner {
  return new RangePlanner(options.view);
}

class RangePlanner implements Planner {
  readonly #view: PlannerView;
  readonly #logs = new Map<LogId, Log>();
  readonly #holders = new Map<DeviceId, Holder>();
  #missingCount = 0;

  constructor(view: PlannerView) {
    this.#view = view;
  }

  get wakeAt(): MonotonicMs {
    let at = Infinity;
    for (const holder of this.#holders.values()) {
      at = Math.min(at, holder.absentUntil);
      if (holder.assignedCount > 0) at = Math.min(at, holder.progressAt + STALL_MS, holder.keptBack.dueAt);
      else if (holder.restsUntil > holder.progressAt && hasQueued(holder))
        at = Math.min(at, holder.restsUntil);
    }
    return at as MonotonicMs;
  }

  readonly missing = (): number => this.#missingCount;

  readonly offer = (peer: DeviceId, has: FrontierDelta, now: MonotonicMs): readonly Assignment[] => {
    const holder = this.#holderOf(peer, now);
    for (const [id, ranges] of has.ranges) {
      // What is held here need not be remembered of others.
      const wanted = subtract(ranges, this.#view.frontier.get(id)?.held ?? NO_RANGES);
      const log = wanted.length === 0 ? undefined : this.#logOf(id);
      if (log === undefined) continue;
      const offered = union(holder.offered.get(id) ?? NO_RANGES, wanted);
      if (offered.length > PIECES_MAX) continue;
      holder.offered.set(id, offered);
      log.holders.add(holder);
      const added = subtract(offered, log.missing);
      this.#missingCount += countOf(added);
      log.missing = union(log.missing, added);
      this.#free(log, added);
      if (log.free.length > 0) holder.queues[log.logClass].add(log);
    }
    return this.#assign([holder], now);
  };

  readonly held = (peer: DeviceId | null, delta: FrontierDelta, now: MonotonicMs): readonly Assignment[] => {
    const changes: Assignment[] = [];
    const relieved = new Set<Holder>();
    for (const [id, ranges] of delta.ranges) {
      const log = this.#logs.get(id);
      if (log === undefined) continue;
      this.#missingCount -= countOf(intersect(log.missing, ranges));
      log.missing = subtract(log.missing, ranges);
      log.free = subtract(log.free, ranges);
      for (const holder of log.holders) {
        const taken = this.#unassign(holder, log, ranges);
        if (taken.length > 0) relieved.add(holder);
        if (taken.length > 0 && holder.peer === peer) progress(holder, countOf(taken), now);
        if (taken.length > 0 && holder.peer !== peer) {
          changes.push({ peer: holder.peer, log: id, ranges: taken, wanted: false });
        }
        forget(holder, log, ranges);
      }
    }
    return [...changes, ...this.#assign(relieved, now)];
  };

  readonly absent = (peer: DeviceId, ranges: RangesByLog, now: MonotonicMs): readonly Assignment[] => {
    const holder = this.#holders.get(peer);
    if (holder === undefined) return [];
    const others = new Set<Holder>([holder]);
    for (const [id, positions] of ranges) {
      const log = this.#logs.get(id);
      if (log === undefined) continue;
      this.#setAbsent(holder, id, positions, now);
      this.#free(log, this.#unassign(holder, log, positions));
      for (const other of log.holders) others.add(other);
    }
    return this.#assign(others, now);
  };

  readonly gone = (peer: DeviceId, now: MonotonicMs): readonly Assignment[] => {
    const holder = this.#holders.get(peer);
    if (holder === undefined) return [];
    this.#holders.delete(peer);
    const others = new Set<Holder>();
    for (const [id, offered] of holder.offered) {
      const log = this.#logs.get(id)!;
      log.holders.delete(holder);
      let elsewhere: Ranges = NO_RANGES;
      for (const other of log.holders) {
        elsewhere = union(elsewhere, intersect(other.offered.get(id) ?? NO_RANGES, offered));
        others.add(other);
      }
      const lost = subtract(intersect(offered, log.missing), elsewhere);
      this.#missingCount -= countOf(lost);
      log.missing = subtract(log.missing, lost);
      log.free = subtract(log.free, lost);
      this.#free(log, intersect(holder.assigned.get(id) ?? NO_RANGES, log.missing));
    }
    return this.#assign(others, now);
  };

  readonly woken = (now: MonotonicMs): readonly Assignment[] => {
    const changes: Assignment[] = [];
    for (const holder of this.#holders.values()) {
      if (now >= holder.absentUntil) this.#askAgain(holder);
      changes.push(...this.#takeKeptBack(holder, now));
      if (holder.assignedCount === 0 || now < holder.progressAt + STALL_MS) continue;
      holder.stalls++;
      holder.restsUntil = (now + Math.min(STALL_MS * 2 ** (holder.stalls - 1), REST_MS_MAX)) as MonotonicMs;
      holder.window = CHUNK_ENTRIES;
      holder.keptBack.clear();
      for (const [id, ranges] of holder.assigned) {
        const log = this.#logs.get(id)!;
        this.#free(log, this.#unassign(holder, log, ranges));
        changes.push({ peer: holder.peer, log: id, ranges, wanted: false });
      }
    }
    return [...changes, ...this.#assign(this.#holders.values(), now)];
  };

  /** Takes back what others offer of what the peer has kept back; it counts as absent there, so that they are asked first. */
  #takeKeptBack(holder: Holder, now: MonotonicMs): readonly Assignment[] {
    const changes: Assignment[] = [];
    for (const { log: id, ranges } of holder.keptBack.due(now)) {
      const log = this.#logs.get(id)!;
      let elsewhere: Ranges = NO_RANGES;
      for (const other of log.holders) {
        if (other !== holder) elsewhere = union(elsewhere, other.offered.get(id) ?? NO_RANGES);
      }
      const taken = this.#unassign(holder, log, intersect(ranges, elsewhere));
      if (taken.length === 0) continue;
      this.#setAbsent(holder, id, taken, now);
      this.#free(log, taken);
      changes.push({ peer: holder.peer, log: id, ranges: taken, wanted: false });
    }
    return changes;
  }

  #setAbsent(holder: Holder, id: LogId, ranges: Ranges, now: MonotonicMs): void {
    gather(holder.absent, id, intersect(ranges, holder.offered.get(id) ?? NO_RANGES));
    if (holder.absentUntil !== Infinity || holder.absent.size === 0) return;
    holder.absentUntil = (now + holder.absentMs) as MonotonicMs;
    holder.absentMs = Math.min(2 * holder.absentMs, ABSENT_MS_MAX);
  }

  #askAgain(holder: Holder): void {
    holder.absentUntil = Infinity as MonotonicMs;
    for (const id of holder.absent.keys()) {
      const log = this.#logs.get(id)!;
      holder.queues[log.logClass].add(log);
    }
    holder.absent.clear();
  }

  #holderOf(peer: DeviceId, now: MonotonicMs): Holder {
    let holder = this.#holders.get(peer);
    if (holder === undefined) {
      holder = newHolder(peer, now);
      this.#holders.set(peer, holder);
    }
    return holder;
  }

  #logOf(id: LogId): Log | undefined {
    let log = this.#logs.get(id);
    if (log !== undefined) return log;
    const logClass = this.#view.members.logs.get(id)?.logClass;
    if (logClass === undefined) return undefined;
    log = { id, logClass, missing: NO_RANGES, free: NO_RANGES, holders: new Set() };
    this.#logs.set(id, log);
    return log;
  }

  /** Nobody is asked for these any more: whoever offers them may be. */
  #free(log: Log, ranges: Ranges): void {
    if (ranges.length === 0) return;
    log.free = union(log.free, ranges);
    for (const holder of log.holders) holder.queues[log.logClass].add(log);
  }

  /** Takes from the peer what of `ranges` it had been asked for, and returns it. */
  #unassign(holder: Holder, log: Log, ranges: Ranges): Ranges {
    const assigned = holder.assigned.get(log.id);
    if (assigned === undefined) return NO_RANGES;
    const taken = intersect(assigned, ranges);
    if (taken.length === 0) return NO_RANGES;
    const left = subtract(assigned, taken);
    if (left.length === 0) holder.assigned.delete(log.id);
    else holder.assigned.set(log.id, left);
    holder.assignedCount -= countOf(taken);
    return taken;
  }

  #assign(holders: Iterable<Holder>, now: MonotonicMs): readonly Assignment[] {
    const changes = new Map<string, Assignment>();
    // In turns, so that of several that have the same none gets all.
    let waiting = [...holders];
    while (waiting.length > 0) {
      waiting = waiting.filter((holder) => {
        const next = this.#assignOne(holder, now);
        if (next === undefined) return false;
        const key = `${next.peer} ${next.log}`;
        const before = changes.get(key)?.ranges ?? NO_RANGES;
        changes.set(key, { ...next, ranges: union(before, next.ranges) });
        return true;
      });
    }
    return [...changes.values()];
  }

  #assignOne(holder: Holder, now: MonotonicMs): Assignment | undefined {
    // With nobody to share with there is nothing to hold back.
    const window = this.#holders.size === 1 ? WINDOW_ENTRIES_MAX : holder.window;
    const room = window - holder.assignedCount;
    // Asking in larger pieces makes fewer frames; the last piece of a log may be small.
    if (now < holder.restsUntil || (room < Math.min(CHUNK_ENTRIES, window / 2) && holder.assignedCount > 0))
      return undefined;
    for (const logClass of classes) {
      const queue = holder.queues[logClass];
      for (const log of queue) {
        queue.delete(log);
        const may = subtract(
          intersect(log.free, holder.offered.get(log.id) ?? NO_RANGES),
          holder.absent.get(log.id) ?? NO_RANGES,
        );
        if (may.length === 0) continue;
        const ranges = newest(may, Math.min(room, CHUNK_ENTRIES));
        // At the end of the queue again: the logs of one class take turns.
        if (countOf(ranges) < countOf(may)) queue.add(log);
        if (holder.assignedCount === 0) holder.progressAt = now;
        log.free = subtract(log.free, ranges);
        gather(holder.assigned, log.id, ranges);
        holder.assignedCount += countOf(ranges);
        holder.keptBack.given(log.id, ranges, now);
        return { peer: holder.peer, log: log.id, ranges, wanted: true };
      }
    }
    return undefined;
  }
}

/** The last positions of the set, at most `count` of them. A long range is cut where few nodes prove what lies beside the cut. */
function newest(ranges: Ranges, count: number): Ranges {
  const taken: Range[] = [];
  let left = count;
  for (let at = ranges.length - 1; at >= 0 && left > 0; at--) {
    const { from, to } = ranges[at]!;
    const start = Math.max(from, to - left);
    const aligned = Math.ceil(start / CUT_AT) * CUT_AT;
    taken.push({ from: start > from && aligned < to ? aligned : start, to });
    left -= to - start;
  }
  return taken.reverse();
}
