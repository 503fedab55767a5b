/**
 * A commit as rows: entries, states, view rows, meta values, and what it brings of the trees. Keys and values are laid one behind
 * the other in large buffers, which the database copies from.
 * Spec: docs/spec/storage.md. Tests: test/contracts/store.contract.ts.
 */
import { utf8 } from "../../core/base/bytes.ts";
import { idBytes } from "../../core/base/ids.ts";
import type { Place, Row, RowKey, ViewArea } from "../../core/log/rows.ts";
import type { BatchEntry } from "../../core/log/types.ts";
import type { Commit, LogWrite } from "../../core/sync/ports.ts";
import { inverted } from "./entry-reader.ts";
import { entrySizeMax, type KindTable, putEntry } from "./entry-codec.ts";
import {
  ENTRY_KEY_BYTES,
  entryCopyKey,
  kindKey,
  layoutKey,
  logIdKey,
  logStateKey,
  logWitnessKey,
  metaKey,
  nodeKey,
  putEntryKey,
  putRowKey,
  rowKey,
  tileKey,
} from "./keys.ts";
import type { DatabaseBatch } from "./level-database.ts";
import { encodeLogState, encodeWitness } from "./log-state-codec.ts";
import { layoutValue } from "./layout.ts";
import type { LogNumbers } from "./log-numbers.ts";
import type { PendingCommit, TreeChange } from "./overlay.ts";
import { CHECK_BYTES, putCheck, withCheck } from "./row-check.ts";

const SLAB_BYTES = 64 * 1024;

export class CommitEncoder {
  readonly #kinds: KindTable;
  readonly #numbers: LogNumbers;
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;

  constructor(parts: { readonly kinds: KindTable; readonly logs: LogNumbers }) {
    this.#kinds = parts.kinds;
    this.#numbers = parts.logs;
  }

  put(batch: DatabaseBatch, pending: PendingCommit): void {
    const { commit, area, logNumbers, bodiless, tree } = pending;
    for (const key of commit.dels) batch.del(rowKey(key, area));
    this.#putRows(batch, commit.puts, area);
    if (commit.serves !== undefined) batch.put(layoutKey, layoutValue(commit.serves));
    for (let at = 0; at < commit.logs.length; at++) this.#putLog(batch, logNumbers[at]!, commit.logs[at]!);
    for (const [logNumber, entries] of bodiless)
      for (const [position, entry] of entries) this.#putEntry(batch, { logNumber, position }, entry);
    for (const [name, value] of commit.meta) putMeta(batch, name, value);
    if (tree !== undefined) putTree(batch, tree);
    // Last, since the entries above may have used numbers for the first time.
    this.#putNumbers(batch);
  }

  #putRows(batch: DatabaseBatch, rows: Commit["puts"], area: ViewArea): void {
    for (const [key, row] of rows) this.#putRow(batch, key, row, area);
  }

  #putLog(batch: DatabaseBatch, logNumber: number, write: LogWrite): void {
    const { state, from, entries, twice = false } = write;
    for (let at = 0; at < entries.length; at++) {
      const body = this.#putEntry(batch, { logNumber, position: from + at }, entries[at]!);
      if (!twice) continue;
      const copyKey = entryCopyKey(logNumber, from + at);
      batch.put(copyKey, withCheck(copyKey, inverted(body)));
    }
    const key = logStateKey(logNumber);
    batch.put(key, withCheck(key, encodeLogState(state)));
    const witness = logWitnessKey(logNumber);
    batch.put(witness, withCheck(witness, encodeWitness(state)));
  }

  /** Returns what the row says, as a view that the next put overwrites. */
  #putEntry(batch: DatabaseBatch, place: Place, entry: BatchEntry): Uint8Array {
    const start = this.#room(ENTRY_KEY_BYTES + entrySizeMax(entry) + CHECK_BYTES);
    putEntryKey(this.#slab, start, place);
    const valueAt = start + ENTRY_KEY_BYTES;
    const end = putEntry(this.#slab, valueAt, entry, this.#kinds.numberOf(entry.kind));
    this.#putSlab(batch, { start, valueAt, end });
    return this.#slab.subarray(valueAt, end);
  }

  #putRow(batch: DatabaseBatch, name: RowKey, row: Row, area: ViewArea): void {
    const start = this.#room(1 + name.length + row.length + CHECK_BYTES);
    const valueAt = putRowKey(this.#slab, start, name, area);
    this.#slab.set(row, valueAt);
    this.#putSlab(batch, { start, valueAt, end: valueAt + row.length });
  }

  /** Key and value lie together, so that one pass makes the check of both. */
  #putSlab(
    batch: DatabaseBatch,
    part: { readonly start: number; readonly valueAt: number; readonly end: number },
  ): void {
    const { start, valueAt, end } = part;
    putCheck(this.#slab, start, end);
    batch.put(this.#slab.subarray(start, valueAt), this.#slab.subarray(valueAt, end + CHECK_BYTES));
    this.#used = end + CHECK_BYTES;
  }

  /** The batch copies what it is given, so the slab is used again at once when it is full. */
  #room(size: number): number {
    if (this.#used + size > this.#slab.length) {
      if (size > this.#slab.length) this.#slab = new Uint8Array(size);
      this.#used = 0;
    }
    return this.#used;
  }

  #putNumbers(batch: DatabaseBatch): void {
    for (const [number, log] of this.#numbers.takeUnstored()) {
      const key = logIdKey(number);
      batch.put(key, withCheck(key, idBytes(log)));
    }
    for (const [number, kind] of this.#kinds.takeUnstored()) {
      const key = kindKey(number);
      batch.put(key, withCheck(key, kind));
    }
  }
}

function putMeta(batch: DatabaseBatch, name: string, value: Uint8Array | null): void {
  const key = metaKey(utf8(name));
  if (value === null) batch.del(key);
  else batch.put(key, withCheck(key, value));
}

function putTree(batch: DatabaseBatch, tree: TreeChange): void {
  for (const { logNumber, known } of tree.nodes.values()) {
    for (const [node, hash] of known) {
      const key = nodeKey(logNumber, node);
      batch.put(key, withCheck(key, hash));
    }
  }
  // Behind the puts: a node may come and go in one commit, when it is the last of its tile.
  for (const key of tree.gone) batch.del(key);
  for (const { logNumber, tile, bytes } of tree.tiles.values()) {
    const key = tileKey(logNumber, tile);
    batch.put(key, withCheck(key, bytes));
  }
}
