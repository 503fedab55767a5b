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

/** What waited for the message where it had no content until now, and this one stands for it; null where it had one. */
export function claimMessage(rows: TurnRows, key: RowKey, claim: MessageContent): MessageRow | null {
  const standing = rows.message(key);
  if (standing.content !== null) {
    meet(rows, key, { standing, content: standing.content }, claim);
    return null;
  }
  rows.putMessage(key, { ...standing, content: claim });
  rows.totals.messages++;
  if (standing.register?.deleted === true) rows.totals.deleted++;
  return standing;
}

/** Another operation claims an id that has content. */
function meet(
  rows: TurnRows,
  key: RowKey,
  { standing, content }: { readonly standing: MessageRow; readonly content: MessageContent },
  claim: MessageContent,
): void {
  const difference = compareClaims(content, claim);
  if (difference === 0) return;
  // One that does not stand holds the text all the same: a purge of the message names its place.
  rows.addFurther(key, difference < 0 ? claim.place : content.place);
  const isSame = equalBytes(content.hash, claim.hash);
  const bothTakenIn = (content.flags & claim.flags & messageFlag.takenIn) !== 0;
  const { changes } = rows;
  if (!isSame && !bothTakenIn) changes.push({ kind: "conflict", id: messageOfKey(key) });
  if (difference < 0) return;
  const isMoved =
    content.conversation !== claim.conversation || compareStamps(content.stamp, claim.stamp) !== 0;
  if (isMoved) rows.takeOutOfOrder(key, standing);
  rows.putMessage(key, { ...standing, content: claim });
  // The same operation at two places: appended again, or taken in from a log that begins anew. People see no difference.
  if (isSame && !isMoved) return;
  changes.push({ kind: "conversation", conversation: claim.conversation });
  if (content.conversation !== claim.conversation)
    changes.push({ kind: "conversation", conversation: content.conversation });
}

/**
 * Negative where `a` stands against `b`, which claims the same id: what was written here before what was taken in, so that
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
