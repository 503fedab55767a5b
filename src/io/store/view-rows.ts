/**
 * Reads rows of the stored view and meta values: what commits in flight say, over what the database has.
 * Tests: test/contracts/store.contract.ts.
 */
import { utf8 } from "../../core/base/bytes.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import type { Store } from "../../core/sync/ports.ts";
import { metaKey, rowKey, rowKeyOf } from "./keys.ts";
import { type Database, getInOrder } from "./level-database.ts";
import type { Overlay } from "./overlay.ts";
import { checkedBody } from "./row-check.ts";

interface Sources {
  readonly database: Database;
  readonly overlay: Overlay;
}

interface RowSources extends Sources {
  readonly mayHaveRow: (key: RowKey) => boolean;
}

export async function readRows(
  sources: RowSources,
  names: readonly RowKey[],
): Promise<readonly (Row | undefined)[]> {
  const { database, overlay } = sources;
  const rows = names.map((name) => overlay.row(name));
  const missing: number[] = [];
  for (const [at, name] of names.entries())
    if (rows[at] === undefined && sources.mayHaveRow(name)) missing.push(at);
  // In the order of the tables, so that each is opened once however few LevelDB keeps open.
  missing.sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
  const keys = missing.map((at) => rowKey(names[at]!));
  const values = keys.length === 0 ? [] : await database.getMany(keys);
  for (const [n, at] of missing.entries()) {
    const value = values[n];
    if (value !== undefined) rows[at] = checkedBody(keys[n]!, value);
  }
  return rows.map((row) => row ?? undefined);
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

/** Two sorted lists into one; where both have a key, the commit in flight is the newer. */
export async function readRowRange(
  { database, overlay }: Sources,
  { from, to, reverse, limit }: Parameters<Store["rowRange"]>[0],
): Promise<readonly (readonly [RowKey, Row])[]> {
  if (!(from < to) || limit <= 0) return [];
  const inFlight = overlay.rowsIn(from, to);
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
    from: rowKey(from),
    to: rowKey(to),
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
