/**
 * What a message, and a delete or restore of one, does to the rows of a turn. An operation sees what the ones before it in the turn
 * have written. Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold.test.ts.
 */
import { claimMessage, joinConversation, type ConversationRef } from "./fold-claims.ts";
import { lastWord, laterStamp } from "./registers.ts";
import { conversationRowKey, messageRowKey } from "./row-keys.ts";
import { flagsOf, type DeleteRegister, type MessageContent } from "./rows.ts";
import type { TurnRows } from "./turn-rows.ts";
import type { OperationBody, PlacedOperation } from "./types.ts";

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;
type MessageBody = Body<"message" | "later-message">;

export function addMessage(
  rows: TurnRows,
  placed: PlacedOperation,
  body: MessageBody,
  ref: ConversationRef,
): void {
  const { operation, contentHash: hash, place, takenInMs } = placed;
  const { id, stamp } = operation;
  const content: MessageContent = { hash, conversation: ref.id, stamp, flags: flagsOf(body), place };
  joinConversation(rows, id, content, { ref, takenInMs });
  const key = messageRowKey(id);
  const waited = claimMessage(rows, key, content, "operation");
  if (waited === null || waited.register?.deleted === true) return;
  rows.changes.push({ kind: "message", conversation: ref.id, id, place, isMarked: waited.marks !== 0 });
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
