/**
 * What a memory store keeps, and the disk that it is durable on. A disk outlives the store: a simulation that kills a device opens
 * another store on it. It can be full, fail its next write, and lose bits.
 * Tests: test/unit/doubles/memory-store.test.ts.
 */
import { EngineError } from "../../src/core/base/errors.ts";
import type { LogId, TreeHash } from "../../src/core/base/ids.ts";
import { INDEX_INITIAL, type RowKey, type ViewArea } from "../../src/core/log/rows.ts";
import { nodeHash } from "../../src/core/log/tree.ts";
import type { BatchEntry, LogState, TreeNode } from "../../src/core/log/types.ts";
import type { Bodiless, Commit, LogWrite } from "../../src/core/sync/ports.ts";
import { MemoryRows } from "./memory-rows.ts";

export interface MemoryLog {
  state: LogState;
  /** Behind the last position that has an entry. */
  end: number;
  readonly entries: Map<number, BatchEntry>;
  readonly leaves: Map<number, TreeHash>;
  /** Proof nodes as they came. */
  readonly nodes: Map<string, TreeHash>;
  /** Positions whose entries are stored twice. */
  readonly twice: Set<number>;
}

export class MemoryState {
  readonly logs = new Map<LogId, MemoryLog>();
  /** Rows of the view, by area. */
  readonly areas: readonly [MemoryRows, MemoryRows] = [new MemoryRows(), new MemoryRows()];
  /** Rows of the search index, which lie in no area. */
  readonly index = new MemoryRows();
  serving: ViewArea = 0;
  readonly meta = new Map<string, Uint8Array>();
  #numbers: LogId[] = [];
  #version: object = {};

  /** Another object after each change: what was read from this state holds for as long as it is the same. */
  get version(): object {
    return this.#version;
  }

  /** Something was changed in place. */
  changed(): void {
    this.#version = {};
  }

  /** Of the view that serves. */
  get rows(): MemoryRows {
    return this.areas[this.serving];
  }

  /** Where a row of this key lies. */
  tableOf(key: RowKey, area: ViewArea): MemoryRows {
    return key.startsWith(INDEX_INITIAL) ? this.index : this.areas[area];
  }

  numberOf(log: LogId): number {
    const known = this.#numbers.indexOf(log);
    return known >= 0 ? known : this.#numbers.push(log) - 1;
  }

  logOf(number: number): LogId | undefined {
    return this.#numbers[number];
  }

  /** Every number that `other` has given, too. */
  takeNumbers(other: MemoryState): void {
    for (const log of other.#numbers) this.numberOf(log);
  }

  apply(commit: Commit): void {
    this.changed();
    for (const write of commit.logs) this.#write(write);
    for (const [log, entries] of commit.bodiless ?? []) this.#empty(log, entries);
    const area = commit.area ?? this.serving;
    for (const key of commit.dels) this.tableOf(key, area).delete(key);
    for (const [key, row] of commit.puts) this.tableOf(key, area).set(key, row.slice());
    this.serving = commit.serves ?? this.serving;
    for (const [name, value] of commit.meta) {
      if (value === null) this.meta.delete(name);
      else this.meta.set(name, value.slice());
    }
  }

  /** Values are never changed in place, so the copy shares them. */
  copy(): MemoryState {
    const copy = new MemoryState();
    for (const [log, { state, end, entries, leaves, nodes, twice }] of this.logs) {
      copy.logs.set(log, {
        state,
        end,
        entries: new Map(entries),
        leaves: new Map(leaves),
        nodes: new Map(nodes),
        twice: new Set(twice),
      });
    }
    for (const [area, rows] of this.areas.entries())
      for (const [key, row] of rows) copy.areas[area as ViewArea].set(key, row);
    for (const [key, row] of this.index) copy.index.set(key, row);
    copy.serving = this.serving;
    for (const [name, value] of this.meta) copy.meta.set(name, value);
    copy.#numbers = [...this.#numbers];
    return copy;
  }

  nodes(log: LogId, nodes: readonly TreeNode[]): readonly TreeHash[] | undefined {
    const stored = this.logs.get(log);
    const hashes: TreeHash[] = [];
    for (const node of nodes) {
      const hash = stored === undefined ? undefined : hashOf(stored, node);
      if (hash === undefined) return undefined;
      hashes.push(hash);
    }
    return hashes;
  }

  #empty(log: LogId, entries: Bodiless): void {
    const stored = this.logs.get(log);
    for (const [position, entry] of entries)
      stored?.entries.set(position, { ...entry, bytes: entry.bytes.slice() });
  }

  #write({ state, from, entries, leaves, nodes, twice = false }: LogWrite): void {
    const { log } = state.head;
    this.numberOf(log);
    let stored = this.logs.get(log);
    if (stored === undefined) {
      stored = { state, end: 0, entries: new Map(), leaves: new Map(), nodes: new Map(), twice: new Set() };
      this.logs.set(log, stored);
    }
    stored.state = state;
    for (const [at, entry] of entries.entries()) {
      stored.entries.set(from + at, { ...entry, bytes: entry.bytes.slice() });
      stored.leaves.set(from + at, leaves[at]!);
      if (twice) stored.twice.add(from + at);
    }
    stored.end = Math.max(stored.end, from + entries.length);
    for (const [node, hash] of nodes) stored.nodes.set(nodeName(node), hash);
  }
}

export interface FailedWrite {
  readonly error: EngineError;
  /** How many of the commits that were being written are on the disk all the same. */
  readonly landed: number;
}

export class MemoryDisk {
  readonly state: MemoryState;
  /** Told of each commit when it has become durable; `isFailed`: as part of a write that failed, and comes again. */
  readonly onDurable: ((commit: Commit, isFailed: boolean) => void)[] = [];
  #isTaken = false;
  #isFull = false;
  #failure: FailedWrite | undefined;
  readonly #damaged = new Set<string>();

  constructor(state: MemoryState = new MemoryState()) {
    this.state = state;
  }

  /** The same bytes on another disk, or the same bytes kept for later. */
  copy(): MemoryDisk {
    const copy = new MemoryDisk(this.state.copy());
    for (const place of this.#damaged) copy.#damaged.add(place);
    return copy;
  }

  write(commit: Commit, isFailed = false): void {
    this.state.apply(commit);
    this.repair(commit);
    for (const told of this.onDurable) told(commit, isFailed);
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Writes and `reopen` fail with `DISK_FULL` until there is room again. */
  setFull(isFull: boolean): void {
    this.#isFull = isFull;
  }

  /** The next write fails; of what was in it the first `landed` commits are on the disk all the same. */
  failNextWrite(cause: "full" | "other", landed = 0): void {
    const error = cause === "full" ? fullError() : new EngineError("STORE_POISONED", "a write failed");
    this.#failure = { error, landed };
  }

  /** Bits of a stored entry are not what was written, until it is written again. */
  damageEntry(log: LogId, position: number): void {
    this.state.changed();
    this.#damaged.add(`${log}/${position}`);
  }

  isDamaged(log: LogId, position: number): boolean {
    return this.#damaged.has(`${log}/${position}`);
  }

  /** Written again. */
  mend(log: LogId, position: number): void {
    this.#damaged.delete(`${log}/${position}`);
    this.state.changed();
    this.state.logs.get(log)?.twice.add(position);
  }

  repair(commit: Commit): void {
    if (this.#damaged.size === 0) return;
    for (const { state, from, entries } of commit.logs) {
      for (let at = 0; at < entries.length; at++) this.#damaged.delete(`${state.head.log}/${from + at}`);
    }
    for (const [log, entries] of commit.bodiless ?? [])
      for (const position of entries.keys()) this.#damaged.delete(`${log}/${position}`);
  }

  get damagedCount(): number {
    return this.#damaged.size;
  }

  takeFailure(): FailedWrite | undefined {
    const failure = this.#isFull ? { error: fullError(), landed: 0 } : this.#failure;
    this.#failure = undefined;
    return failure;
  }

  requireRoom(): void {
    if (this.#isFull) throw fullError();
  }

  acquire(): void {
    if (this.#isTaken) throw new EngineError("STORE_BUSY", "another process has this store open");
    this.requireRoom();
    this.#isTaken = true;
  }

  release(): void {
    this.#isTaken = false;
  }
}

/** As given, or from below: leaves, then proof nodes. */
function hashOf(log: MemoryLog, { level, index }: TreeNode): TreeHash | undefined {
  const given = log.nodes.get(nodeName({ level, index }));
  if (given !== undefined) return given;
  if (level === 0) return log.leaves.get(index);
  const left = hashOf(log, { level: level - 1, index: index * 2 });
  if (left === undefined) return undefined;
  const right = hashOf(log, { level: level - 1, index: index * 2 + 1 });
  if (right === undefined) return undefined;
  const hash = nodeHash(left, right);
  log.nodes.set(nodeName({ level, index }), hash);
  return hash;
}

function nodeName({ level, index }: TreeNode): string {
  return `${level}/${index}`;
}

function fullError(): EngineError {
  return new EngineError("DISK_FULL", "the disk is full");
}
