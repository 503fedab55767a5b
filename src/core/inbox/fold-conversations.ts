/**
 * What is said of a conversation, a device or the account does to the rows of a turn: read marks, titles and other properties, names,
 * settings. Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold.test.ts, fold-marks.test.ts.
 */
import type { RowKey } from "../log/rows.ts";
import { decodePlacedRow, encodePlacedRow, isOther, lastPlaced, placedOf } from "./placed.ts";
import { lastMute, lastPin } from "./properties.ts";
import { lastWord, laterOrder, laterStamp } from "./registers.ts";
import { conversationRowKey, deviceNameRowKey } from "./row-keys.ts";
import type { TurnRows } from "./turn-rows.ts";
import type { OperationBody, PlacedOperation } from "./types.ts";

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;

/** What people set for a conversation, its title among it. */
export type PropertyBody = Body<"title" | "pin" | "mute" | "archive" | "draft" | "participants">;

export function markRead(
  rows: TurnRows,
  { operation }: PlacedOperation,
  body: Body<"read" | "unread">,
): void {
  const conversation = rows.conversation(conversationRowKey(body.conversation));
  const { readUpTo, unread } = conversation;
  conversation.clock = laterStamp(conversation.clock, operation.stamp);
  if (body.kind === "read") {
    // What is written here after a mark stands behind the mark, even where the mark names a time that nobody saw.
    conversation.clock = laterStamp(conversation.clock, body.upTo.stamp);
    conversation.readUpTo = laterOrder(readUpTo, body.upTo);
  }
  const word = { order: { stamp: operation.stamp, id: operation.id }, unread: body.kind === "unread" };
  conversation.unread = lastWord(unread, word, (register) => register.unread);
  const isMarked = unread?.unread ?? false;
  if (conversation.readUpTo !== readUpTo || conversation.unread.unread !== isMarked) {
    rows.changes.push({ kind: "read", conversation: body.conversation });
  }
}

export function setProperty(rows: TurnRows, placed: PlacedOperation, body: PropertyBody): void {
  const conversation = rows.conversation(conversationRowKey(body.conversation));
  conversation.clock = laterStamp(conversation.clock, placed.operation.stamp);
  if (joinProperty(conversation, placed, body))
    rows.changes.push({ kind: "conversation", conversation: body.conversation });
}

/** True where people see a difference. */
function joinProperty(
  conversation: ReturnType<TurnRows["conversation"]>,
  placed: PlacedOperation,
  body: PropertyBody,
): boolean {
  const { order } = placedOf(placed);
  switch (body.kind) {
    case "title": {
      const { title } = conversation;
      conversation.title = lastPlaced(title, placedOf(placed));
      return isOther(title, conversation.title);
    }
    case "pin": {
      const { pin } = conversation;
      conversation.pin = lastPin(pin, { order, on: body.on, rank: body.rank });
      return (pin?.on ?? false) !== conversation.pin.on || (pin?.rank ?? 0) !== conversation.pin.rank;
    }
    case "mute": {
      const { mute } = conversation;
      conversation.mute = lastMute(mute, { order, untilMs: body.untilMs });
      return (mute?.untilMs ?? 0) !== conversation.mute.untilMs;
    }
    case "archive": {
      const { archive } = conversation;
      conversation.archive = lastWord(archive, { order, on: body.on }, ({ on }) => on);
      return (archive?.on ?? false) !== conversation.archive.on;
    }
    case "draft": {
      const { draft } = conversation;
      conversation.draft = lastPlaced(draft, { ...placedOf(placed), isEmpty: body.text === "" });
      return isOther(draft, conversation.draft);
    }
    case "participants": {
      const { participants } = conversation;
      conversation.participants = lastPlaced(participants, placedOf(placed));
      return isOther(participants, conversation.participants);
    }
  }
}

export function nameDevice(rows: TurnRows, placed: PlacedOperation, body: Body<"device-name">): void {
  if (joinRow(rows, deviceNameRowKey(body.device), placed))
    rows.changes.push({ kind: "device-name", device: body.device });
}

export function addSetting(rows: TurnRows, placed: PlacedOperation, key: RowKey): void {
  if (joinRow(rows, key, placed)) rows.changes.push({ kind: "setting", place: placed.place });
}

/** A register that has a row of its own. True where another content stands now. */
function joinRow(rows: TurnRows, key: RowKey, placed: PlacedOperation): boolean {
  const known = rows.read(key);
  const standing = known === undefined ? null : decodePlacedRow(known);
  const last = lastPlaced(standing, placedOf(placed));
  if (last === standing) return false;
  rows.put(key, encodePlacedRow(last));
  return isOther(standing, last);
}
