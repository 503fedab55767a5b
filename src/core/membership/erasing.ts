/**
 * Which purges this device may carry out now. A purge is one member's word, and what it names is gone once it is carried out: so a large one
 * waits until a second member agrees, or for a month in which anybody can stop it. Pure: what was learned when, and what the
 * clock says, come as arguments.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/unit/membership/erasing.test.ts.
 */
import type { ControlId, DeviceId } from "../base/ids.ts";
import type { MemberView, PurgeView } from "./types.ts";

/** Payloads that one device may have erased by itself in a day: what a person deletes by hand. */
export const SMALL_LIMIT = 100;
const DAY_MS = 86_400_000;
/** How long a purge stands before it needs nobody's approval. */
export const WAIT_MS = 30 * DAY_MS;

/** What this device remembers of one purge. */
export interface PurgeRecord {
  /** By this device's own count of time (time-passed.ts). */
  readonly learnedMs: number;
  /** It stood in the history with which this device was linked. */
  readonly joined: boolean;
  /** What it names is without payload here, and what comes later is stored without. */
  readonly done: boolean;
  /** The payloads are in no file any more. */
  readonly compacted: boolean;
}

export interface Erasing {
  /** To be carried out now, in the order in which they were learned of. */
  readonly due: readonly PurgeView[];
  /** Carried out here while they are open and another's: others can believe what is gone only once this device agrees. */
  readonly toApprove: readonly PurgeView[];
  /** Open, and nothing says yet that they may be carried out. */
  readonly waiting: readonly PurgeView[];
  /** By the same count as `nowMs`: when the first of those waiting has stood long enough; null where none waits. */
  readonly dueAtMs: number | null;
}

export interface ErasingGround {
  readonly members: Pick<MemberView, "purges" | "devices">;
  readonly self: DeviceId;
  /** Of every purge in `members`, in the order in which they were learned of. */
  readonly records: ReadonlyMap<ControlId, PurgeRecord>;
  readonly nowMs: number;
  /** Purges of which every message has been in the bin here for 30 days, and which name nothing else. */
  readonly longInBin: ReadonlySet<ControlId>;
}

export function decideErasing({ members, self, records, nowMs, longInBin }: ErasingGround): Erasing {
  const purges = new Map(members.purges.map((purge) => [purge.id, purge]));
  const small = smallOf(purges, records);
  const others = [...members.devices.values()].filter(
    ({ device, state }) => state === "active" && device !== self,
  );
  // Whoever was removed keeps what it has: its removal may be the first step of whoever wants all gone.
  const isActive = members.devices.get(self)?.state === "active";
  const due: PurgeView[] = [];
  const toApprove: PurgeView[] = [];
  const waiting: PurgeView[] = [];
  let dueAtMs: number | null = null;
  for (const [id, record] of records) {
    const purge = purges.get(id);
    if (purge === undefined || purge.state === "void") continue;
    if (record.done) {
      if (purge.state === "open" && purge.author !== self) toApprove.push(purge);
      continue;
    }
    const endMs = record.learnedMs + WAIT_MS;
    const isDue =
      isActive &&
      (purge.state === "approved" ||
        small.has(id) ||
        longInBin.has(id) ||
        nowMs >= endMs ||
        others.length === 0 ||
        // Its author was alone when this device came, and nobody else could agree: there is no payload to be had.
        (record.joined && others.every(({ device }) => device === purge.author)));
    if (isDue) due.push(purge);
    else {
      waiting.push(purge);
      dueAtMs = Math.min(dueAtMs ?? endMs, endMs);
    }
  }
  return { due, toApprove: isActive ? toApprove : [], waiting, dueAtMs };
}

/**
 * Purges with which their author stays below the limit, counted over the day before each. All that it wrote count, whatever became of them: what
 * this device carries out it approves, so a limit that forgave approved ones would be none.
 */
function smallOf(
  purges: ReadonlyMap<ControlId, PurgeView>,
  records: ReadonlyMap<ControlId, PurgeRecord>,
): ReadonlySet<ControlId> {
  const small = new Set<ControlId>();
  const days = new Map<
    DeviceId,
    { count: number; readonly named: { readonly atMs: number; readonly count: number }[] }
  >();
  for (const [id, { learnedMs }] of records) {
    const purge = purges.get(id);
    if (purge === undefined) continue;
    const day = days.get(purge.author) ?? { count: 0, named: [] };
    days.set(purge.author, day);
    // Learned of in order, so the oldest go first. One that seems to come from the future stays.
    while (day.named.length > 0 && day.named[0]!.atMs <= learnedMs - DAY_MS)
      day.count -= day.named.shift()!.count;
    day.named.push({ atMs: learnedMs, count: purge.entries.length });
    day.count += purge.entries.length;
    if (day.count < SMALL_LIMIT) small.add(id);
  }
  return small;
}
