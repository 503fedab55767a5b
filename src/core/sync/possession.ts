/**
 * One hash over all that is held and counts: for peers (`held`, `beat`) and, under another label and shorter, for people.
 * Hashes only; says nothing of heads that are known and not held. Callers cache it: it costs a walk over all logs.
 * Spec: docs/spec/sync.md, "Possession digest". Tests: test/unit/wire/wire-vectors.test.ts.
 */
import { ByteWriter } from "../base/byte-writer.ts";
import { hex, u64 } from "../base/bytes.ts";
import { type AccountId, idBytes, type LogId } from "../base/ids.ts";
import { hashLabelled } from "../crypto/hash.ts";
import { labels } from "../crypto/labels.ts";
import { intersect, NO_RANGES, rangeOf, type Ranges, subtract } from "../log/ranges.ts";
import { isComplete, missingOf } from "../log/state.ts";
import type { Frontier, LogState } from "../log/types.ts";
import type { LogOwner, MemberView } from "../membership/types.ts";
import { writeRanges } from "../wire/ranges-codec.ts";
import type { SessionView } from "./types.ts";

interface Possession {
  readonly account: AccountId;
  readonly frontier: Frontier;
  readonly members: Pick<MemberView, "logs">;
}

const FINGERPRINT_BYTES = 16;

/** 32 bytes; equal exactly where the same entries of logs that count are held. */
export function possessionDigest(possession: Possession): Uint8Array {
  return hashLabelled(labels.possession, describe(possession));
}

/** 32 hex digits for people and scripts: docs/spec/api.md, `fingerprint`. */
export function fingerprint(possession: Possession): string {
  return hex(hashLabelled(labels.fingerprint, describe(possession)).subarray(0, FINGERPRINT_BYTES));
}

/** What of `ranges` counts in a log: nothing at or beyond its fence or fork, nothing of a log whose owner is unknown. */
export function countedRanges(ranges: Ranges, owner: LogOwner | undefined): Ranges {
  if (owner === undefined) return NO_RANGES;
  return owner.cut === null ? ranges : intersect(ranges, rangeOf(0, owner.cut.length));
}

/** What need not be asked for: taken in, unless its payload is wanted back. */
export function withPayload(view: Pick<SessionView, "frontier" | "wantedBack">, log: LogId): Ranges {
  return subtract(view.frontier.get(log)?.held ?? NO_RANGES, view.wantedBack.get(log) ?? NO_RANGES);
}

/**
 * True where no position that is wanted is missing below a known head. What lies at or beyond a log's fence or fork is not wanted: a
 * device that signed a head far beyond what it ever showed stands in nobody's way any more once it is revoked.
 */
export function isNothingMissing({ frontier, members }: Omit<Possession, "account">): boolean {
  for (const [log, state] of frontier) {
    if (isComplete(state)) continue;
    const cut = members.logs.get(log)?.cut ?? null;
    if (cut === null || intersect(missingOf(state), rangeOf(0, cut.length)).length > 0) return false;
  }
  return true;
}

function describe({ account, frontier, members }: Possession): Uint8Array {
  const writer = new ByteWriter(64 + 80 * frontier.size).raw(idBytes(account));
  for (const log of [...frontier.keys()].sort())
    describeLog(writer, frontier.get(log)!, members.logs.get(log));
  return writer.finish();
}

function describeLog(writer: ByteWriter, state: LogState, owner: LogOwner | undefined): void {
  const held = countedRanges(state.held, owner);
  if (held.length === 0) return;
  const prefix = cutPrefix(state, owner);
  writer.raw(idBytes(state.head.log)).raw(u64(prefix.length)).raw(prefix.root);
  writeRanges(writer, subtract(held, rangeOf(0, prefix.length)));
}

function cutPrefix({ prefix }: LogState, owner: LogOwner | undefined): LogState["prefix"] {
  const cut = owner?.cut ?? null;
  // Where the prefix reaches the cut, the cut's root is that of the accepted part, which is all that counts.
  return cut !== null && prefix.length >= cut.length ? { length: cut.length, root: cut.root } : prefix;
}
