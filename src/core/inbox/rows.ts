/**
 * Values of the rows that every message has: message, order and totals. Layout: docs/spec/inbox.md, "View".
 * Registers of conversations and devices: registers.ts. Tests: test/unit/inbox/rows.test.ts.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { EngineError, assert } from "../base/errors.ts";
import type { ConversationId, MessageId } from "../base/ids.ts";
import { takeMemory } from "../crypto/memory.ts";
import type { Place, Row } from "../log/rows.ts";
import { SHORT_ID_BYTES, readShortId, writeId } from "./id-codec.ts";
import { areMarks } from "./marks.ts";
import { CONTENT_HASH_BYTES } from "./operation.ts";
import { putUint, uintSize } from "./scratch-writer.ts";
import type { OperationBody, OrderKey, Stamp } from "./types.ts";

/** Raised whenever keys, values or rules of the fold change: then a device builds its view again from the logs. */
export const VIEW_VERSION = 4;
/**
 * Rows of a view of this version or a later one can be read, and folded into, by the code as it is: such a view goes on serving while the new one
 * is built. Raised to `VIEW_VERSION` with a change for which that does not hold.
 */
export const VIEW_READABLE_SINCE = 3;

/** First byte of every row. */
export const ROW_VERSION = 1;
/** The value of a row whose key says all. */
export const EMPTY_ROW: Row = Uint8Array.of(ROW_VERSION);
const LOG_NUMBER_MAX = 2 ** 32;
const POSITION_MAX = 2 ** 48;

/** What an order row says of its message beside its place; also a part of the message row. */
export const messageFlag = { in: 1, readAtSource: 2, takenIn: 4, deleted: 8, later: 16 } as const;
const ORDER_FLAGS_KNOWN = 31;

/** The content that stands for a message id. */
export interface MessageContent {
  readonly hash: Uint8Array;
  readonly conversation: ConversationId;
  readonly stamp: Stamp;
  /** Of `messageFlag`, without `deleted`. */
  readonly flags: number;
  readonly place: Place;
}

/** The last word on whether a message is in the bin: the largest (stamp, id), and of equals the delete. */
export interface DeleteRegister {
  readonly order: OrderKey;
  readonly deleted: boolean;
}

/** Content null: what names the message waits for it. */
export interface MessageRow {
  /** What marks.ts reads. */
  readonly marks: number;
  /** What stands: the first claim of an operation or, where there is none, of a tombstone. */
  readonly content: MessageContent | null;
  /** True where no operation claims the message here, and the content is what tombstones say. */
  readonly told: boolean;
  /** What tombstones say and no operation here, where it goes before what stands in the order of all claims. Never with `told`. */
  readonly before: MessageContent | null;
  readonly register: DeleteRegister | null;
}

export interface Totals {
  /** Message ids with content, those in the bin included. */
  readonly messages: number;
  /** Of these, how many are in the bin. */
  readonly deleted: number;
  /** Conversations that a message names. */
  readonly conversations: number;
  /** Of the messages, how many a tombstone names, whatever became of its purge. */
  readonly purged: number;
}

const hasContent = 1;
const hasRegister = 2;
const isDeleted = 4;
const isTold = 8;
const hasBefore = 16;

const HEAD_BYTES = 3;
const STAMP_BYTES = 8;
const CONTENT_BYTES = CONTENT_HASH_BYTES + SHORT_ID_BYTES + STAMP_BYTES + 1;
const REGISTER_BYTES = STAMP_BYTES + SHORT_ID_BYTES;

/** Flags of a message as its operation states them. */
export function flagsOf(body: Extract<OperationBody, { kind: "message" | "later-message" }>): number {
  return (
    (body.direction === "in" ? messageFlag.in : 0) |
    (body.readAtSource ? messageFlag.readAtSource : 0) |
    (body.takenIn ? messageFlag.takenIn : 0) |
    (body.kind === "later-message" ? messageFlag.later : 0)
  );
}

export function encodeMessageRow({ content, marks, told, before, register }: MessageRow): Row {
  const row = takeMemory(
    HEAD_BYTES + contentSize(content) + contentSize(before) + (register === null ? 0 : REGISTER_BYTES),
  );
  row[0] = ROW_VERSION;
  row[1] =
    (content === null ? 0 : hasContent) |
    (register === null ? 0 : hasRegister) |
    (register?.deleted === true ? isDeleted : 0) |
    (told ? isTold : 0) |
    (before === null ? 0 : hasBefore);
  row[2] = marks;
  let at = HEAD_BYTES;
  if (content !== null) at = putContent(row, at, content);
  if (before !== null) at = putContent(row, at, before);
  if (register !== null) {
    at = putStamp(row, at, register.order.stamp);
    writeId(register.order.id, row, at);
  }
  return row;
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeMessageRow(row: Row): MessageRow {
  return readRow(row, (reader) => {
    const flags = reader.u8();
    const told = (flags & isTold) !== 0;
    const ofContent = (flags & hasContent) === 0 ? 0 : told ? isTold : hasBefore;
    const ofRegister = (flags & hasRegister) === 0 ? 0 : isDeleted;
    requireKnown(flags, hasContent | hasRegister | ofContent | ofRegister);
    const marks = readMarks(reader);
    const content = (flags & hasContent) !== 0 ? readContent(reader) : null;
    const before = (flags & hasBefore) !== 0 ? readContent(reader) : null;
    const order = (flags & hasRegister) !== 0 ? readOrder(reader) : null;
    return {
      marks,
      content,
      told,
      before,
      register: order === null ? null : { order, deleted: (flags & isDeleted) !== 0 },
    };
  });
}

/** What the order of a conversation knows of a message. */
export interface OrderRow {
  /** Of `messageFlag`. */
  readonly flags: number;
  readonly marks: number;
  readonly place: Place;
}

export function encodeOrderRow({ flags, marks, place }: OrderRow): Row {
  const row = takeMemory(HEAD_BYTES + placeSize(place));
  row[0] = ROW_VERSION;
  row[1] = flags;
  row[2] = marks;
  putPlace(row, HEAD_BYTES, place);
  return row;
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeOrderRow(row: Row): OrderRow {
  return readRow(row, (reader) => {
    const flags = reader.u8();
    requireKnown(flags, ORDER_FLAGS_KNOWN);
    return { flags, marks: readMarks(reader), place: readPlace(reader) };
  });
}

/** Its marks alone, of a row that `decodeOrderRow` takes. */
export function orderRowMarks(row: Row): number {
  return row[HEAD_BYTES - 1]!;
}

export function encodeTotals(totals: Totals): Row {
  const writer = new ByteWriter(40).u8(ROW_VERSION);
  writer.uint(totals.messages).uint(totals.deleted).uint(totals.conversations);
  return writer.uint(totals.purged).finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeTotals(row: Row | undefined): Totals {
  if (row === undefined) return { messages: 0, deleted: 0, conversations: 0, purged: 0 };
  return readRow(row, (reader) => {
    const messages = reader.uint(Number.MAX_SAFE_INTEGER);
    const deleted = reader.uint(Number.MAX_SAFE_INTEGER);
    const conversations = reader.uint(Number.MAX_SAFE_INTEGER);
    return { messages, deleted, conversations, purged: reader.uint(Number.MAX_SAFE_INTEGER) };
  });
}

/** Reads a row to its end. What it is not able to read was changed on the disk: rows never come from outside. */
export function readRow<Value>(row: Row, read: (reader: ByteReader) => Value): Value {
  try {
    const reader = new ByteReader(row);
    if (reader.u8() !== ROW_VERSION)
      throw new EngineError("WIRE_UNKNOWN_VERSION", "a row of another version");
    const value = read(reader);
    reader.end();
    return value;
  } catch (cause) {
    throw new EngineError("STORE_DAMAGED", "a row of the stored view cannot be read", {
      cause,
      remedy: "Run `kinlog verify --repair`; the view is built again from the logs.",
    });
  }
}

/** What a row says of fields that it does not have, or of none that this version knows, was never written. */
export function requireKnown(flags: number, known: number): void {
  if ((flags & ~known) !== 0)
    throw new EngineError("WIRE_NOT_CANONICAL", "a row has flags without a meaning");
}

function readMarks(reader: ByteReader): number {
  const marks = reader.u8();
  if (!areMarks(marks)) throw new EngineError("WIRE_NOT_CANONICAL", "marks without a meaning");
  return marks;
}

export function readOrder(reader: ByteReader): OrderKey {
  const stamp = readStamp(reader);
  return { stamp, id: readShortId<MessageId>(reader.input, reader.skip(SHORT_ID_BYTES)) };
}

export function readStamp(reader: ByteReader): Stamp {
  const ms = reader.u48();
  return { ms, counter: reader.u16() };
}

export function readPlace(reader: ByteReader): Place {
  const logNumber = reader.uint(LOG_NUMBER_MAX);
  return { logNumber, position: reader.uint(POSITION_MAX) };
}

/** Negative where `a` is before `b`. Decides only which of two places of one and the same operation is kept. */
export function comparePlaces(a: Place, b: Place): number {
  return a.logNumber === b.logNumber ? a.position - b.position : a.logNumber - b.logNumber;
}

function readContent(reader: ByteReader): MessageContent {
  const hash = reader.raw(CONTENT_HASH_BYTES);
  const conversation = readShortId<ConversationId>(reader.input, reader.skip(SHORT_ID_BYTES));
  const stamp = readStamp(reader);
  const flags = reader.u8();
  return { hash, conversation, stamp, flags, place: readPlace(reader) };
}

function contentSize(content: MessageContent | null): number {
  return content === null ? 0 : CONTENT_BYTES + placeSize(content.place);
}

function putContent(row: Uint8Array, at: number, content: MessageContent): number {
  row.set(content.hash, at);
  writeId(content.conversation, row, at + CONTENT_HASH_BYTES);
  const end = putStamp(row, at + CONTENT_HASH_BYTES + SHORT_ID_BYTES, content.stamp);
  row[end] = content.flags;
  return putPlace(row, end + 1, content.place);
}

function placeSize({ logNumber, position }: Place): number {
  return uintSize(logNumber) + uintSize(position);
}

function putPlace(row: Uint8Array, at: number, { logNumber, position }: Place): number {
  return putUint(row, putUint(row, at, logNumber), position);
}

function putStamp(row: Uint8Array, at: number, { ms, counter }: Stamp): number {
  assert(ms >= 0 && ms < 2 ** 48 && counter >= 0 && counter < 2 ** 16, "a stamp is in range");
  const high = Math.floor(ms / 2 ** 24);
  const low = ms % 2 ** 24;
  row[at] = high >> 16;
  row[at + 1] = high >> 8;
  row[at + 2] = high;
  row[at + 3] = low >> 16;
  row[at + 4] = low >> 8;
  row[at + 5] = low;
  row[at + 6] = counter >> 8;
  row[at + 7] = counter;
  return at + STAMP_BYTES;
}
