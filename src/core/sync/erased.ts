/**
 * Whose payload may be missing for good. A leaf says as much of an entry whose payload was erased as of one that is whole, so a proof does
 * not tell whether erasing was right: a member that called everything erased would keep the account's history from a new device, and a
 * revocation from all. What is believed stands in the members' view. Rules: docs/spec/sync.md, "Erased payloads".
 * Tests: test/unit/sync/erased.test.ts, test/unit/sync/session-faults.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import { equalBytes } from "../base/bytes.ts";
import { NO_RANGES, type Range, type Ranges, rangeOf, setOf } from "../log/ranges.ts";
import type { BatchEntry, VerifiedBatch } from "../log/types.ts";
import type { LogOwner, MemberView } from "../membership/types.ts";
import type { RangesByLog } from "./types.ts";

/** In more pieces than honest holders make, a batch would leave holes here that cost more to remember than it brings. */
const PIECES_MAX = 32;

/** Several of a place where purges name it with several leaves: one of them may lie. */
type Leaves = ReadonlyMap<LogId, ReadonlyMap<number, readonly Uint8Array[]>>;

export interface Judged {
  /** What is called erased without a right to it is absent here. */
  readonly batch: VerifiedBatch;
  /** Positions of the batch that came without a payload, and are missing as before. */
  readonly withheld: Ranges;
}

/** What of a batch can be taken in. */
export function judgeErased(batch: VerifiedBatch, owner: LogOwner, members: MemberView): Judged {
  if (batch.entries.every(({ state }) => state === "present")) return { batch, withheld: NO_RANGES };
  const named = owner.logClass === "control" ? undefined : leavesOf(members).get(owner.log);
  const withheld: Range[] = [];
  const entries = batch.entries.map((entry, offset): BatchEntry => {
    const position = batch.from + offset;
    if (entry.state === "present") return entry;
    const isNamed = named?.get(position)?.some((leaf) => equalBytes(leaf, batch.leaves[offset]!)) === true;
    if (entry.state === "purged" && isNamed) return entry;
    const last = withheld.at(-1);
    if (last?.to === position) withheld[withheld.length - 1] = { from: last.from, to: position + 1 };
    else withheld.push(...rangeOf(position, position + 1));
    return { ...entry, state: "absent" };
  });
  if (withheld.length > PIECES_MAX)
    return { batch, withheld: rangeOf(batch.from, batch.from + batch.entries.length) };
  return { batch: { ...batch, entries }, withheld };
}

const leavesByView = new WeakMap<MemberView, Leaves>();

/** The leaves that approved purges name. One member alone may announce any number of small ones, and nothing in them says when. */
function leavesOf(members: MemberView): Leaves {
  const known = leavesByView.get(members);
  if (known !== undefined) return known;
  const leaves = new Map<LogId, Map<number, readonly Uint8Array[]>>();
  for (const purge of members.purges.filter(({ state }) => state === "approved")) {
    for (const { log, position, leaf } of purge.entries) {
      const ofLog = leaves.get(log) ?? new Map<number, readonly Uint8Array[]>();
      leaves.set(log, ofLog.set(position, [...(ofLog.get(position) ?? []), leaf]));
    }
  }
  leavesByView.set(members, leaves);
  return leaves;
}

const purgedByView = new WeakMap<MemberView, RangesByLog>();

/** What purges name that are not void: nobody need keep it for anybody. */
export function purgedPlaces(members: MemberView): RangesByLog {
  const known = purgedByView.get(members);
  if (known !== undefined) return known;
  const positions = new Map<LogId, number[]>();
  for (const { entries } of members.purges.filter(({ state }) => state !== "void")) {
    for (const { log, position } of entries) {
      const ofLog = positions.get(log) ?? [];
      positions.set(log, ofLog);
      ofLog.push(position);
    }
  }
  const places = new Map([...positions].map(([log, all]) => [log, setOf(all)]));
  purgedByView.set(members, places);
  return places;
}
