/**
 * What says that a content stands for a message, to the rows of a turn: the message itself and, where its payload may be gone, a tombstone
 * of it. Both come here, so that a device which never had the payload has the rows of one that had it.
 * Rules: docs/spec/inbox.md, "Fold"; docs/spec/purge.md. Tests: test/unit/inbox/fold.test.ts, fold-tombstones.test.ts.
 */
import { compareBytes, equalBytes } from "../base/bytes.ts";
import type { ConversationId, MessageId } from "../base/ids.ts";
import type { RowKey } from "../log/rows.ts";
import { firstPlaced } from "./placed.ts";
import { earlierOrder, laterOrder, laterStamp } from "./registers.ts";
import { messageOfKey } from "./row-keys.ts";
import { comparePlaces, messageFlag, type MessageContent, type MessageRow } from "./rows.ts";
import { compareStamps } from "./stamp.ts";
import type { TurnRows } from "./turn-rows.ts";
import type { OrderKey } from "./types.ts";

/** A conversation and the key of its row. */
export interface ConversationRef {
  readonly id: ConversationId;
  readonly key: RowKey;
}

/** What a message says about its conversation, whether or not it comes to stand for its id. */
export function joinConversation(
  rows: TurnRows,
  id: MessageId,
  { stamp, flags, hash, place }: MessageContent,
  { ref, takenInMs }: { readonly ref: ConversationRef; readonly takenInMs: number },
): void {
  const conversation = rows.conversation(ref.key);
  if ((flags & messageFlag.takenIn) === 0) conversation.clock = laterStamp(conversation.clock, stamp);
  conversation.sortMs = Math.max(conversation.sortMs, Math.min(stamp.ms, takenInMs));
  const order: OrderKey = { stamp, id };
  if ((flags & (messageFlag.in | messageFlag.readAtSource)) === messageFlag.in) {
    const { candidates } = conversation;
    conversation.candidates = {
      first: earlierOrder(candidates?.first ?? null, order),
      last: laterOrder(candidates?.last ?? null, order),
    };
  }
  const { name } = conversation;
  conversation.name = firstPlaced(name, { order, hash, place });
  if (name !== null) return;
  rows.totals.conversations++;
  rows.changes.push({ kind: "conversation", conversation: ref.id });
}

/** Whether the message itself claims its id, or a tombstone of it. */
export type Claimant = "operation" | "tombstone";

type Standing = MessageRow & { readonly content: MessageContent };

/** What waited for the message where it had no content until now, and this one stands for it; null where it had one. */
export function claimMessage(
  rows: TurnRows,
  key: RowKey,
  claim: MessageContent,
  by: Claimant,
): MessageRow | null {
  const row = rows.message(key);
  if (row.content !== null) {
    const standing = { ...row, content: row.content };
    meet(rows, key, standing, claim);
    replace(rows, key, { standing, now: joined(standing, claim, by) });
    return null;
  }
  rows.putMessage(key, { ...row, content: claim, told: by === "tombstone" });
  rows.totals.messages++;
  if (row.register?.deleted === true) rows.totals.deleted++;
  return row;
}

/** Another operation or tombstone claims an id that has content. */
function meet(rows: TurnRows, key: RowKey, standing: Standing, claim: MessageContent): void {
  const first = standing.before ?? standing.content;
  const difference = compareClaims(first, claim);
  // One that is not the first holds the text all the same: a purge of the message names its place.
  if (difference !== 0) rows.addFurther(key, difference < 0 ? claim.place : first.place);
  if (isConflict(first, claim) || isConflict(standing.content, claim))
    rows.changes.push({ kind: "conflict", id: messageOfKey(key) });
}

/** The first of all claims, and the first of those that operations make: that one stands, whatever tombstones say. */
function joined(standing: Standing, claim: MessageContent, by: Claimant): Standing {
  const first = firstClaim(standing.before ?? standing.content, claim);
  const known = standing.told ? null : standing.content;
  const said = by === "tombstone" ? known : firstClaim(known, claim);
  if (said === null) return { ...standing, content: first };
  return { ...standing, content: said, told: false, before: compareClaims(first, said) === 0 ? null : first };
}

function firstClaim(known: MessageContent | null, claim: MessageContent): MessageContent {
  return known !== null && compareClaims(known, claim) <= 0 ? known : claim;
}

function replace(
  rows: TurnRows,
  key: RowKey,
  { standing, now }: { readonly standing: Standing; readonly now: Standing },
): void {
  const [was, is] = [standing.content, now.content];
  if (is === was && now.told === standing.told && now.before === standing.before) return;
  const isMoved = was.conversation !== is.conversation || compareStamps(was.stamp, is.stamp) !== 0;
  if (isMoved) rows.takeOutOfOrder(key, standing);
  rows.putMessage(key, now);
  // The same operation at two places: appended again, or taken in from a log that begins anew. People see no difference.
  if (equalBytes(was.hash, is.hash) && was.flags === is.flags && !isMoved) return;
  rows.changes.push({ kind: "conversation", conversation: is.conversation });
  if (was.conversation !== is.conversation)
    rows.changes.push({ kind: "conversation", conversation: was.conversation });
}

/** Two contents of which one at least was written under that id, which honest devices draw at random. */
function isConflict(a: MessageContent, b: MessageContent): boolean {
  return !equalBytes(a.hash, b.hash) && (a.flags & b.flags & messageFlag.takenIn) === 0;
}

/**
 * Negative where `a` goes before `b`, which claims the same id, whoever makes them: what was written here before what was taken in, so that
 * there is one order of all claims; of two that were taken in the smaller (stamp, hash); else the smaller hash. Of one content the smaller
 * place; only a tombstone that lies says something else of it, and then what it says decides before the place does.
 */
function compareClaims(a: MessageContent, b: MessageContent): number {
  const takenIn = a.flags & messageFlag.takenIn;
  const byClass = takenIn - (b.flags & messageFlag.takenIn);
  if (byClass !== 0) return byClass;
  return (
    (takenIn === 0 ? 0 : compareStamps(a.stamp, b.stamp)) ||
    compareBytes(a.hash, b.hash) ||
    a.flags - b.flags ||
    compareStamps(a.stamp, b.stamp) ||
    (a.conversation === b.conversation ? 0 : a.conversation < b.conversation ? -1 : 1) ||
    comparePlaces(a.place, b.place)
  );
}
