/**
 * Commits that are not durable yet, as reads must see them: newest first, before the database is asked. Keeps the commits
 * themselves and copies nothing; there are few at a time.
 * Tests: test/contracts/store.contract.ts.
 */
import type { Row, RowKey, ViewArea } from "../../core/log/rows.ts";
import type { BatchEntry, KnownNode } from "../../core/log/types.ts";
import type { Tile } from "../../core/log/tiles.ts";
import { isIndexKey } from "./keys.ts";
import type { Bodiless, Commit } from "../../core/sync/ports.ts";

/** Rows of the tree that a commit brings. */
export interface TreeChange {
  readonly tiles: Map<
    string,
    { readonly logNumber: number; readonly tile: Tile; readonly bytes: Uint8Array }
  >;
  readonly nodes: Map<string, { readonly logNumber: number; readonly known: KnownNode[] }>;
  /** Keys of node rows that a tile's row now stands for. */
  readonly gone: Uint8Array[];
}

export interface PendingCommit {
  readonly commit: Commit;
  /** That its rows are for. */
  readonly area: ViewArea;
  /** The short number of each of `commit.logs`. */
  readonly logNumbers: readonly number[];
  /** Its `bodiless`, by the logs' numbers. */
  readonly bodiless: ReadonlyMap<number, Bodiless>;
  /** Known once it has been prepared. */
  tree: TreeChange | undefined;
}

export class Overlay {
  readonly #pending: PendingCommit[] = [];

  add(pending: PendingCommit): void {
    this.#pending.push(pending);
  }

  /** Commits become durable in order, so the one that goes is nearly always the first. */
  drop(pending: PendingCommit): void {
    const at = this.#pending.indexOf(pending);
    if (at >= 0) this.#pending.splice(at, 1);
  }

  clear(): void {
    this.#pending.length = 0;
  }

  /** Null: deleted. Undefined: no commit in flight says anything. */
  row(key: RowKey, area: ViewArea): Row | null | undefined {
    const isAnyArea = isIndexKey(key);
    for (let at = this.#pending.length - 1; at >= 0; at--) {
      const pending = this.#pending[at]!;
      if (pending.area !== area && !isAnyArea) continue;
      const { puts, dels } = pending.commit;
      const row = puts.get(key);
      if (row !== undefined) return row;
      if (dels.has(key)) return null;
    }
    return undefined;
  }

  /** What commits in flight say of `from <= key < to`, null for deleted, in the order of the keys. */
  rowsIn(from: RowKey, to: RowKey, area: ViewArea): readonly (readonly [RowKey, Row | null])[] {
    const found = new Map<RowKey, Row | null>();
    for (const { commit, area: of } of this.#pending) {
      const isWanted = (key: RowKey): boolean => from <= key && key < to && (of === area || isIndexKey(key));
      for (const key of commit.dels) if (isWanted(key)) found.set(key, null);
      for (const [key, row] of commit.puts) if (isWanted(key)) found.set(key, row);
    }
    return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Keys of rows that commits in flight put into an area. */
  *keysFor(area: ViewArea): Generator<RowKey> {
    for (const { commit, area: of } of this.#pending) if (of === area) yield* commit.puts.keys();
  }

  meta(name: string): Uint8Array | null | undefined {
    for (let at = this.#pending.length - 1; at >= 0; at--) {
      const value = this.#pending[at]!.commit.meta.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  entry(logNumber: number, position: number): BatchEntry | undefined {
    for (let at = this.#pending.length - 1; at >= 0; at--) {
      const { commit, logNumbers, bodiless } = this.#pending[at]!;
      const emptied = bodiless.get(logNumber)?.get(position);
      if (emptied !== undefined) return emptied;
      for (let write = commit.logs.length - 1; write >= 0; write--) {
        if (logNumbers[write] !== logNumber) continue;
        const { from, entries } = commit.logs[write]!;
        const entry = entries[position - from];
        if (entry !== undefined) return entry;
      }
    }
    return undefined;
  }

  /** By position. */
  entriesIn(logNumber: number, from: number, to: number): ReadonlyMap<number, BatchEntry> {
    const found = new Map<number, BatchEntry>();
    for (const { commit, logNumbers, bodiless } of this.#pending) {
      for (const [at, write] of commit.logs.entries()) {
        if (logNumbers[at] !== logNumber) continue;
        const end = Math.min(to, write.from + write.entries.length);
        for (let position = Math.max(from, write.from); position < end; position++) {
          found.set(position, write.entries[position - write.from]!);
        }
      }
      for (const [position, entry] of bodiless.get(logNumber) ?? [])
        if (from <= position && position < to) found.set(position, entry);
    }
    return found;
  }

  tile(name: string): Uint8Array | undefined {
    for (const { tree } of this.#pending) {
      const found = tree?.tiles.get(name);
      if (found !== undefined) return found.bytes;
    }
    return undefined;
  }

  nodesOfTile(name: string): readonly KnownNode[] {
    return this.#pending.flatMap(({ tree }) => tree?.nodes.get(name)?.known ?? []);
  }
}
