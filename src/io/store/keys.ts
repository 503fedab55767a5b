/**
 * Keys of the store's rows: one letter for the table, then fields of fixed width, most significant byte first, so that rows
 * that are read together lie together. Nothing here reads or writes.
 * Spec: docs/spec/storage.md. Tests: test/unit/store/keys.test.ts.
 */
import { INDEX_INITIAL, type RowKey, type ViewArea } from "../../core/log/rows.ts";
import { TILE_HEIGHT, type Tile, tileOf } from "../../core/log/tiles.ts";
import type { TreeNode } from "../../core/log/types.ts";

/** The first byte of every key. */
const table = {
  layout: 0x76, // v
  sequence: 0x71, // q
  logId: 0x69, // i
  logState: 0x6c, // l
  logWitness: 0x7a, // z
  kind: 0x6b, // k
  entry: 0x65, // e
  tile: 0x74, // t
  node: 0x6e, // n
  row: 0x72, // r
  secondRow: 0x73, // s
  meta: 0x6d, // m
  entryCopy: 0x79, // y
} as const;

/** Keys `from <= key < to`. */
export interface KeySpan {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export const LOG_NUMBER_LIMIT = 2 ** 32;
/** A row key longer than this is a bug of the caller; LevelDB itself has no limit. */
const ROW_KEY_BYTES_MAX = 256;
export const ENTRY_KEY_BYTES = 11;
const SHORT_KINDS = 2 ** 16;

export const layoutKey: Uint8Array = Uint8Array.of(table.layout);
export const logIdSpan: KeySpan = wholeTable(table.logId);
export const logStateSpan: KeySpan = wholeTable(table.logState);
export const logWitnessSpan: KeySpan = wholeTable(table.logWitness);
export const kindSpan: KeySpan = wholeTable(table.kind);
export const sequenceSpan: KeySpan = wholeTable(table.sequence);
/** The first area of the view, and the search index. */
export const rowSpan: KeySpan = wholeTable(table.row);

const INDEX_BYTE = INDEX_INITIAL.charCodeAt(0);
export const indexSpan: KeySpan = {
  from: Uint8Array.of(table.row, INDEX_BYTE),
  to: Uint8Array.of(table.row, INDEX_BYTE + 1),
};

export function sequenceKey(slot: number): Uint8Array {
  return Uint8Array.of(table.sequence, slot >> 8, slot);
}

export function logIdKey(logNumber: number): Uint8Array {
  return putU32(new Uint8Array(5).fill(table.logId, 0, 1), 1, logNumber);
}

export function logStateKey(logNumber: number): Uint8Array {
  return putU32(new Uint8Array(5).fill(table.logState, 0, 1), 1, logNumber);
}

export function logWitnessKey(logNumber: number): Uint8Array {
  return putU32(new Uint8Array(5).fill(table.logWitness, 0, 1), 1, logNumber);
}

/** The number in a key of the tables of logs. */
export function logNumberOf(key: Uint8Array): number {
  return key[1]! * 2 ** 24 + key[2]! * 65536 + key[3]! * 256 + key[4]!;
}

/** Kinds are few, until a member makes them many: those whose number has no two bytes stand behind the others. */
export function kindKey(kindNumber: number): Uint8Array {
  if (kindNumber < SHORT_KINDS) return Uint8Array.of(table.kind, kindNumber >> 8, kindNumber);
  return putU32(Uint8Array.of(table.kind, 255, 255, 0, 0, 0, 0), 3, kindNumber);
}

export function kindNumberOf(key: Uint8Array): number {
  const number = key[1]! * 256 + key[2]!;
  return key.length === 3 ? number : key[3]! * 2 ** 24 + key[4]! * 65536 + key[5]! * 256 + key[6]!;
}

export function entryKey(logNumber: number, position: number): Uint8Array {
  const key = new Uint8Array(ENTRY_KEY_BYTES);
  putEntryKey(key, 0, { logNumber, position });
  return key;
}

/** The second row of an entry that is written twice: far from the first, so that they share no block once there are others between. */
export function entryCopyKey(logNumber: number, position: number): Uint8Array {
  const key = entryKey(logNumber, position);
  key[0] = table.entryCopy;
  return key;
}

/** The same into a larger buffer. */
export function putEntryKey(
  target: Uint8Array,
  at: number,
  place: { readonly logNumber: number; readonly position: number },
): void {
  target[at] = table.entry;
  putU32(target, at + 1, place.logNumber);
  putU48(target, at + 5, place.position);
}

export function positionOf(key: Uint8Array): number {
  return readU48(key, 5);
}

export function tileKey(logNumber: number, tile: Tile): Uint8Array {
  const key = new Uint8Array(12);
  key[0] = table.tile;
  putU32(key, 1, logNumber);
  key[5] = tile.level;
  putU48(key, 6, tile.index);
  return key;
}

/** Keyed by the tile that answers for the node, so that all of one tile are one range. */
export function nodeKey(logNumber: number, node: TreeNode): Uint8Array {
  const tile = tileOf(node);
  const rise = node.level - tile.level * TILE_HEIGHT;
  const key = new Uint8Array(14);
  putNodePrefix(key, logNumber, tile);
  key[12] = rise;
  key[13] = node.index - tile.index * 2 ** (TILE_HEIGHT - rise);
  return key;
}

export function nodesOfTile(logNumber: number, tile: Tile): KeySpan {
  const from = new Uint8Array(12);
  putNodePrefix(from, logNumber, tile);
  const to = new Uint8Array(13).fill(0xff, 12);
  putNodePrefix(to, logNumber, tile);
  return { from, to };
}

/** The node that a key of `nodesOfTile` names. */
export function nodeOfKey(key: Uint8Array): TreeNode {
  const rise = key[12]!;
  return {
    level: key[5]! * TILE_HEIGHT + rise,
    index: readU48(key, 6) * 2 ** (TILE_HEIGHT - rise) + key[13]!,
  };
}

/** Where the rows of an area lie, the search index left out. */
export function areaSpans(area: ViewArea): readonly KeySpan[] {
  if (area === 1) return [wholeTable(table.secondRow)];
  return [
    { from: rowSpan.from, to: indexSpan.from },
    { from: indexSpan.to, to: rowSpan.to },
  ];
}

/** A row of the search index, which lies in no area. */
export function isIndexKey(key: RowKey): boolean {
  return key.charCodeAt(0) === INDEX_BYTE;
}

/** A view row's key, one byte a character. */
export function rowKey(key: RowKey, area: ViewArea = 0): Uint8Array {
  const bytes = new Uint8Array(1 + key.length);
  putRowKey(bytes, 0, key, area);
  return bytes;
}

/** The same into a larger buffer; returns where it ends. */
export function putRowKey(target: Uint8Array, at: number, key: RowKey, area: ViewArea = 0): number {
  if (key.length > ROW_KEY_BYTES_MAX) throw new RangeError("a row key is too long");
  target[at] = area === 0 || isIndexKey(key) ? table.row : table.secondRow;
  for (let n = 0; n < key.length; n++) target[at + 1 + n] = key.charCodeAt(n);
  return at + 1 + key.length;
}

/** An end of a range of such keys, all of the search index or none: an end may begin as a key of the index does and be none. */
export function rowBound(key: RowKey, isIndex: boolean, area: ViewArea): Uint8Array {
  const bytes = rowKey(key, area);
  bytes[0] = area === 0 || isIndex ? table.row : table.secondRow;
  return bytes;
}

/** In one native call: spreading the bytes into a call takes forty times as long, and a list of messages has thousands of keys. */
export function rowKeyOf(key: Uint8Array): RowKey {
  return Buffer.from(key.buffer, key.byteOffset + 1, key.length - 1).toString("latin1") as RowKey;
}

export function metaKey(name: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + name.length);
  key[0] = table.meta;
  key.set(name, 1);
  return key;
}

function wholeTable(letter: number): KeySpan {
  return { from: Uint8Array.of(letter), to: Uint8Array.of(letter + 1) };
}

function putNodePrefix(key: Uint8Array, logNumber: number, tile: Tile): void {
  key[0] = table.node;
  putU32(key, 1, logNumber);
  key[5] = tile.level;
  putU48(key, 6, tile.index);
}

function putU32(target: Uint8Array, at: number, value: number): Uint8Array {
  target[at] = value / 2 ** 24;
  target[at + 1] = value / 65536;
  target[at + 2] = value / 256;
  target[at + 3] = value;
  return target;
}

function putU48(target: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 24);
  const low = value % 2 ** 24;
  target[at] = high >> 16;
  target[at + 1] = high >> 8;
  target[at + 2] = high;
  target[at + 3] = low >> 16;
  target[at + 4] = low >> 8;
  target[at + 5] = low;
}

function readU48(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let n = at; n < at + 6; n++) value = value * 256 + bytes[n]!;
  return value;
}
