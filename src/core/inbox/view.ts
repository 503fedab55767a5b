/**
 * Reading the stored view: which rows to ask the store for, and what they say. Pure; texts are opened by the caller from the
 * entries at the places found here. Layout: docs/spec/inbox.md, "View". Tests: test/unit/inbox/view.test.ts.
 */
import { assert } from "../base/errors.ts";
import type { ConversationId, DeviceId, MessageId } from "../base/ids.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";
import { deliveryOf, mark } from "./marks.ts";
import { decodeEditRow, decodePlacedRow, decodeReactionRow } from "./placed.ts";
import type { ArchiveRegister, MuteRegister, PinRegister } from "./properties.ts";
import { decodeConversationRow } from "./registers.ts";
import {
  conversationOfKey,
  conversationRowKey,
  deviceOfKey,
  keysFrom,
  keysUpTo,
  messageRowKey,
  orderOfKey,
  orderRowKey,
  orderRowKeyOf,
  type KeyRange,
} from "./row-keys.ts";
import { decodeMessageRow, decodeOrderRow, messageFlag, orderRowMarks } from "./rows.ts";
import { compareOrder } from "./stamp.ts";
import { MUTED_FOR_EVER, type DeliveryState, type Direction, type OrderKey, type Stamp } from "./types.ts";

export {
  TOTALS_KEY,
  conversationRowKey,
  editRowKey,
  messageOfKey,
  messageRowKey,
  unsendRowKey,
} from "./row-keys.ts";
export { decodeTotals as readTotals, type Totals } from "./rows.ts";

/** A message as the order of its conversation knows it. */
export interface OrderedMessage {
  readonly id: MessageId;
  readonly conversation: ConversationId;
  readonly order: OrderKey;
  readonly place: Place;
  readonly direction: Direction;
  readonly readAtSource: boolean;
  readonly takenIn: boolean;
  /** In the bin: shown only where deleted ones are asked for. */
  readonly deleted: boolean;
  /** Of a kind that this version does not know. */
  readonly later: boolean;
  /** Another text counts than its operation's: the last of `editBounds`. */
  readonly edited: boolean;
  /** Taken back: no text of it is shown. When: the row of `unsendRowKey`. */
  readonly unsent: boolean;
  /** There are rows in `reactionBounds`. */
  readonly reacted: boolean;
  /** How far it got, of what was sent from here; null where nothing was said about it. */
  readonly delivery: DeliveryState | null;
  /** A tombstone names it: it may be purged (`purges.ts`), and then it is shown nowhere. */
  readonly named: boolean;
}

/** A message as its id knows it. */
export interface FoundMessage extends OrderedMessage {
  /** The delete or restore that counts last, for exports; null where there was none. */
  readonly lastWord: OrderKey | null;
}

/** An operation whose text names something, and where to read it. */
export interface Naming {
  readonly order: OrderKey;
  readonly place: Place;
}

export interface ConversationState {
  readonly conversation: ConversationId;
  /** The message whose `conversation` field is the address. Null: nothing has been written in it that is here. */
  readonly name: Naming | null;
  /** The `title` operation that counts. */
  readonly title: Naming | null;
  /** The list shows the largest first. */
  readonly sortMs: number;
  /** The largest stamp given here: what is written next stands behind it. */
  readonly clock: Stamp | null;
  readonly readUpTo: OrderKey | null;
  /** The person marked it unread and no read came after it. */
  readonly markedUnread: boolean;
  /** Of these three null where nobody ever set it. */
  readonly pin: PinRegister | null;
  readonly mute: MuteRegister | null;
  readonly archive: ArchiveRegister | null;
  /** The `draft` operation that counts. */
  readonly draft: (Naming & { readonly isEmpty: boolean }) | null;
  readonly participants: Naming | null;
  /** First and last message that can be unread at all; null where none can. */
  readonly candidates: { readonly first: OrderKey; readonly last: OrderKey } | null;
}

/** The order rows of a conversation, or of its messages before one of them. Read in reverse for the newest first. */
export function orderRange(
  conversation: ConversationId,
  limits: { readonly before?: OrderKey } = {},
): KeyRange {
  const prefix = `o${conversationRowKey(conversation).slice(1)}`;
  const to = limits.before === undefined ? keysUpTo(prefix) : orderRowKeyOf(conversation, limits.before);
  return { from: keysFrom(prefix), to };
}

/** The rows of all conversations. */
export function conversationBounds(): KeyRange {
  return { from: keysFrom("c"), to: keysUpTo("c") };
}

/** The rows of all messages, in the order of their ids. */
export function messageBounds(): KeyRange {
  return { from: keysFrom("m"), to: keysUpTo("m") };
}

/** The rows of all device names. */
export function deviceBounds(): KeyRange {
  return { from: keysFrom("d"), to: keysUpTo("d") };
}

/** All edits of a message, in their order: the last one is its text. */
export function editBounds(id: MessageId): KeyRange {
  const prefix = `e${messageRowKey(id).slice(1)}`;
  return { from: keysFrom(prefix), to: keysUpTo(prefix) };
}

/** All reactions to a message, those that were removed included. */
export function reactionBounds(id: MessageId): KeyRange {
  const prefix = `r${messageRowKey(id).slice(1)}`;
  return { from: keysFrom(prefix), to: keysUpTo(prefix) };
}

/** The rows of all settings of the account. */
export function settingBounds(): KeyRange {
  return { from: keysFrom("s"), to: keysUpTo("s") };
}

/** The message rows whose ids begin with these hex digits, which must be lower-case and at most 32. */
export function messagePrefixBounds(digits: string): KeyRange {
  const first = bytesOfDigits(digits.padEnd(32, "0"));
  const last = bytesOfDigits(digits.padEnd(32, "f"));
  return { from: keysFrom(`m${first}`), to: keysUpTo(`m${last}`) };
}

/** @throws EngineError `STORE_DAMAGED`, as all decoders here do where the bytes are none that this version writes. */
export function readOrderRow(key: RowKey, row: Row): OrderedMessage {
  const order = orderOfKey(key);
  const { flags, marks, place } = decodeOrderRow(row);
  return { id: order.id, conversation: conversationOfKey(key), order, place, ...fieldsOf(flags, marks) };
}

/** The message of an id, or null where only a delete or restore of it is here. */
export function readMessageRow(id: MessageId, row: Row): FoundMessage | null {
  const { content, marks, register } = decodeMessageRow(row);
  if (content === null) return null;
  const { conversation, stamp, place } = content;
  const deleted = register?.deleted ?? false;
  return {
    id,
    conversation,
    order: { stamp, id },
    place,
    ...fieldsOf(content.flags, marks),
    deleted,
    lastWord: register?.order ?? null,
  };
}

export function readConversationRow(key: RowKey, row: Row): ConversationState {
  const { unread, ...state } = decodeConversationRow(row);
  return { conversation: conversationOfKey(key), ...state, markedUnread: unread?.unread ?? false };
}

export function readDeviceRow(key: RowKey, row: Row): Naming & { readonly device: DeviceId } {
  const { order, place } = decodePlacedRow(row);
  return { device: deviceOfKey(key), order, place };
}

export function readEditRow(key: RowKey, row: Row): Naming {
  const { order, place } = decodeEditRow(key, row);
  return { order, place };
}

export function readReactionRow(row: Row): Naming & { readonly removed: boolean } {
  const { order, place, removed } = decodeReactionRow(row);
  return { order, place, removed };
}

/** The row of an unsend or a setting. */
export function readNamingRow(row: Row): Naming {
  const { order, place } = decodePlacedRow(row);
  return { order, place };
}

/** True where the message itself is here; false where only a delete or restore of it waits. */
export function messageIsHere(row: Row): boolean {
  return decodeMessageRow(row).content !== null;
}

/** Where the message stands that is here. */
export function orderOfMessage(id: MessageId, row: Row): OrderKey {
  const { content } = decodeMessageRow(row);
  assert(content !== null, "the order is asked of a message that is here");
  return { stamp: content.stamp, id };
}

/** The key of the row that gives a message its place in its conversation; null where only a delete or restore of it waits. */
export function orderRowKeyOfMessage(key: RowKey, row: Row): RowKey | null {
  const { content } = decodeMessageRow(row);
  return content === null ? null : orderRowKey(conversationRowKey(content.conversation), content.stamp, key);
}

/** The last stamp seen in a conversation, a device's name or a setting, by the key of its row: what is written next comes behind it. */
export function lastStampOf(key: RowKey, row: Row): Stamp | null {
  return key.startsWith("c") ? decodeConversationRow(row).clock : decodePlacedRow(row).order.stamp;
}

/** True while the conversation is muted. */
export function isMuted({ mute }: ConversationState, nowMs: number): boolean {
  return mute !== null && (mute.untilMs === MUTED_FOR_EVER || mute.untilMs > nowMs);
}

/**
 * Pinned ones first, by rank, and of one rank, as two devices give it at once, the one that was pinned first: the same on all devices. Then
 * the most recently used.
 */
export function compareForList(a: ConversationState, b: ConversationState): number {
  const [pinA, pinB] = [pinOf(a), pinOf(b)];
  const byId = a.conversation < b.conversation ? -1 : 1;
  if (pinA !== null && pinB !== null)
    return pinA.rank - pinB.rank || compareOrder(pinA.order, pinB.order) || byId;
  if (pinA !== null || pinB !== null) return pinA === null ? 1 : -1;
  return b.sortMs - a.sortMs || byId;
}

function pinOf({ pin }: ConversationState): PinRegister | null {
  return pin?.on === true ? pin : null;
}

/**
 * The order rows among which the unread messages are: from behind the read mark to the last that can be unread. Null: none is
 * unread, and nothing need be read. The count is those for which `isUnreadRow` holds.
 */
export function unreadBounds(state: ConversationState): KeyRange | null {
  const { candidates, readUpTo, conversation } = state;
  if (candidates === null) return null;
  if (readUpTo !== null && compareOrder(candidates.last, readUpTo) <= 0) return null;
  const isReadFrom = readUpTo !== null && compareOrder(readUpTo, candidates.first) >= 0;
  return {
    from: isReadFrom
      ? (`${orderRowKeyOf(conversation, readUpTo)}\x00` as RowKey)
      : orderRowKeyOf(conversation, candidates.first),
    to: keysUpTo(orderRowKeyOf(conversation, candidates.last)),
  };
}

/** Received, not read where it came from, not in the bin, and behind the read mark. */
export function isUnread(message: OrderedMessage, state: ConversationState): boolean {
  if (message.direction === "out" || message.readAtSource || message.deleted) return false;
  return state.readUpTo === null || compareOrder(message.order, state.readUpTo) > 0;
}

/** What `isUnread` says, of an order row within `unreadBounds`: for counting, without its ids. */
export function isUnreadRow(row: Row): boolean {
  const { flags } = decodeOrderRow(row);
  return (flags & (messageFlag.in | messageFlag.readAtSource | messageFlag.deleted)) === messageFlag.in;
}

/** Of an order row: a tombstone names its message. Costs nothing, since it is asked of every row that is counted. */
export function isNamedRow(row: Row): boolean {
  return (orderRowMarks(row) & mark.purged) !== 0;
}

/** Behind the read mark or not, for people: what is sent, and what was read where it came from, is read. */
export function isRead(message: OrderedMessage, state: ConversationState): boolean {
  return !isUnread({ ...message, deleted: false }, state);
}

type Fields = Omit<OrderedMessage, "id" | "conversation" | "order" | "place">;

/** Edits, unsends and delivery count only for what was sent from here, and no edit shows after an unsend. */
function fieldsOf(flags: number, marks: number): Fields {
  const isOut = (flags & messageFlag.in) === 0;
  const unsent = isOut && (marks & mark.unsent) !== 0;
  return {
    direction: isOut ? "out" : "in",
    readAtSource: (flags & messageFlag.readAtSource) !== 0,
    takenIn: (flags & messageFlag.takenIn) !== 0,
    deleted: (flags & messageFlag.deleted) !== 0,
    later: (flags & messageFlag.later) !== 0,
    edited: isOut && !unsent && (marks & mark.edited) !== 0,
    unsent,
    reacted: (marks & mark.reacted) !== 0,
    delivery: isOut ? deliveryOf(marks) : null,
    named: (marks & mark.purged) !== 0,
  };
}

function bytesOfDigits(digits: string): string {
  let bytes = "";
  for (let at = 0; at < digits.length; at += 2) {
    bytes += String.fromCharCode(Number.parseInt(digits.slice(at, at + 2), 16));
  }
  return bytes;
}
