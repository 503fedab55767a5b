/**
 * Keys of the stored view's rows. A key is a binary string that sorts as its bytes do. Layout: docs/spec/inbox.md, "View".
 * Tests: test/unit/inbox/rows.test.ts.
 *
 *     'm' ‖ message id                              a message and its place, or what waits for it
 *     'o' ‖ conversation ‖ stamp ‖ message id       the order within a conversation
 *     'e' ‖ message id ‖ stamp ‖ edit's id          an edit of it
 *     'u' ‖ message id                              when it was unsent
 *     'r' ‖ message id ‖ key of the reaction        a reaction to it
 *     'c' ‖ conversation                            what is known of a conversation
 *     's' ‖ key of the setting                      a setting of the account
 *     'd' ‖ device                                  a device's name
 *     't'                                           totals
 *     'p' ‖ message id ‖ control id of a purge      a tombstone that names it
 *     'q' ‖ control id of a purge ‖ message id      the same, by the purge
 *     'y' ‖ message id ‖ uint log ‖ uint position   a further place that holds content of it
 *     'b' ‖ message id, 'a' ‖ ms ‖ message id       since when it is in the bin here, and when it is due (bin-rows.ts)
 */
import type { ControlId, ConversationId, DeviceId, MessageId } from "../base/ids.ts";
import type { Place, RowKey } from "../log/rows.ts";
import { SHORT_ID_BYTES, byteAt, idToKey, keyToId } from "./id-codec.ts";
import type { OrderKey, Stamp } from "./types.ts";

export const TOTALS_KEY = "t" as RowKey;

const STAMP_AT = 1 + SHORT_ID_BYTES;
const STAMP_BYTES = 8;
const ORDER_ID_AT = STAMP_AT + STAMP_BYTES;
const ORDER_KEY_LENGTH = ORDER_ID_AT + SHORT_ID_BYTES;
const CONTROL_ID_BYTES = 32;
const KEY_LENGTH_MAX = 1 + SHORT_ID_BYTES + CONTROL_ID_BYTES;
const M = 0x6d;
const C = 0x63;

/** Rows with `from <= key < to`. */
export interface KeyRange {
  readonly from: RowKey;
  readonly to: RowKey;
}

export function messageRowKey(id: MessageId): RowKey {
  return shortKey(M, id);
}

export function conversationRowKey(conversation: ConversationId): RowKey {
  return shortKey(C, conversation);
}

export function deviceNameRowKey(device: DeviceId): RowKey {
  return `d${idToKey(device)}` as RowKey;
}

/** `conversationKey` and `messageKey` are the keys of those two rows, which every caller has at hand. */
export function orderRowKey(conversationKey: RowKey, stamp: Stamp, messageKey: RowKey): RowKey {
  return `o${conversationKey.slice(1)}${stampToKey(stamp)}${messageKey.slice(1)}` as RowKey;
}

/** The same from ids. */
export function orderRowKeyOf(conversation: ConversationId, order: OrderKey): RowKey {
  return orderRowKey(conversationRowKey(conversation), order.stamp, messageRowKey(order.id));
}

/** `messageKey` is the key of the message's row, as below. */
export function editRowKey(messageKey: RowKey, { stamp, id }: OrderKey): RowKey {
  return `e${messageKey.slice(1)}${stampToKey(stamp)}${idToKey(id)}` as RowKey;
}

export function unsendRowKey(messageKey: RowKey): RowKey {
  return `u${messageKey.slice(1)}` as RowKey;
}

/** `reaction`: the 16 bytes of its keyed hash. */
export function reactionRowKey(messageKey: RowKey, reaction: Uint8Array): RowKey {
  return `r${messageKey.slice(1)}${String.fromCharCode(...reaction)}` as RowKey;
}

/** `setting`: the 16 bytes of its keyed hash. */
export function settingRowKey(setting: Uint8Array): RowKey {
  return `s${String.fromCharCode(...setting)}` as RowKey;
}

/** `messageKey` is the key of the message's row, as below. */
export function purgedRowKey(messageKey: RowKey, purge: ControlId): RowKey {
  return `p${messageKey.slice(1)}${idToKey(purge)}` as RowKey;
}

export function purgeRowKey(purge: ControlId, messageKey: RowKey): RowKey {
  return `q${idToKey(purge)}${messageKey.slice(1)}` as RowKey;
}

export function furtherRowKey(messageKey: RowKey, { logNumber, position }: Place): RowKey {
  return `y${messageKey.slice(1)}${uintToKey(logNumber)}${uintToKey(position)}` as RowKey;
}

/** The purge of a row `p`. */
export function purgeOfKey(key: RowKey): ControlId {
  return keyToId(key, 1 + SHORT_ID_BYTES, key.length);
}

/** The key of the message of a row `e`, `r`, `u`, `p` or `y`. */
export function messageKeyOf(key: RowKey): RowKey {
  return `m${key.slice(1, 1 + SHORT_ID_BYTES)}` as RowKey;
}

/** The purge of a row `q`. */
export function purgeOfNamedKey(key: RowKey): ControlId {
  return keyToId(key, 1, 1 + CONTROL_ID_BYTES);
}

/** The message of a row `q`. */
export function messageOfPurgeKey(key: RowKey): MessageId {
  return keyToId(key, 1 + CONTROL_ID_BYTES, key.length);
}

/** The place of a row `y`. */
export function placeOfKey(key: RowKey): Place {
  const [logNumber, at] = keyToUint(key, 1 + SHORT_ID_BYTES);
  return { logNumber, position: keyToUint(key, at)[0] };
}

/** Where the message of an order row stands, or the edit of an edit row. */
export function orderOfKey(key: RowKey): OrderKey {
  return { stamp: keyToStamp(key, STAMP_AT), id: keyToId<MessageId>(key, ORDER_ID_AT, ORDER_KEY_LENGTH) };
}

export function conversationOfKey(key: RowKey): ConversationId {
  return keyToId(key, 1, 1 + SHORT_ID_BYTES);
}

/** The message of a message row. */
export function messageOfKey(key: RowKey): MessageId {
  return keyToId(key, 1, 1 + SHORT_ID_BYTES);
}

export function deviceOfKey(key: RowKey): DeviceId {
  return keyToId(key, 1, key.length);
}

/** Before the first key that begins with `prefix`. */
export function keysFrom(prefix: string): RowKey {
  return prefix as RowKey;
}

/** Behind the last key that begins with `prefix`: no key has as many of the highest byte behind it. */
export function keysUpTo(prefix: string): RowKey {
  return `${prefix}${"\xff".repeat(KEY_LENGTH_MAX)}` as RowKey;
}

/** An unsigned LEB128 number. */
function uintToKey(value: number): string {
  let key = "";
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) key += String.fromCharCode((rest % 128) + 128);
  return key + String.fromCharCode(rest);
}

/** The number at `at`, and where the next one begins. */
function keyToUint(key: string, at: number): readonly [value: number, end: number] {
  let value = 0;
  for (let scale = 1, end = at; ; scale *= 128) {
    const byte = key.charCodeAt(end++);
    value += (byte % 128) * scale;
    if (!(byte >= 128)) return [value, end];
  }
}

function stampToKey({ ms, counter }: Stamp): string {
  const high = Math.floor(ms / 2 ** 24);
  const low = ms % 2 ** 24;
  return String.fromCharCode(
    high >> 16,
    (high >> 8) & 255,
    high & 255,
    low >> 16,
    (low >> 8) & 255,
    low & 255,
    counter >> 8,
    counter & 255,
  );
}

function keyToStamp(key: string, at: number): Stamp {
  let ms = 0;
  for (let byte = 0; byte < 6; byte++) ms = ms * 256 + key.charCodeAt(at + byte);
  return { ms, counter: key.charCodeAt(at + 6) * 256 + key.charCodeAt(at + 7) };
}

/** One call with all characters: a string joined of parts would be flattened again by every map it enters. */
function shortKey(first: number, id: string): RowKey {
  return String.fromCharCode(
    first,
    byteAt(id, 0),
    byteAt(id, 2),
    byteAt(id, 4),
    byteAt(id, 6),
    byteAt(id, 8),
    byteAt(id, 10),
    byteAt(id, 12),
    byteAt(id, 14),
    byteAt(id, 16),
    byteAt(id, 18),
    byteAt(id, 20),
    byteAt(id, 22),
    byteAt(id, 24),
    byteAt(id, 26),
    byteAt(id, 28),
    byteAt(id, 30),
  ) as RowKey;
}
