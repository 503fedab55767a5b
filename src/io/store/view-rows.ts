/**
 * Reads rows of the stored view and meta values: what commits in flight say, over what the database has.
 * Tests: test/contracts/store.contract.ts.
 */
import { utf8 } from "../../core/base/bytes.ts";
import { INDEX_INITIAL, type Row, type RowKey, type ViewArea } from "../../core/log/rows.ts";
import type { Store } from "../../core/sync/ports.ts";
import { isIndexKey, metaKey, rowBound, rowKey, rowKeyOf } from "./keys.ts";
import { type Database, getInOrder } from "./level-database.ts";
import type { Overlay } from "./overlay.ts";
import { checkedBody } from "./row-check.ts";

interface Sources {
  readonly database: Database;
  readonly overlay: Overlay;
}

interface RowSources extends Sources {
  readonly mayHaveRow: (key: RowKey, area: ViewArea) => boolean;
}

/**
 * A plain loop without array methods: every message of an import and a first sync comes through here, and V8 compiled the methods
 * anew for each kind of array that it met, for a sixth of all its compiling.
 */
export async function readRows(
  sources: RowSources,
  names: readonly RowKey[],
  area: ViewArea,
): Promise<readonly (Row | undefined)[]> {
  const { database, overlay } = sources;
  const rows: (Row | undefined)[] = [];
  const missing: number[] = [];
  for (let at = 0; at < names.length; at++) {
    const name = names[at]!;
    // What was never written is in no commit either.
    const inFlight = sources.mayHaveRow(name, area) ? overlay.row(name, area) : null;
    if (inFlight === undefined) missing.push(at);
    rows.push(inFlight ?? undefined);
  }
  if (missing.length > 0) await readMissing(database, { names, missing, rows, area });
  return rows;
}

async function readMissing(
  database: Database,
  parts: {
    readonly names: readonly RowKey[];
    readonly missing: number[];
    readonly rows: (Row | undefined)[];
    readonly area: ViewArea;
  },
): Promise<void> {
  const { names, missing, rows, area } = parts;
  // In the order of the tables, so that each is opened once however few LevelDB keeps open.
  missing.sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
  const keys = missing.map((at) => rowKey(names[at]!, area));
  const values = await database.getMany(keys);
  for (let n = 0; n < missing.length; n++) {
    const value = values[n];
    if (value !== undefined) rows[missing[n]!] = checkedBody(keys[n]!, value);
  }
}

export async function readMeta(
  { database, overlay }: Sources,
  name: string,
): Promise<Uint8Array | undefined> {
  const inFlight = overlay.meta(name);
  if (inFlight !== undefined) return inFlight ?? undefined;
  const key = metaKey(utf8(name));
  const value = await getInOrder(database, key);
  return value === undefined ? undefined : checkedBody(key, value).slice();
}

type RowRange = Required<Parameters<Store["rowRange"]>[0]>;

const BEHIND_INDEX = String.fromCharCode(INDEX_INITIAL.charCodeAt(0) + 1) as RowKey;

/** The search index lies beside the first area: of a range of the second that spans its keys it is read in between. */
export async function readRowRange(
  sources: Sources,
  range: RowRange,
): Promise<readonly (readonly [RowKey, Row])[]> {
  const { from, to, reverse, limit, area } = range;
  const [begin, end] = [INDEX_INITIAL as RowKey, BEHIND_INDEX];
  const isBeside = to <= begin || end <= from || (begin <= from && to <= end);
  if (area === 0 || isBeside) return readStretch(sources, range);
  const stretches = [
    { from, to: begin },
    { from: from < begin ? begin : from, to: to < end ? to : end },
    { from: end, to },
  ];
  const rows: (readonly [RowKey, Row])[] = [];
  for (const stretch of reverse ? stretches.toReversed() : stretches)
    rows.push(...(await readStretch(sources, { ...range, ...stretch, limit: limit - rows.length })));
  return rows;
}

/** Two sorted lists into one; where both have a key, the commit in flight is the newer. */
async function readStretch(
  { database, overlay }: Sources,
  { from, to, reverse, limit, area }: RowRange,
): Promise<readonly (readonly [RowKey, Row])[]> {
  if (!(from < to) || limit <= 0) return [];
  const inFlight = overlay.rowsIn(from, to, area);
  const newer = reverse ? inFlight.toReversed() : inFlight;
  const merged: (readonly [RowKey, Row])[] = [];
  let next = 0;
  /** Takes what commits in flight have before `key`; true where they have `key` itself. */
  const takeUpTo = (key: RowKey | undefined): boolean => {
    for (; next < newer.length; next++) {
      const [name, row] = newer[next]!;
      if (key !== undefined && name !== key && name < key === reverse) return false;
      if (row !== null) merged.push([name, row]);
      if (name === key) {
        next++;
        return true;
      }
    }
    return false;
  };
  const span = {
    from: rowBound(from, isIndexKey(from), area),
    to: rowBound(to, isIndexKey(from), area),
    reverse,
    // Each row in flight can hide at most one that is stored.
    limit: Number.isFinite(limit) ? limit + inFlight.length : -1,
    chunkRows: Math.min(limit + inFlight.length, 256),
  };
  for await (const chunk of database.read(span)) {
    for (const [key, value] of chunk) {
      if (merged.length >= limit) return merged.slice(0, limit);
      const name = rowKeyOf(key);
      if (!takeUpTo(name)) merged.push([name, checkedBody(key, value)]);
    }
  }
  takeUpTo(undefined);
  return merged.slice(0, limit);
}
