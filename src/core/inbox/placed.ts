/**
 * An operation that stands for something, by its order, its content hash and its place: what a register keeps where its text is not kept.
 * Layout: docs/spec/inbox.md, "View". Tests: test/unit/inbox/rows.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { compareBytes, equalBytes } from "../base/bytes.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";
import { CONTENT_HASH_BYTES } from "./operation.ts";
import { orderOfKey } from "./row-keys.ts";
import { ROW_VERSION, comparePlaces, readOrder, readPlace, readRow } from "./rows.ts";
import { ScratchWriter } from "./scratch-writer.ts";
import { compareOrder } from "./stamp.ts";
import type { OrderKey, PlacedOperation } from "./types.ts";

/** An operation that stands for something, and where its text is read. */
export interface Placed {
  readonly order: OrderKey;
  /** Decides between two contents that claim one stamp and id. */
  readonly hash: Uint8Array;
  readonly place: Place;
}

/** The last reaction of somebody with an emoji. */
export interface ReactionRegister extends Placed {
  readonly removed: boolean;
}

/** Holds the largest row here. */
const scratch = new ScratchWriter(128);

export function placedOf({ operation, contentHash, place }: PlacedOperation): Placed {
  return { order: { stamp: operation.stamp, id: operation.id }, hash: contentHash, place };
}

/** True where another content stands now, not only another place of the same. */
export function isOther(before: Placed | null, now: Placed): boolean {
  return before === null || !equalBytes(before.hash, now.hash);
}

/** The first in order; of equals the smaller hash, then the smaller place. */
export function firstPlaced<Register extends Placed>(a: Register | null, b: Register): Register {
  return a !== null && (compareOrder(a.order, b.order) || compareContents(a, b)) <= 0 ? a : b;
}

/** The last in order; of equals the smaller hash, then the smaller place. */
export function lastPlaced<Register extends Placed>(a: Register | null, b: Register): Register {
  return a !== null && (compareOrder(b.order, a.order) || compareContents(a, b)) <= 0 ? a : b;
}

/** The row of a device, an unsend or a setting. */
export function encodePlacedRow(placed: Placed): Row {
  scratch.begin().u8(ROW_VERSION);
  writePlaced(scratch, placed);
  return scratch.finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodePlacedRow(row: Row): Placed {
  return readRow(row, readPlaced);
}

/** Its order stands in the key. */
export function encodeEditRow({ hash, place }: Pick<Placed, "hash" | "place">): Row {
  scratch.begin().u8(ROW_VERSION).raw(hash).uint(place.logNumber).uint(place.position);
  return scratch.finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeEditRow(key: RowKey, row: Row): Placed {
  return readRow(row, (reader) => ({ order: orderOfKey(key), ...readContent(reader) }));
}

export function encodeReactionRow(register: ReactionRegister): Row {
  scratch
    .begin()
    .u8(ROW_VERSION)
    .u8(register.removed ? 1 : 0);
  writePlaced(scratch, register);
  return scratch.finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeReactionRow(row: Row): ReactionRegister {
  return readRow(row, (reader) => {
    const removed = reader.flag();
    return { ...readPlaced(reader), removed };
  });
}

/** Of a row `p`: the tombstone. Its order is left out, since no other than its own device needs one. */
export function encodePurgedRow({ hash, place }: Pick<Placed, "hash" | "place">): Row {
  return encodeEditRow({ hash, place });
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodePurgedRow(row: Row): Pick<Placed, "hash" | "place"> {
  return readRow(row, readContent);
}

function readContent(reader: ByteReader): Pick<Placed, "hash" | "place"> {
  const hash = reader.raw(CONTENT_HASH_BYTES);
  return { hash, place: readPlace(reader) };
}

export function writeOrder(writer: ScratchWriter, { stamp, id }: OrderKey): void {
  writer.u48(stamp.ms).u16(stamp.counter).id(id);
}

export function writePlaced(writer: ScratchWriter, { order, hash, place }: Placed): void {
  writeOrder(writer, order);
  writer.raw(hash).uint(place.logNumber).uint(place.position);
}

export function readPlaced(reader: ByteReader): Placed {
  const order = readOrder(reader);
  const hash = reader.raw(CONTENT_HASH_BYTES);
  return { order, hash, place: readPlace(reader) };
}

function compareContents(a: Placed, b: Placed): number {
  return compareBytes(a.hash, b.hash) || comparePlaces(a.place, b.place);
}
