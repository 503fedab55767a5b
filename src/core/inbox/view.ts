/**
 * Reading the stored view: which rows to ask the store for, and what they say. Pure; texts are opened by the caller from the
 * entries at the places found here. Layout: docs/spec/inbox.md, "View". Tests: test/unit/inbox/view.test.ts.
 */
import { assert } from "../base/errors.ts";
import type { ConversationId, DeviceId, MessageId } from "../base/ids.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";
import { decodeConversationRow, decodeDeviceRow, laterOrder } from "./registers.ts";
import {
  conversationOfKey,
  conversationRowKey,
  deviceOfKey,
  keysFrom,
  keysUpTo,
  orderOfKey,
  orderRowKey,
  orderRowKeyOf,
  type KeyRange,
} from "./row-keys.ts";
import { decodeMessageRow, decodeOrderRow, messageFlag } from "./rows.ts";
import { compareOrder } from "./stamp.ts";
import type { Direction, OrderKey, Stamp } from "./types.ts";

export { TOTALS_KEY, conversationRowKey, deviceNameRowKey, messageRowKey } from "./row-keys.ts";
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

/** The message rows whose ids begin with these hex digits, which must be lower-case and at most 32. */
export function messagePrefixBounds(digits: string): KeyRange {
  const first = bytesOfDigits(digits.padEnd(32, "0"));
  const last = bytesOfDigits(digits.padEnd(32, "f"));
  return { from: keysFrom(`m${first}`), to: keysUpTo(`m${last}`) };
}

/** @throws EngineError `STORE_DAMAGED`, as all decoders here do where the bytes are none that this version writes. */
export function readOrderRow(key: RowKey, row: Row): OrderedMessage {
  const order = orderOfKey(key);
  const { flags, place } = decodeOrderRow(row);
  return { id: order.id, conversation: conversationOfKey(key), order, place, ...fieldsOfFlags(flags) };
}

/** The message of an id, or null where only a delete or restore of it is here. */
export function readMessageRow(id: MessageId, row: Row): FoundMessage | null {
  const { content, register } = decodeMessageRow(row);
  if (content === null) return null;
  const { conversation, stamp, place } = content;
  const deleted = register?.deleted ?? false;
  return {
    id,
    conversation,
    order: { stamp, id },
    place,
    ...fieldsOfFlags(content.flags),
    deleted,
    lastWord: register?.order ?? null,
  };
}

export function readConversationRow(key: RowKey, row: Row): ConversationState {
  const { name, title, sortMs, clock, readUpTo, unread, candidates } = decodeConversationRow(row);
  return {
    conversation: conversationOfKey(key),
    name,
    title,
    sortMs,
    clock,
    readUpTo,
    markedUnread: unread?.unread ?? false,
    candidates,
  };
}

export function readDeviceRow(key: RowKey, row: Row): Naming & { readonly device: DeviceId } {
  const { order, place } = decodeDeviceRow(row);
  return { device: deviceOfKey(key), order, place };
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

/** The last stamp seen in a conversation or in a device's name, by the key of its row: what is written next comes behind it. */
export function lastStampOf(key: RowKey, row: Row): Stamp | null {
  return key.startsWith("d") ? decodeDeviceRow(row).order.stamp : decodeConversationRow(row).clock;
}

/**
 * The order rows among which the unread messages are: from behind the read mark to the last that can be unread. Null: none is
 * unread, and nothing need be read. The count is those for which `isUnread` holds.
 */
export function unreadBounds(state: ConversationState): KeyRange | null {
  const { candidates, readUpTo, conversation } = state;
  if (candidates === null) return null;
  if (readUpTo !== null && compareOrder(candidates.last, readUpTo) <= 0) return null;
  const from = laterOrder(readUpTo, candidates.first);
  return {
    from: orderRowKeyOf(conversation, from),
    to: keysUpTo(orderRowKeyOf(conversation, candidates.last)),
  };
}

/** Received, not read where it came from, not in the bin, and behind the read mark. */
export function isUnread(message: OrderedMessage, state: ConversationState): boolean {
  if (message.direction === "out" || message.readAtSource || message.deleted) return false;
  return state.readUpTo === null || compareOrder(message.order, state.readUpTo) > 0;
}

/** Behind the read mark or not, for people: what is sent, and what was read where it came from, is read. */
export function isRead(message: OrderedMessage, state: ConversationState): boolean {
  return !isUnread({ ...message, deleted: false }, state);
}

function fieldsOfFlags(
  flags: number,
): Pick<OrderedMessage, "direction" | "readAtSource" | "takenIn" | "deleted"> {
  return {
    direction: (flags & messageFlag.in) !== 0 ? "in" : "out",
    readAtSource: (flags & messageFlag.readAtSource) !== 0,
    takenIn: (flags & messageFlag.takenIn) !== 0,
    deleted: (flags & messageFlag.deleted) !== 0,
  };
}

function bytesOfDigits(digits: string): string {
  let bytes = "";
  for (let at = 0; at < digits.length; at += 2) {
    bytes += String.fromCharCode(Number.parseInt(digits.slice(at, at + 2), 16));
  }
  return bytes;
}
