/**
 * Every log that may be asked for or accepted, whose it is, and where it ends.
 * Spec: docs/spec/membership.md, "Logs and fences". Tests: test/unit/membership/{logs,fences}.test.ts.
 */
import { compareBytes } from "../base/bytes.ts";
import type { AccountId, DeviceId, LogId, TreeHash } from "../base/ids.ts";
import { logIdOf } from "../crypto/derive.ts";
import { EMPTY_ROOT } from "../log/tree.ts";
import type { LogClass } from "../log/types.ts";
import { INCARNATIONS_MAX } from "./body-codec.ts";
import type { ControlLog, Placed } from "./causality.ts";
import type { Judgement } from "./judgement.ts";
import { isOpened } from "./roster.ts";
import type { ForkedLog, LogOwner, MemberDevice } from "./types.ts";

interface End {
  readonly length: number;
  readonly root: TreeHash;
}

/** Ascending by log. */
export function listOwners(
  judgement: Judgement,
  devices: ReadonlyMap<DeviceId, MemberDevice>,
  forks: readonly ForkedLog[],
): ReadonlyMap<LogId, LogOwner> {
  const ends = listForkEnds(judgement, forks);
  const owners: LogOwner[] = [];
  for (const [device, logs] of judgement.history.logs) {
    const fences = longestFences(judgement.revocations.get(device) ?? [], judgement);
    const isRevoked = judgement.revocations.has(device);
    for (const owner of openLogsOf(judgement.history.account, device, logs, devices.has(device))) {
      const { log, logClass } = owner;
      // Which operations of a revoked device count follows from who knew them, so peers need all of them.
      const fence = isRevoked && logClass !== "control" ? (fences.get(log) ?? NOTHING) : undefined;
      owners.push({ ...owner, cut: shorter(ends.get(log), fence) });
    }
  }
  owners.sort((a, b) => (a.log < b.log ? -1 : 1));
  return new Map(owners.map((owner) => [owner.log, owner]));
}

/** A log that no fence names ends before its first entry. */
const NOTHING: End = { length: 0, root: EMPTY_ROOT };

function* openLogsOf(
  account: AccountId,
  device: DeviceId,
  logs: readonly ControlLog[],
  isKnown: boolean,
): Generator<LogOwner> {
  const ownerOf = (incarnation: number, logClass: LogClass): LogOwner => {
    const log = logIdOf({ account, device, incarnation, logClass });
    return { log, device, incarnation, logClass, cut: null };
  };
  for (const log of logs) {
    yield ownerOf(log.incarnation, "control");
    if (!isKnown || !isOpened(log)) continue;
    yield ownerOf(log.incarnation, "state");
    yield ownerOf(log.incarnation, "messages");
  }
  const next = (logs.at(-1)?.incarnation ?? -1) + 1;
  if (next < INCARNATIONS_MAX) yield ownerOf(next, "control");
}

function listForkEnds(judgement: Judgement, forks: readonly ForkedLog[]): ReadonlyMap<LogId, End> {
  const ends = new Map<LogId, End>();
  for (const { log, commonLength, root } of forks) {
    ends.set(log, shorter(ends.get(log), { length: commonLength, root: root ?? EMPTY_ROOT })!);
  }
  for (const logs of judgement.history.logs.values()) {
    for (const { id, forkedAt } of logs) {
      const found = ends.get(id);
      if (forkedAt < (found?.length ?? Infinity)) ends.set(id, { length: forkedAt, root: EMPTY_ROOT });
    }
  }
  return ends;
}

/** Per log the longest; of contradicting roots the phrase's, then that of the smaller id. */
function longestFences(revocations: readonly Placed[], judgement: Judgement): ReadonlyMap<LogId, End> {
  const longest = new Map<LogId, End>();
  const isRooted = (placed: Placed): boolean => judgement.roots.haveSigned(placed);
  const byRank = (a: Placed, b: Placed): number =>
    Number(isRooted(b)) - Number(isRooted(a)) || (a.entry.id < b.entry.id ? -1 : 1);
  for (const { entry } of revocations.toSorted(byRank)) {
    const { body } = entry.operation;
    if (body.kind !== "revoke") continue;
    for (const { log, length, root } of body.fences) {
      if (length > (longest.get(log)?.length ?? -1)) longest.set(log, { length, root });
    }
  }
  return longest;
}

/** Of one length, a root that is known; of two, which only contradicting evidence gives, the smaller. */
function shorter(a: End | undefined, b: End | undefined): End | null {
  if (a === undefined || b === undefined) return a ?? b ?? null;
  if (a.length !== b.length) return a.length < b.length ? a : b;
  if (a.root === EMPTY_ROOT || b.root === EMPTY_ROOT) return a.root === EMPTY_ROOT ? b : a;
  return compareBytes(a.root, b.root) <= 0 ? a : b;
}
