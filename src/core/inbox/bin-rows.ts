/**
 * Since when a message has been in the bin here, and when it is to be purged: by this device's own record, since a delete's stamp is what its
 * author says. Rows of this device alone: no part of the digest, and begun anew when the view is built again.
 * Spec: docs/spec/purge.md, "The bin". Tests: test/unit/inbox/bin-rows.test.ts.
 */
import type { DeviceId, MessageId } from "../base/ids.ts";
import type { Row, RowKey } from "../log/rows.ts";
import { keyToId } from "./id-codec.ts";
import { type KeyRange, keysFrom, messageOfKey, messageRowKey } from "./row-keys.ts";
import { decodeMessageRow, type DeleteRegister, ROW_VERSION, readOrder, readRow } from "./rows.ts";
import { ScratchWriter } from "./scratch-writer.ts";
import { compareOrder } from "./stamp.ts";
import type { OrderKey, PlacedOperation } from "./types.ts";

const DAY_MS = 86_400_000;
/** How long a message can be restored. */
export const BIN_MS = 30 * DAY_MS;
/** When others do what the device that deleted should have done. */
const OTHERS_MS = 37 * DAY_MS;
/** When every purge of it has been carried out: one of the last day waits for thirty more. */
export const RECORD_MS = 70 * DAY_MS;
const MS_MAX = 2 ** 48 - 1;
const MS_BYTES = 6;

/** No record is due later than this after a look that knows it. */
const DUE_MAX_MS = RECORD_MS;

export interface BinRecord {
  /** The delete that put it there; another one that counts has a record of its own. */
  readonly order: OrderKey;
  /** The first look that found it, by the count of time (time-passed.ts); 0: none yet. */
  readonly sinceMs: number;
  /** When it is to be looked at: it may be purged then. By the same count; where no look has found it, how long it is to stay. */
  readonly dueMs: number;
}

const writer = new ScratchWriter(64);

/** `messageKey` is the key of the message's row. */
export function binRowKey(messageKey: RowKey): RowKey {
  return `b${messageKey.slice(1)}` as RowKey;
}

/** Sorts by when the messages are due. */
export function dueRowKey(record: BinRecord, messageKey: RowKey): RowKey {
  return `a${msToKey(record.dueMs)}${messageKey.slice(1)}` as RowKey;
}

/** The rows of what is due by then, the longest due first. */
export function dueBounds(nowMs: number): KeyRange {
  return { from: keysFrom("a"), to: keysFrom(nowMs >= MS_MAX ? "b" : `a${msToKey(nowMs + 1)}`) };
}

/** All of them, in the same order. */
export function binBounds(): KeyRange {
  return dueBounds(MS_MAX);
}

/** The rows of what a look has found, in the same order. */
export function countedBounds(): KeyRange {
  return { from: dueBounds(OTHERS_MS).to, to: binBounds().to };
}

/** The rows of what no look has found yet, and of what cannot be right: it was written by another clock. */
export function strangeBounds(nowMs: number): readonly KeyRange[] {
  const beyond = dueBounds(nowMs + DUE_MAX_MS).to;
  return [dueBounds(OTHERS_MS), { from: beyond, to: binBounds().to }];
}

/** What a look at `nowMs` makes of such a record; null where it is one that was counted already. */
export function found(record: BinRecord, nowMs: number): BinRecord | null {
  const { sinceMs, dueMs } = record;
  if (sinceMs === 0) return { ...record, sinceMs: nowMs, dueMs: nowMs + Math.min(dueMs, OTHERS_MS) };
  if (dueMs > nowMs + DUE_MAX_MS) return { ...record, sinceMs: nowMs, dueMs: nowMs + OTHERS_MS };
  return null;
}

export function messageOfDueKey(key: RowKey): MessageId {
  return keyToId(key, 1 + MS_BYTES, key.length);
}

export function encodeBinRow({ order, sinceMs, dueMs }: BinRecord): Row {
  writer.begin().u8(ROW_VERSION).u48(order.stamp.ms).u16(order.stamp.counter).id(order.id);
  return writer.u48(sinceMs).u48(dueMs).finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeBinRow(row: Row): BinRecord {
  return readRow(row, (reader) => ({
    order: readOrder(reader),
    sinceMs: reader.u48(),
    dueMs: reader.u48(),
  }));
}

/** What the register says stands by the delete of this record. */
export function isRecordOf({ order }: BinRecord, register: DeleteRegister | null): boolean {
  return register !== null && register.deleted && compareOrder(register.order, order) === 0;
}

/** The rows of a record. */
export function rowsOfRecord(record: BinRecord, id: MessageId): ReadonlyMap<RowKey, Row> {
  const key = messageRowKey(id);
  return new Map([
    [binRowKey(key), encodeBinRow(record)],
    [dueRowKey(record, key), Uint8Array.of(ROW_VERSION)],
  ]);
}

/**
 * These rows with the records of another view in the place of their own, where both are of the same delete: how long a message has been in the bin
 * does not begin anew.
 *
 * @param old Rows `b` of the other view.
 */
export function withRecordsOf(
  old: ReadonlyMap<RowKey, Row>,
  puts: ReadonlyMap<RowKey, Row>,
): ReadonlyMap<RowKey, Row> {
  const taken = new Map(puts);
  for (const [key, row] of old) {
    const made = puts.get(key);
    if (made === undefined) continue;
    const [own, before] = [decodeBinRow(made), decodeBinRow(row)];
    if (compareOrder(own.order, before.order) !== 0) continue;
    const id = messageOfKey(key);
    for (const each of rowsOfRecord(own, id).keys()) taken.delete(each);
    for (const [each, value] of rowsOfRecord(before, id)) taken.set(each, value);
  }
  return taken;
}

/** The keys of rows `b` among these. */
export function binRowKeys(puts: ReadonlyMap<RowKey, Row>): readonly RowKey[] {
  return [...puts.keys()].filter((key) => key.startsWith("b"));
}

/**
 * Records of a turn of the fold: for each message that one of the turn's deletes put into the bin, or keeps there by a later word.
 *
 * @param puts What the fold made of these operations.
 */
export function binRowsOf(
  operations: readonly PlacedOperation[],
  { puts, self }: { readonly puts: ReadonlyMap<RowKey, Row>; readonly self: DeviceId },
): ReadonlyMap<RowKey, Row> {
  const made = new Map<RowKey, Row>();
  for (const { operation } of operations) {
    const { body, id, stamp, author } = operation;
    if (body.kind !== "delete") continue;
    const staysMs = author === self ? BIN_MS : OTHERS_MS;
    // Since when, the next look says.
    const record: BinRecord = { order: { stamp, id }, sinceMs: 0, dueMs: staysMs };
    for (const message of body.messages) {
      const row = puts.get(messageRowKey(message));
      // Where the register is as it was, nothing was put, or nothing of it.
      if (row === undefined || !isRecordOf(record, decodeMessageRow(row).register)) continue;
      for (const [key, value] of rowsOfRecord(record, message)) made.set(key, value);
    }
  }
  return made;
}

function msToKey(ms: number): string {
  let key = "";
  for (let scale = 2 ** 40; scale >= 1; scale /= 256)
    key += String.fromCharCode(Math.floor(ms / scale) % 256);
  return key;
}
