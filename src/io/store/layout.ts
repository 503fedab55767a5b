/**
 * What is read at every start, and only that: the layout's version, the numbers of logs and kinds, the states of logs, and the
 * sequence numbers of the last batches. Nothing here grows with the history.
 * Spec: docs/spec/storage.md, "Opening". Tests: test/integration/store.
 */
import { concat, equalBytes, u64, utf8 } from "../../core/base/bytes.ts";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { EngineError } from "../../core/base/errors.ts";
import {
  kindNumberOf,
  kindSpan,
  type KeySpan,
  layoutKey,
  logIdSpan,
  logNumberOf,
  logStateSpan,
  sequenceKey,
  sequenceSpan,
} from "./keys.ts";
import type { Database, DatabaseBatch } from "./level-database.ts";
import { checkedBody, damaged, withCheck } from "./row-check.ts";

export const LAYOUT_VERSION = 1;
const MAGIC = utf8("kinlog store\n");

/** Batches whose sequence numbers are kept: LevelDB drops a damaged record of its log in silence, and this shows it. */
export const SEQUENCE_SLOTS = 256;

export interface Stored {
  readonly logIds: readonly Uint8Array[];
  readonly kinds: readonly Uint8Array[];
  /** By log number. */
  readonly states: ReadonlyMap<number, Uint8Array>;
  /** Of the last batch; 0 before the first. */
  readonly sequence: number;
  /** One of the last batches is missing: what is held must be verified before it is trusted. */
  readonly isBatchMissing: boolean;
}

/**
 * Reads what every start needs; marks an empty database as a store.
 *
 * @throws EngineError `STORE_NEWER_VERSION`, `STORE_DAMAGED`, or a write's code where an empty one cannot be marked.
 */
export async function readStored(database: Database): Promise<Stored> {
  const [layout] = await database.getMany([layoutKey]);
  if (layout === undefined) {
    await markEmpty(database);
    return { logIds: [], kinds: [], states: new Map(), sequence: 0, isBatchMissing: false };
  }
  requireLayout(layout);
  const states = new Map<number, Uint8Array>();
  for (const [key, body] of await readTable(database, logStateSpan)) states.set(logNumberOf(key), body);
  return {
    logIds: await readNumbered(database, logIdSpan, logNumberOf),
    kinds: await readNumbered(database, kindSpan, kindNumberOf),
    states,
    ...(await readSequence(database)),
  };
}

export function putSequence(batch: DatabaseBatch, sequence: number): void {
  const key = sequenceKey(sequence % SEQUENCE_SLOTS);
  batch.put(key, withCheck(key, u64(sequence)));
}

/** The magic before the check, so that a newer layout may frame its values in another way. */
function requireLayout(value: Uint8Array): void {
  const version = value[MAGIC.length];
  if (version === undefined || !equalBytes(value.subarray(0, MAGIC.length), MAGIC)) {
    throw damaged("the database is not a store");
  }
  if (version > LAYOUT_VERSION) {
    throw new EngineError(
      "STORE_NEWER_VERSION",
      `the store has layout ${version}, this version knows ${LAYOUT_VERSION}`,
    );
  }
  checkedBody(layoutKey, value);
}

async function markEmpty(database: Database): Promise<void> {
  for await (const chunk of database.read({ from: new Uint8Array(0), to: Uint8Array.of(0xff), limit: 1 })) {
    if (chunk.length > 0) throw damaged("the store has lost its version");
  }
  const batch = database.batch();
  batch.put(layoutKey, withCheck(layoutKey, concat(MAGIC, Uint8Array.of(LAYOUT_VERSION))));
  await batch.write();
}

async function readTable(
  database: Database,
  span: KeySpan,
): Promise<readonly (readonly [Uint8Array, Uint8Array])[]> {
  const rows: (readonly [Uint8Array, Uint8Array])[] = [];
  for await (const chunk of database.read(span)) {
    for (const [key, value] of chunk) rows.push([key, checkedBody(key, value)]);
  }
  return rows;
}

/** Numbers are given from 0 on without a gap. */
async function readNumbered(
  database: Database,
  span: KeySpan,
  numberOf: (key: Uint8Array) => number,
): Promise<readonly Uint8Array[]> {
  const rows = await readTable(database, span);
  if (rows.some(([key], at) => numberOf(key) !== at)) throw damaged("a table of numbers has a gap");
  return rows.map(([, body]) => body);
}

async function readSequence(
  database: Database,
): Promise<{ readonly sequence: number; readonly isBatchMissing: boolean }> {
  const slots = new Map<number, number>();
  for await (const chunk of database.read(sequenceSpan)) {
    for (const [key, value] of chunk) {
      const reader = new ByteReader(checkedBody(key, value));
      reader.u16();
      slots.set(key[1]! * 256 + key[2]!, reader.u48());
    }
  }
  const sequence = Math.max(0, ...slots.values());
  let isBatchMissing = false;
  for (let expected = Math.max(1, sequence - SEQUENCE_SLOTS + 1); expected <= sequence; expected++) {
    if (slots.get(expected % SEQUENCE_SLOTS) !== expected) isBatchMissing = true;
  }
  return { sequence, isBatchMissing };
}
