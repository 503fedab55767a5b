/**
 * What edits, unsends, reactions and delivery states do to the rows of a turn. Each leaves a mark on its message, which may come later,
 * and what is more than a mark in a row of its own. Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold-marks.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import type { RowKey } from "../log/rows.ts";
import { joinMarks, mark, markOfDelivery } from "./marks.ts";
import {
  decodeEditRow,
  decodePlacedRow,
  decodeReactionRow,
  encodeEditRow,
  encodePlacedRow,
  encodeReactionRow,
  firstPlaced,
  isOther,
  lastPlaced,
  placedOf,
  type Placed,
} from "./placed.ts";
import { laterStamp } from "./registers.ts";
import { conversationRowKey, editRowKey, messageRowKey, unsendRowKey } from "./row-keys.ts";
import { comparePlaces, messageFlag, type MessageRow } from "./rows.ts";
import type { TurnRows } from "./turn-rows.ts";
import type { Change, OperationBody, PlacedOperation } from "./types.ts";

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;
type MessageChange = Extract<Change, { kind: "message-changed" }>["change"];

export function addEdit(rows: TurnRows, placed: PlacedOperation, body: Body<"edit">): void {
  const key = messageRowKey(body.message);
  const editKey = editRowKey(key, placed.operation);
  const known = rows.read(editKey);
  const standing = known === undefined ? null : decodeEditRow(editKey, known);
  const edit = firstPlaced(standing, placedOf(placed));
  if (edit !== standing) rows.put(editKey, encodeEditRow(edit));
  addLoser(rows, key, standing, { placed, isLast: edit !== standing });
  const message = markMessage(rows, placed, body, mark.edited);
  if (canBeTakenBack(message) && (message.marks & mark.unsent) === 0 && isOther(standing, edit))
    tell(rows, body, message, "edited");
}

export function addUnsend(rows: TurnRows, placed: PlacedOperation, body: Body<"unsend">): void {
  const unsendKey = unsendRowKey(messageRowKey(body.message));
  const known = rows.read(unsendKey);
  const standing = known === undefined ? null : decodePlacedRow(known);
  const first = firstPlaced(standing, placedOf(placed));
  if (first !== standing) rows.put(unsendKey, encodePlacedRow(first));
  const message = markMessage(rows, placed, body, mark.unsent);
  if (canBeTakenBack(message) && standing === null) tell(rows, body, message, "unsent");
}

/** `reaction` makes the row's key of the message's. */
export function addReaction(
  rows: TurnRows,
  placed: PlacedOperation,
  body: Body<"reaction">,
  reactionKey: RowKey,
): void {
  const known = rows.read(reactionKey);
  const standing = known === undefined ? null : decodeReactionRow(known);
  const last = lastPlaced(standing, { ...placedOf(placed), removed: body.removed });
  if (last !== standing) rows.put(reactionKey, encodeReactionRow(last));
  addLoser(rows, messageRowKey(body.message), standing, { placed, isLast: last !== standing });
  const message = markMessage(rows, placed, body, mark.reacted);
  if ((standing?.removed ?? true) !== last.removed) tell(rows, body, message, "reaction");
}

export function addDelivery(rows: TurnRows, placed: PlacedOperation, body: Body<"delivery">): void {
  const before = rows.message(messageRowKey(body.message)).marks;
  const message = markMessage(rows, placed, body, markOfDelivery(body.state));
  if (message.marks !== before && canBeTakenBack(message)) tell(rows, body, message, "status");
}

/** Of two that claim one row, the one that does not stand holds its text all the same: a purge of the message names its place. */
function addLoser(
  rows: TurnRows,
  key: RowKey,
  standing: Placed | null,
  { placed: { contentHash, place }, isLast }: { readonly placed: PlacedOperation; readonly isLast: boolean },
): void {
  if (standing === null) return;
  if (isLast) rows.addFurther(key, standing.place);
  else if (comparePlaces(standing.place, place) !== 0 || !equalBytes(standing.hash, contentHash))
    rows.addFurther(key, place);
}

/** Joins the mark into the message's row, and the operation's stamp into the clock of the conversation that it names. */
function markMessage(
  rows: TurnRows,
  { operation }: PlacedOperation,
  body: Body<"edit" | "unsend" | "reaction" | "delivery">,
  bits: number,
): MessageRow {
  const conversation = rows.conversation(conversationRowKey(body.conversation));
  conversation.clock = laterStamp(conversation.clock, operation.stamp);
  const key = messageRowKey(body.message);
  const message = rows.message(key);
  const marks = joinMarks(message.marks, bits);
  if (marks === message.marks) return message;
  const marked = { ...message, marks };
  rows.putMessage(key, marked);
  return marked;
}

/** Edits, unsends and delivery states count only for what was sent from here. */
function canBeTakenBack({ content }: MessageRow): boolean {
  return content !== null && (content.flags & messageFlag.in) === 0;
}

function tell(
  rows: TurnRows,
  { message: id }: Body<"edit" | "unsend" | "reaction" | "delivery">,
  { content }: MessageRow,
  change: MessageChange,
): void {
  if (content === null) return;
  rows.changes.push({ kind: "message-changed", conversation: content.conversation, id, change });
}
