/**
 * What becomes of operations that others may approve or stop, and which cloud peer is set.
 * Spec: docs/spec/membership.md, "Purges" and "Cloud peer". Tests: test/unit/membership/assents.test.ts.
 */
import type { ControlId, DeviceId } from "../base/ids.ts";
import { isBefore, type ControlLog, type Placed } from "./causality.ts";
import type { Judgement } from "./judgement.ts";
import { addTo } from "./multimap.ts";
import type { CloudPeer, PurgeView } from "./types.ts";

/** Why a `countersign` or `void` that its author was free to make says nothing; null where it counts. */
export function objectionToAssent(placed: Placed, judgement: Judgement): string | null {
  const { author, operation } = placed.entry;
  const { body } = operation;
  if (body.kind !== "countersign" && body.kind !== "void") return null;
  const named = judgement.history.byId.get(body.operation);
  if (named === undefined || !isBefore(named, placed)) return "it does not know what it names";
  const { kind } = named.entry.operation.body;
  if (body.kind === "void") return kind === "purge" ? null : "only a purge can be stopped";
  if (kind !== "purge" && kind !== "open-log" && kind !== "set-recovery")
    return "what it names needs no approval";
  const isOwn = named.entry.author === author && operation.rootSignature === null;
  return isOwn ? "nobody approves what it wrote itself" : null;
}

/** The purges among entries that count; ancestors first. */
export function viewPurges(counted: readonly Placed[], judgement: Judgement): readonly PurgeView[] {
  const assents = { countersign: new FirstOfLogs(), void: new FirstOfLogs() };
  for (const placed of counted) {
    const { body } = placed.entry.operation;
    if (body.kind === "countersign" || body.kind === "void") assents[body.kind].add(body.operation, placed);
  }
  const company = new Company(counted);
  return counted.flatMap((placed) => {
    const { id, author, operation } = placed.entry;
    if (operation.body.kind !== "purge") return [];
    const stops = assents.void.of(id);
    const needsNobody = operation.rootSignature !== null || company.isAlone(placed);
    // Who approves may have erased: no stop takes that back that it did not know, since anybody can say later to have come before.
    const isApproved =
      needsNobody ||
      assents.countersign.of(id).some((approval) => !stops.some((stop) => isBefore(stop, approval)));
    const isOver = stops.length > 0 || judgement.revocations.has(author);
    const state = isApproved ? "approved" : isOver ? "void" : "open";
    return [{ id, author, entries: operation.body.entries, state }];
  });
}

/**
 * By what they name, of each log the first. Who knows a later word of a log knows the first one too, and the first knows least: no other decides
 * anything, and a member that says it ten thousand times costs nobody more.
 */
class FirstOfLogs {
  readonly #found = new Map<ControlId, Map<ControlLog, Placed>>();

  /** Ancestors come first. */
  add(named: ControlId, placed: Placed): void {
    const logs = this.#found.get(named) ?? new Map<ControlLog, Placed>();
    if (!logs.has(placed.log)) this.#found.set(named, logs.set(placed.log, placed));
  }

  of(named: ControlId): readonly Placed[] {
    return [...(this.#found.get(named)?.values() ?? [])];
  }
}

/** Who else was there when an operation was made. */
class Company {
  readonly #arrivals = new Map<DeviceId, Placed[]>();
  readonly #departures = new Map<DeviceId, Placed[]>();

  constructor(counted: readonly Placed[]) {
    for (const placed of counted) {
      const { body } = placed.entry.operation;
      if (body.kind === "genesis" || body.kind === "admit") addTo(this.#arrivals, body.device, placed);
      else if (body.kind === "revoke") addTo(this.#departures, body.device, placed);
    }
  }

  /**
   * Its author was the account's only device: every other came with this operation in the past of its admission, or had been revoked
   * before it. So there was nobody to agree to it, and nobody who came later ever had what it purges.
   */
  isAlone(placed: Placed): boolean {
    for (const [device, arrivals] of this.#arrivals) {
      if (device === placed.entry.author || arrivals.every((arrival) => isBefore(placed, arrival))) continue;
      // Whom the author removed itself is company all the same: else a thief would remove all others first.
      const departures = (this.#departures.get(device) ?? []).filter(
        ({ entry }) => entry.author !== placed.entry.author || entry.operation.rootSignature !== null,
      );
      if (!departures.some((departure) => isBefore(departure, placed))) return false;
    }
    return true;
  }
}

/** The last `cloud` among entries that count; of several that did not know each other the phrase's, then the smaller id. */
export function viewCloud(counted: readonly Placed[]): CloudPeer | null {
  const lastOfLog = new Map<ControlLog, Placed>();
  for (const placed of counted)
    if (placed.entry.operation.body.kind === "cloud") lastOfLog.set(placed.log, placed);
  const last = [...lastOfLog.values()];
  const newest = last.filter((one) => !last.some((other) => isBefore(one, other)));
  const isRooted = ({ entry }: Placed): boolean => entry.operation.rootSignature !== null;
  newest.sort((a, b) => Number(isRooted(b)) - Number(isRooted(a)) || (a.entry.id < b.entry.id ? -1 : 1));
  const body = newest[0]?.entry.operation.body;
  if (body?.kind !== "cloud" || body.address === null || body.peerKey === null) return null;
  return { address: body.address, peerKey: body.peerKey };
}
