/**
 * What a message, and a delete or restore of one, does to the rows of a turn. An operation sees what the ones before it in the turn
 * have written. Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold.test.ts.
 */
import { compareBytes, equalBytes } from "../base/bytes.ts";
import type { ConversationId } from "../base/ids.ts";
import type { RowKey } from "../log/rows.ts";
import { firstPlaced } from "./placed.ts";
import { earlierOrder, lastWord, laterOrder, laterStamp } from "./registers.ts";
import { conversationRowKey, messageOfKey, messageRowKey } from "./row-keys.ts";
import {
  comparePlaces,
  flagsOf,
  messageFlag,
  type DeleteRegister,
  type MessageContent,
  type MessageRow,
} from "./rows.ts";
import { compareStamps } from "./stamp.ts";
import type { TurnRows } from "./turn-rows.ts";
import type { OperationBody, OrderKey, PlacedOperation } from "./types.ts";

/** A conversation and the key of its row. */
export interface ConversationRef {
  readonly id: ConversationId;
  readonly key: RowKey;
}

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;
type MessageBody = Body<"message" | "later-message">;

export function addMessage(
  rows: TurnRows,
  placed: PlacedOperation,
  body: MessageBody,
  ref: ConversationRef,
): void {
  const { operation, contentHash, place } = placed;
  joinMessage(rows, placed, body, ref);
  const key = messageRowKey(operation.id);
  const content: MessageContent = {
    hash: contentHash,
    conversation: ref.id,
    stamp: operation.stamp,
    flags: flagsOf(body),
    place,
  };
  const standing = rows.message(key);
  if (standing.content !== null) {
    meet(rows, key, { standing, content: standing.content }, content);
    return;
  }
  rows.putMessage(key, { ...standing, content });
  rows.totals.messages++;
  if (standing.register?.deleted === true) rows.totals.deleted++;
  else {
    const isMarked = standing.marks !== 0;
    rows.changes.push({ kind: "message", conversation: ref.id, id: operation.id, place, isMarked });
  }
}

/** A delete or restore, for messages that are here and for those that are still to come. */
export function moveToBin(
  rows: TurnRows,
  { operation }: PlacedOperation,
  body: Body<"delete" | "restore">,
): void {
  const conversation = rows.conversation(conversationRowKey(body.conversation));
  conversation.clock = laterStamp(conversation.clock, operation.stamp);
  const word: DeleteRegister = {
    order: { stamp: operation.stamp, id: operation.id },
    deleted: body.kind === "delete",
  };
  for (const id of body.messages) {
    const key = messageRowKey(id);
    const message = rows.message(key);
    const { content, register } = message;
    const last = lastWord(register, word, ({ deleted }) => deleted);
    if (last === register) continue;
    const wasDeleted = register?.deleted ?? false;
    rows.putMessage(key, { ...message, register: last });
    if (content === null || wasDeleted === last.deleted) continue;
    rows.totals.deleted += last.deleted ? 1 : -1;
    const change = last.deleted ? "deleted" : "restored";
    rows.changes.push({ kind: "message-changed", conversation: content.conversation, id, change });
  }
}

/** What every message says about its conversation, whether or not it comes to stand for its id. */
function joinMessage(rows: TurnRows, placed: PlacedOperation, body: MessageBody, ref: ConversationRef): void {
  const { stamp, id } = placed.operation;
  const conversation = rows.conversation(ref.key);
  if (!body.takenIn) conversation.clock = laterStamp(conversation.clock, stamp);
  conversation.sortMs = Math.max(conversation.sortMs, Math.min(stamp.ms, placed.takenInMs));
  const order: OrderKey = { stamp, id };
  if (body.direction === "in" && !body.readAtSource) {
    const { candidates } = conversation;
    conversation.candidates = {
      first: earlierOrder(candidates?.first ?? null, order),
      last: laterOrder(candidates?.last ?? null, order),
    };
  }
  const { name } = conversation;
  conversation.name = firstPlaced(name, { order, hash: placed.contentHash, place: placed.place });
  if (name !== null) return;
  rows.totals.conversations++;
  rows.changes.push({ kind: "conversation", conversation: ref.id });
}

/** Another operation claims an id that has content. */
function meet(
  rows: TurnRows,
  key: RowKey,
  { standing, content }: { readonly standing: MessageRow; readonly content: MessageContent },
  claim: MessageContent,
): void {
  if (equalBytes(content.hash, claim.hash)) {
    // The same operation at two places: re-appended, or taken in from a log that begins anew. One place is kept.
    if (comparePlaces(claim.place, content.place) < 0) rows.putMessage(key, { ...standing, content: claim });
    return;
  }
  const { changes } = rows;
  const bothTakenIn = (content.flags & claim.flags & messageFlag.takenIn) !== 0;
  if (!bothTakenIn) changes.push({ kind: "conflict", id: messageOfKey(key) });
  if (compareClaims(content, claim) < 0) return;
  rows.takeOutOfOrder(key, standing);
  rows.putMessage(key, { ...standing, content: claim });
  changes.push({ kind: "conversation", conversation: claim.conversation });
  if (content.conversation !== claim.conversation)
    changes.push({ kind: "conversation", conversation: content.conversation });
}

/**
 * Negative where `a` stands against `b`, which claims the same id: what was written here before what was taken in, so that
 * there is one order of all claims; of two that were taken in the smaller (stamp, hash); else the smaller hash.
 */
function compareClaims(a: MessageContent, b: MessageContent): number {
  const takenIn = a.flags & messageFlag.takenIn;
  const byClass = takenIn - (b.flags & messageFlag.takenIn);
  if (byClass !== 0) return byClass;
  return (takenIn === 0 ? 0 : compareStamps(a.stamp, b.stamp)) || compareBytes(a.hash, b.hash);
}
