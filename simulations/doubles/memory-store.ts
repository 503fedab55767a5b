/**
 * The Store port without a disk, for simulations: slow and obvious where LevelDB's is fast. What is durable lives in a
 * `MemoryDisk`, which outlives the process that a simulation kills. No timers and no chance of its own: when a sync is done,
 * the simulation says.
 * Tests: test/unit/doubles/memory-store.test.ts, which runs test/contracts/store.contract.ts.
 */
import { equalBytes } from "../../src/core/base/bytes.ts";
import { assert, EngineError } from "../../src/core/base/errors.ts";
import type { LogId, TreeHash } from "../../src/core/base/ids.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import {
  contains,
  covers,
  NO_RANGES,
  prefixOf,
  type Ranges,
  rangeOf,
  subtract,
  union,
} from "../../src/core/log/ranges.ts";
import type { Row, RowKey } from "../../src/core/log/rows.ts";
import { perfectNodes, rootOf } from "../../src/core/log/tree.ts";
import type { BatchEntry } from "../../src/core/log/types.ts";
import type { Bodiless, Commit, EncodedBatch, Store, StoredEntry } from "../../src/core/sync/ports.ts";
import { serveBatches } from "./memory-batches.ts";
import type { MemoryDisk, MemoryLog, MemoryState } from "./memory-disk.ts";

export interface MemoryStoreOptions {
  readonly disk: MemoryDisk;
  readonly onPoisoned?: (error: EngineError) => void;
  /** Batches are served no larger than this, whatever is wanted: a few small entries then take many. */
  readonly batchBytesMax?: number;
  /** Calls `synced` when the disk has done one sync. The default: as soon as the caller waits. */
  readonly sync?: (synced: () => void) => void;
}

interface Waiting {
  readonly commit: Commit;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface MemoryStore extends Store {
  /**
   * The process dies: nothing that was asked is answered any more, and what is not durable is gone, except for the oldest `survivors`
   * of the commits in flight: they had reached the disk, and nobody was told.
   */
  readonly crash: (survivors?: number) => void;
  /** Commits given and not answered yet. */
  readonly inFlight: () => number;
  /** A write has failed, and nothing is read or written before `reopen`. */
  readonly isPoisoned: () => boolean;
}

/** @throws EngineError `STORE_BUSY` while another store has the disk, `DISK_FULL` while it has no room. */
export function openMemoryStore(options: MemoryStoreOptions): MemoryStore {
  const store = new OpenMemoryStore(options);
  return {
    logs: () => store.read(() => store.logs()),
    numberOf: (log) => store.live.numberOf(log),
    logOf: (number) => store.live.logOf(number),
    entries: (log, from, to) => store.read(() => store.entries(log, from, to)),
    entriesAt: (places) =>
      store.read(() =>
        places.map(({ logNumber, position }) => {
          const log = store.live.logOf(logNumber);
          return log === undefined ? undefined : store.entries(log, position, position + 1)[0];
        }),
      ),
    servingArea: () => store.live.serving,
    rows: (keys, area) =>
      store.read(() => keys.map((key) => store.live.tableOf(key, area ?? store.live.serving).get(key))),
    rowRange: (range) => store.read(() => store.rowRange(range)),
    meta: (name) => store.read(() => store.live.meta.get(name)),
    nodes: (log, nodes) => store.read(() => store.live.nodes(log, nodes)),
    batches: (want) => store.batches(want),
    commit: (commit) => store.commit(commit),
    compact: () => store.read(() => undefined),
    sizeOnDisk: () => store.read(() => store.size()),
    reopen: () => store.reopen(),
    clearRows: (wanted) => store.clearRows(wanted),
    verify: (wanted) => store.read(() => store.verify(wanted)),
    scrub: ({ onProgress }) =>
      store.read(() => {
        // Bits of this disk are lost below entries only, and those `verify` finds.
        const { areas, index } = store.live;
        const rows = areas[0].size + areas[1].size + index.size;
        onProgress(rows);
        return { rows, damaged: 0 };
      }),
    isSuspect: () => false,
    checkFiles: () => store.read(() => 0),
    hasMetDamage: () => store.hasMetDamage,
    onDamage: (listener) => {
      store.damageListener = listener;
    },
    trust: () => store.read(() => undefined),
    close: () => store.close(),
    crash: (survivors = 0) => store.crash(survivors),
    inFlight: () => store.inFlight(),
    isPoisoned: () => store.isPoisoned(),
  };
}

class OpenMemoryStore {
  /** Everything that was committed, durable or not. */
  live: MemoryState;
  hasMetDamage = false;
  damageListener: () => void = () => undefined;
  readonly #options: MemoryStoreOptions;
  readonly #disk: MemoryDisk;
  #waiting: Waiting[] = [];
  #isSyncing = false;
  #failure: EngineError | undefined;
  #isClosed = false;
  #isDead = false;
  #drained: (() => void)[] = [];

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#disk = options.disk;
    this.#disk.acquire();
    this.live = this.#disk.state.copy();
  }

  logs(): Awaited<ReturnType<Store["logs"]>> {
    return [...this.#disk.state.logs].map(([log, { state }]) => ({ state, number: this.live.numberOf(log) }));
  }

  /** Of entries alone. */
  size(): number {
    let bytes = 0;
    for (const { entries } of this.live.logs.values())
      for (const entry of entries.values()) bytes += entry.bytes.length;
    return bytes;
  }

  entries(log: LogId, from: number, to: number): readonly StoredEntry[] {
    const found: StoredEntry[] = [];
    const stored = this.live.logs.get(log);
    for (let position = from; stored !== undefined && position < Math.min(to, stored.end); position++) {
      const entry = stored.entries.get(position);
      if (entry === undefined) continue;
      if (this.#disk.isDamaged(log, position)) {
        this.hasMetDamage = true;
        this.damageListener();
        if (!stored.twice.has(position)) throw damaged();
      }
      found.push({ log, position, entry });
    }
    return found;
  }

  rowRange({
    area = this.live.serving,
    ...bounds
  }: Parameters<Store["rowRange"]>[0]): readonly (readonly [RowKey, Row])[] {
    const [rows, index] = [this.live.areas[area].range(bounds), this.live.index.range(bounds)];
    if (index.length === 0) return rows;
    const { reverse, limit } = bounds;
    return [...rows, ...index].toSorted(([a], [b]) => (a < b === reverse ? 1 : -1)).slice(0, limit);
  }

  async *batches(want: Parameters<Store["batches"]>[0]): AsyncGenerator<EncodedBatch> {
    this.#requireUsable();
    const { head } = want;
    const stored = this.#disk.state.logs.get(head.log);
    if (stored === undefined || head.length > stored.state.head.length) return;
    const peaks = this.#disk.state.nodes(head.log, perfectNodes(0, head.length));
    if (peaks !== undefined && !equalBytes(rootOf(peaks, head.length), head.root)) return;
    const isServable = (position: number): boolean =>
      stored.twice.has(position) || !this.#disk.isDamaged(head.log, position);
    const bytesMax = Math.min(want.bytesMax, this.#options.batchBytesMax ?? want.bytesMax);
    for (const batch of serveBatches(this.#disk.state, { ...want, bytesMax }, isServable)) {
      yield await this.read(() => batch);
    }
  }

  async commit(commit: Commit): Promise<void> {
    this.#requireUsable();
    for (const { state, from, entries, leaves } of commit.logs) {
      assert(entries.length === leaves.length, "every entry has its leaf");
      assert(from + entries.length <= state.head.length, "entries lie below their head");
    }
    for (const [log, entries] of commit.bodiless ?? []) requireBodiless(this.live.logs.get(log), entries);
    this.live.apply(commit);
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ commit, resolve, reject }));
    this.#sync();
    return done;
  }

  async clearRows({ area }: NonNullable<Parameters<Store["clearRows"]>[0]> = {}): Promise<void> {
    await this.#idle();
    this.#requireUsable();
    for (const state of [this.live, this.#disk.state]) {
      state.changed();
      if (area !== undefined) state.areas[area].clear();
      else for (const rows of [...state.areas, state.index]) rows.clear();
    }
  }

  verify({ log, forgetBad, twice = false, onProgress }: Parameters<Store["verify"]>[0]): {
    entries: number;
    bad: Ranges;
    worn: Ranges;
  } {
    const stored = this.live.logs.get(log);
    if (stored === undefined) return { entries: 0, bad: [], worn: [] };
    let bad: Ranges = [];
    let worn: Ranges = [];
    let entries = 0;
    for (const range of stored.state.held) {
      for (let position = range.from; position < range.to; position++) {
        const entry = stored.entries.get(position);
        const isDamaged = this.#disk.isDamaged(log, position);
        const isTwice = stored.twice.has(position);
        const isGood =
          entry !== undefined && (isTwice || !isDamaged) && isLeaf(entry, stored.leaves.get(position));
        const here = rangeOf(position, position + 1);
        if (!isGood) bad = union(bad, here);
        else if (twice && (isDamaged || !isTwice)) worn = union(worn, here);
        entries++;
      }
    }
    onProgress(entries);
    if (forgetBad && bad.length > 0) this.#forget(log, bad);
    if (forgetBad) this.#writeAgain(log, worn);
    return { entries, bad, worn };
  }

  async reopen(): Promise<void> {
    if (this.#isClosed) throw closedError();
    if (this.#failure === undefined) return;
    await Promise.resolve();
    this.#disk.requireRoom();
    const failed = this.live;
    this.live = this.#disk.state.copy();
    // Rows that wait for their retry name numbers that were given since.
    this.live.takeNumbers(failed);
    this.#failure = undefined;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#idle();
    this.#disk.release();
  }

  crash(survivors: number): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#isClosed = true;
    if (survivors > 0) this.#disk.state.takeNumbers(this.live);
    for (const { commit } of this.#waiting.slice(0, survivors)) this.#disk.write(commit);
    this.#waiting = [];
    this.#disk.release();
  }

  isPoisoned(): boolean {
    return this.#failure !== undefined;
  }

  inFlight(): number {
    return this.#waiting.length;
  }

  async read<Result>(work: () => Result): Promise<Result> {
    this.#requireUsable();
    const result = work();
    await Promise.resolve();
    this.#requireUsable();
    return result;
  }

  /** One sync at a time, with everything that waits when it begins. */
  #sync(): void {
    if (this.#isSyncing || this.#waiting.length === 0) return;
    this.#isSyncing = true;
    const sync = this.#options.sync ?? ((synced) => void Promise.resolve().then(synced));
    sync(() => {
      this.#isSyncing = false;
      if (this.#isDead) return;
      // What has come since the sync began shares it: the disk knows no order but that of the calls.
      const group = this.#waiting;
      this.#waiting = [];
      const failure = this.#disk.takeFailure();
      if (failure !== undefined) {
        if (failure.landed > 0) this.#disk.state.takeNumbers(this.live);
        for (const { commit } of group.slice(0, failure.landed)) this.#disk.write(commit, true);
        this.#poison(failure.error, group);
      } else this.#finish(group);
      for (const drained of this.#drained.splice(0)) drained();
      this.#sync();
    });
  }

  #finish(group: readonly Waiting[]): void {
    // Numbers that were given go with whatever is written next, so that no other log ever gets them.
    this.#disk.state.takeNumbers(this.live);
    for (const { commit } of group) this.#disk.write(commit);
    for (const { resolve } of group) resolve();
  }

  #poison(failure: EngineError, group: readonly Waiting[]): void {
    this.#failure = failure;
    this.#options.onPoisoned?.(failure);
    for (const { reject } of group) reject(failure);
  }

  #writeAgain(log: LogId, worn: Ranges): void {
    for (const { from, to } of worn) {
      for (let position = from; position < to; position++) {
        this.#disk.mend(log, position);
        this.live.logs.get(log)?.twice.add(position);
      }
    }
  }

  #forget(log: LogId, bad: Ranges): void {
    for (const state of [this.live, this.#disk.state]) {
      const stored = state.logs.get(log);
      if (stored === undefined) continue;
      state.changed();
      for (const { from, to } of bad) for (let at = from; at < to; at++) stored.entries.delete(at);
      const held = subtract(stored.state.held, bad);
      const length = Math.min(stored.state.prefix.length, prefixOf(held));
      const peaks = state.nodes(log, perfectNodes(0, length));
      assert(peaks !== undefined, "the nodes of a hole-free prefix are known");
      stored.state = { ...stored.state, held, prefix: { length, root: rootOf(peaks, length) } };
      assert(covers(held, rangeOf(0, length)), "a prefix has no holes");
    }
  }

  async #idle(): Promise<void> {
    while (this.#isSyncing && !this.#isDead)
      await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #requireUsable(): void {
    if (this.#isClosed) throw closedError();
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function requireBodiless(stored: MemoryLog | undefined, entries: Bodiless): void {
  for (const [position, entry] of entries) {
    assert(contains(stored?.state.held ?? NO_RANGES, position), "what loses its payload is held");
    assert(stored?.twice.has(position) === false, "what loses its payload is stored once");
    assert(isLeaf(entry, stored.leaves.get(position)), "what loses its payload keeps its leaf");
  }
}

function isLeaf(entry: BatchEntry, leaf: TreeHash | undefined): boolean {
  return leaf !== undefined && equalBytes(leavesOf([entry])[0]!, leaf);
}

function damaged(): EngineError {
  return new EngineError("STORE_DAMAGED", "an entry is not what was written");
}

function closedError(): EngineError {
  return new EngineError("STORE_CLOSED", "the store is closed");
}
