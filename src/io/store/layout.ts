/**
 * What is read at every start, and only that: the layout's version, the numbers of logs and kinds, the states of logs, and the
 * sequence numbers of the last batches. Nothing here grows with the history.
 * Spec: docs/spec/storage.md, "Opening". Tests: test/integration/store.
 */
import { concat, equalBytes, u64, utf8 } from "../../core/base/bytes.ts";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { EngineError } from "../../core/base/errors.ts";
import { bytesToId, type LogId } from "../../core/base/ids.ts";
import { INDEX_INITIAL, type RowKey, type ViewArea } from "../../core/log/rows.ts";
import type { LogState } from "../../core/log/types.ts";
import {
  type KeySpan,
  kindNumberOf,
  kindSpan,
  layoutKey,
  logIdSpan,
  logNumberOf,
  logStateSpan,
  logWitnessSpan,
  rowKey,
  rowKeyOf,
  areaSpans,
  sequenceKey,
  sequenceSpan,
} from "./keys.ts";
import { type Database, type DatabaseBatch, getInOrder } from "./level-database.ts";
import { decodeLogState, encodeWitness } from "./log-state-codec.ts";
import { checkedBody, damaged, withCheck } from "./row-check.ts";

/** The highest that this version of the program knows: as the first, and the second area of the view serves. */
export const LAYOUT_VERSION = 2;
const LOG_ID_BYTES = 32;
const MAGIC = utf8("kinlog store\n");

/** Batches whose sequence numbers are kept: LevelDB drops a damaged record of its log in silence, and this shows it. */
export const SEQUENCE_SLOTS = 256;

export interface Stored {
  /** In the order of their numbers. */
  readonly logs: readonly LogId[];
  /** In the order of their numbers. */
  readonly kinds: readonly Uint8Array[];
  readonly states: readonly LogState[];
  /** Of the last batch; 0 before the first. */
  readonly sequence: number;
  /** A batch or the state of a log is not the last one written: what is held must be verified before it is trusted. */
  readonly isSuspect: boolean;
  /** The area of the view that serves. */
  readonly serving: ViewArea;
  /** With which characters the keys of the view's rows begin, of each area. */
  readonly rowInitials: readonly [ReadonlySet<string>, ReadonlySet<string>];
}

/**
 * Reads what every start needs; marks an empty database as a store.
 *
 * @throws EngineError `STORE_NEWER_VERSION`, `STORE_DAMAGED`, or a write's code where an empty one cannot be marked.
 */
export async function readStored(database: Database): Promise<Stored> {
  const layout = await getInOrder(database, layoutKey);
  if (layout === undefined) {
    await markEmpty(database);
    const none = { logs: [], kinds: [], states: [], sequence: 0, isSuspect: false };
    return { ...none, serving: 0, rowInitials: [ALWAYS_ASKED, ALWAYS_ASKED] };
  }
  const serving = readLayout(layout);
  const ids = await readNumbered(database, logIdSpan, logNumberOf);
  if (ids.some(({ length }) => length !== LOG_ID_BYTES)) throw damaged("the number of a log cannot be read");
  const logs = ids.map((id) => bytesToId<LogId>(id));
  const states = new Map<number, LogState>();
  for (const [key, body] of await readTable(database, logStateSpan)) {
    const number = logNumberOf(key);
    const log = logs[number];
    if (log === undefined) throw damaged("a log has a state and no number");
    states.set(number, decodeLogState(log, body));
  }
  const { sequence, isBatchMissing } = await readSequence(database);
  return {
    logs,
    kinds: await readNumbered(database, kindSpan, kindNumberOf),
    states: [...states.values()],
    sequence,
    isSuspect: isBatchMissing || !(await areWitnessed(database, states)),
    serving,
    rowInitials: [await readRowInitials(database, 0), await readRowInitials(database, 1)],
  };
}

/** True where every state is the one that was written last, and none is missing. */
async function areWitnessed(database: Database, states: ReadonlyMap<number, LogState>): Promise<boolean> {
  const witnesses = await readTable(database, logWitnessSpan);
  return (
    witnesses.length === states.size &&
    witnesses.every(([key, witness]) => {
      const state = states.get(logNumberOf(key));
      return state !== undefined && equalBytes(encodeWitness(state), witness);
    })
  );
}

export function putSequence(batch: DatabaseBatch, sequence: number): void {
  const key = sequenceKey(sequence % SEQUENCE_SLOTS);
  batch.put(key, withCheck(key, u64(sequence)));
}

/** The slots as if no batch had ever been missing: once everything was verified. */
export function putAllSequences(batch: DatabaseBatch, last: number): void {
  for (let sequence = Math.max(1, last - SEQUENCE_SLOTS + 1); sequence <= last; sequence++)
    putSequence(batch, sequence);
}

/** Few, and asked for one by one. */
const ALWAYS_ASKED: ReadonlySet<string> = new Set([INDEX_INITIAL]);

/** One look for each, however many rows begin with it. */
export async function readRowInitials(database: Database, area: ViewArea): Promise<ReadonlySet<string>> {
  const initials = new Set(ALWAYS_ASKED);
  const { to } = areaSpans(area).at(-1)!;
  for (let next = 0; next < 256;) {
    const from = rowKey(String.fromCharCode(next) as RowKey, area);
    next = 256;
    for await (const [row] of database.read({ from, to, limit: 1, chunkRows: 1 })) {
      if (row === undefined) break;
      const initial = rowKeyOf(row[0]).charAt(0);
      initials.add(initial);
      next = initial.charCodeAt(0) + 1;
    }
  }
  return initials;
}

/** The row that says which area of the view serves, as it is stored. */
export function layoutValue(serving: ViewArea): Uint8Array {
  return withCheck(layoutKey, concat(MAGIC, Uint8Array.of(1 + serving)));
}

/** The magic before the check, so that a newer layout may frame its values in another way. */
function readLayout(value: Uint8Array): ViewArea {
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
  return version === LAYOUT_VERSION ? 1 : 0;
}

async function markEmpty(database: Database): Promise<void> {
  for await (const chunk of database.read({ from: new Uint8Array(0), to: Uint8Array.of(0xff), limit: 1 })) {
    if (chunk.length > 0) throw damaged("the store has lost its version");
  }
  const batch = database.batch();
  batch.put(layoutKey, layoutValue(0));
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
