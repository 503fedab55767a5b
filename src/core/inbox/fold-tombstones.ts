/**
 * What a tombstone does to the rows of a turn: it claims what it names as the messages themselves do, and marks them. Whether they are
 * purged is read later, from the purge that it belongs to (`purges.ts`).
 * Rules: docs/spec/purge.md. Tests: test/unit/inbox/fold-tombstones.test.ts.
 */
import { assert } from "../base/errors.ts";
import type { ConversationId, LogId } from "../base/ids.ts";
import type { Place, RowKey } from "../log/rows.ts";
import { claimMessage, joinConversation, type ConversationRef } from "./fold-claims.ts";
import { joinMarks, mark } from "./marks.ts";
import { decodePurgedRow, encodePurgedRow, firstPlaced, placedOf } from "./placed.ts";
import { laterStamp } from "./registers.ts";
import { messageRowKey, purgeRowKey, purgedRowKey } from "./row-keys.ts";
import { EMPTY_ROW, type MessageContent } from "./rows.ts";
import type { TurnRows } from "./turn-rows.ts";
import type { OperationBody, PlacedOperation } from "./types.ts";

type TombstoneBody = Extract<OperationBody, { kind: "tombstone" }>;

/**
 * The operation as the fold takes it: a tombstone with the places of what it names; every other as it is.
 *
 * @param numberOf This device's short number for a log, of which nothing need be here.
 */
export function withNamedPlaces(placed: PlacedOperation, numberOf: (log: LogId) => number): PlacedOperation {
  const { body } = placed.operation;
  if (body.kind !== "tombstone") return placed;
  const named = body.named.map(({ log, position }): Place => ({ logNumber: numberOf(log), position }));
  return { ...placed, named };
}

export function addTombstone(
  rows: TurnRows,
  placed: PlacedOperation,
  body: TombstoneBody,
  ref: ConversationRef,
): void {
  const { operation, named, takenInMs } = placed;
  assert(named?.length === body.named.length, "a tombstone comes with the places of what it names");
  const conversation = rows.conversation(ref.key);
  conversation.clock = laterStamp(conversation.clock, operation.stamp);
  const tombstone = placedOf(placed);
  let isNews = false;
  for (const [at, { message: id, contentHash: hash, stamp, flags }] of body.named.entries()) {
    const content: MessageContent = { hash, conversation: ref.id, stamp, flags, place: named[at]! };
    joinConversation(rows, id, content, { ref, takenInMs });
    const key = messageRowKey(id);
    claimMessage(rows, key, content, "tombstone");
    const shownIn = markPurged(rows, key);
    const purgedKey = purgedRowKey(key, body.purge);
    const known = rows.read(purgedKey);
    // Their orders are left out of the row: equal ones here, so that hash and place decide.
    const standing = known === undefined ? null : { ...tombstone, ...decodePurgedRow(known) };
    const first = firstPlaced(standing, tombstone);
    if (first === standing) continue;
    rows.put(purgedKey, encodePurgedRow(first));
    if (standing !== null) continue;
    rows.put(purgeRowKey(body.purge, key), EMPTY_ROW);
    isNews = true;
    // Of two contents under one id the one that stands may be in another conversation.
    if (shownIn !== ref.id) rows.changes.push({ kind: "conversation", conversation: shownIn });
  }
  // Lists are read anew; what is purged now is told by whoever knows what became of the purge.
  if (isNews) rows.changes.push({ kind: "conversation", conversation: ref.id });
}

/** Returns the conversation in which the message stands. */
function markPurged(rows: TurnRows, key: RowKey): ConversationId {
  const message = rows.message(key);
  assert(message.content !== null, "what was claimed has content");
  const marks = joinMarks(message.marks, mark.purged);
  if (marks !== message.marks) {
    rows.putMessage(key, { ...message, marks });
    rows.totals.purged++;
  }
  return message.content.conversation;
}
