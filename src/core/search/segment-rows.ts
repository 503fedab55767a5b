/**
 * Rows of a segment: documents and lists, encoded, padded and sealed under their keys. Spec: docs/spec/search.md, "Segments".
 * Tests: test/unit/search/segment.test.ts.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { EngineError, isEngineError } from "../base/errors.ts";
import { searchRowAssociated } from "../crypto/derive.ts";
import { open, pad, seal, unpad } from "../crypto/seal.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";

/** Documents of one row: few enough that one here and one there costs little. */
export const DOCUMENTS_PER_ROW = 512;
/** Documents of one segment. */
export const DOCUMENTS_MAX = 16_384;
export const BITS_MAX = 12;
const TOKEN_BITS = 40;
export const TOKEN_LIMIT = 2 ** TOKEN_BITS;

const ROW_VERSION = 1;
const MS_MAX = 2 ** 48 - 1;
const LOG_NUMBER_MAX = 2 ** 32 - 1;
const STEP_MAX = 2 ** 49;
const LIST_BYTES_MAX = 4 * DOCUMENTS_MAX;

/** A message as a segment knows it. */
export interface Document {
  /** Of its stamp. */
  readonly ms: number;
  /** Of its entry. */
  readonly place: Place;
}

/** The documents of a token, ascending. */
export interface TokenList {
  readonly token: number;
  readonly documents: readonly number[];
}

/** Which row lists a token, where rows are told apart by the first `bits` bits. */
export function rowOfToken(token: number, bits: number): number {
  return Math.floor(token / 2 ** (TOKEN_BITS - bits));
}

export function documentsKey(segment: number, row: number): RowKey {
  return rowKey("xd", segment, row);
}

export function listsKey(segment: number, row: number): RowKey {
  return rowKey("xb", segment, row);
}

/** Keys of all rows of a segment. */
export function keysOfSegment(input: {
  readonly number: number;
  readonly bits: number;
  readonly documents: number;
}): readonly RowKey[] {
  const { number, bits, documents } = input;
  if (documents === 0) return [];
  const keys: RowKey[] = [];
  for (let row = 0; row * DOCUMENTS_PER_ROW < documents; row++) keys.push(documentsKey(number, row));
  for (let row = 0; row < 2 ** bits; row++) keys.push(listsKey(number, row));
  return keys;
}

/** In the order of their numbers, newest first. */
export function encodeDocuments(documents: readonly Document[]): Uint8Array {
  const writer = new ByteWriter(documents.length * 8 + 8).u8(ROW_VERSION).uint(documents.length);
  let ms: number | null = null;
  let position = 0;
  for (const { ms: next, place } of documents) {
    const step = place.position - position;
    writer
      .uint(ms === null ? next : ms - next)
      .uint(place.logNumber)
      .uint(step >= 0 ? 2 * step : -2 * step - 1);
    ms = next;
    position = place.position;
  }
  return writer.finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeDocuments(bytes: Uint8Array): readonly Document[] {
  return readPlain(bytes, (reader) => {
    let ms: number | null = null;
    let position = 0;
    return reader.list(DOCUMENTS_PER_ROW, () => {
      const step: number = reader.uint(MS_MAX);
      ms = ms === null ? step : ms - step;
      const logNumber = reader.uint(LOG_NUMBER_MAX);
      const move = reader.uint(STEP_MAX);
      position += move % 2 === 0 ? move / 2 : -(move + 1) / 2;
      if (ms < 0 || position < 0)
        throw new EngineError("WIRE_NOT_CANONICAL", "a document lies before all others");
      return { ms, place: { logNumber, position } };
    });
  });
}

/** Tokens ascending, each with at least one document. */
export function encodeLists(lists: readonly TokenList[]): Uint8Array {
  const writer = new ByteWriter(4_096).u8(ROW_VERSION).uint(lists.length);
  const list = new ByteWriter(1_024);
  let last = 0;
  for (const { token, documents } of lists) {
    writer.uint(token - last);
    last = token;
    list.clear();
    let before = 0;
    for (const document of documents) {
      list.uint(document - before);
      before = document;
    }
    writer.blob(list.view());
  }
  return writer.finish();
}

/**
 * The documents of each of `tokens`, in that order; none where the row does not list it.
 *
 * @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes.
 */
export function decodeLists(bytes: Uint8Array, tokens: readonly number[]): readonly (readonly number[])[] {
  return readPlain(bytes, (reader) => {
    const found: (readonly number[])[] = tokens.map(() => []);
    const count = reader.uint(bytes.length);
    let token = 0;
    for (let n = 0; n < count; n++) {
      const step = reader.uint(TOKEN_LIMIT);
      if (n > 0 && step === 0) throw new EngineError("WIRE_NOT_CANONICAL", "tokens ascend");
      token += step;
      const size = reader.uint(LIST_BYTES_MAX);
      if (size === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a list has documents");
      const wanted = tokens.indexOf(token);
      if (wanted < 0) reader.skip(size);
      else found[wanted] = readList(reader, reader.at + size);
    }
    return found;
  });
}

/** @param nonce 24 fresh random bytes. */
export function sealRow(input: {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly rowKey: RowKey;
  readonly plaintext: Uint8Array;
}): Row {
  const { key, nonce, plaintext } = input;
  return seal({ key, nonce, plaintext: pad(plaintext), associated: associatedOf(input.rowKey) });
}

/** @throws EngineError `STORE_DAMAGED` for anything but what was sealed under this key of the table. */
export function openRow(key: Uint8Array, name: RowKey, row: Row): Uint8Array {
  const padded = open({ key, sealed: row, associated: associatedOf(name) });
  const plaintext = padded === undefined ? undefined : unpad(padded);
  if (plaintext === undefined) throw damagedIndex();
  return plaintext;
}

/** Reads the whole of it. */
export function readPlain<Value>(bytes: Uint8Array, read: (reader: ByteReader) => Value): Value {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== ROW_VERSION)
      throw new EngineError("WIRE_UNKNOWN_VERSION", "a row of another version");
    const value = read(reader);
    reader.end();
    return value;
  } catch (cause) {
    if (!isEngineError(cause)) throw cause;
    throw damagedIndex(cause);
  }
}

function readList(reader: ByteReader, end: number): readonly number[] {
  const documents: number[] = [];
  let document = 0;
  while (reader.at < end) {
    const step = reader.uint(DOCUMENTS_MAX);
    document += step;
    if (document >= DOCUMENTS_MAX || (step === 0 && documents.length > 0))
      throw new EngineError("WIRE_NOT_CANONICAL", "documents ascend");
    documents.push(document);
  }
  if (reader.at !== end) throw new EngineError("WIRE_TRUNCATED", "a list ends within a number");
  return documents;
}

function damagedIndex(cause?: unknown): EngineError {
  return new EngineError("STORE_DAMAGED", "a row of the search index cannot be read", {
    cause,
    remedy: "It is built again by itself; search once more in a while.",
  });
}

function rowKey(table: "xd" | "xb", segment: number, row: number): RowKey {
  const bytes = [
    segment >>> 24,
    (segment >>> 16) & 255,
    (segment >>> 8) & 255,
    segment & 255,
    row >> 8,
    row & 255,
  ];
  return `${table}${String.fromCharCode(...bytes)}` as RowKey;
}

function associatedOf(name: RowKey): Uint8Array {
  return searchRowAssociated(Uint8Array.from(name, (character) => character.charCodeAt(0)));
}
