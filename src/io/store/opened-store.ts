/**
 * A store over one open database: its parts, and the life of a commit through them. Knows nothing of failures: when a write has
 * failed, all of this is thrown away and made anew over the database opened again (level-store.ts).
 * Tests: test/contracts/store.contract.ts.
 */
import { assert, type EngineError } from "../../core/base/errors.ts";
import type { LogId, TreeHash } from "../../core/base/ids.ts";
import { contains, NO_RANGES, type Ranges } from "../../core/log/ranges.ts";
import type { Place, RowKey, ViewArea } from "../../core/log/rows.ts";
import type { LogState, TreeNode } from "../../core/log/types.ts";
import type { BatchSource, Bodiless, Commit, EncodedBatch, StoredEntry } from "../../core/sync/ports.ts";
import { readBatches } from "./batch-source.ts";
import type { BatchWitness } from "./batch-witness.ts";
import { CommitQueue } from "./commit-queue.ts";
import { CommitEncoder } from "./encode-commit.ts";
import type { KindTable } from "./entry-codec.ts";
import { EntryReader } from "./entry-reader.ts";
import { putAllSequences, putSequence, readRowInitials, type Stored } from "./layout.ts";
import { entryCopyKey, logWitnessKey } from "./keys.ts";
import type { Database } from "./level-database.ts";
import type { LogNumbers } from "./log-numbers.ts";
import { encodeWitness } from "./log-state-codec.ts";
import { Overlay, type PendingCommit } from "./overlay.ts";
import { damaged, withCheck } from "./row-check.ts";
import { TreeMemory } from "./tree-memory.ts";
import { TreeReader } from "./tree-reader.ts";
import { TreeWriter } from "./tree-writer.ts";
import { WrittenRows } from "./written-rows.ts";

interface Pending extends PendingCommit {
  /** What was held of each of `commit.logs` before it. */
  readonly heldBefore: readonly Ranges[];
}

/** Outlive a failed write, since rows that wait for their retry name these numbers. */
export interface Numbering {
  readonly logs: LogNumbers;
  readonly kinds: KindTable;
}

export class OpenedStore {
  readonly database: Database;
  readonly overlay = new Overlay();
  readonly entries: EntryReader;
  readonly tree: TreeReader;
  readonly memory = new TreeMemory();
  /** Of each area. */
  readonly #written: [WrittenRows, WrittenRows];
  readonly queue: CommitQueue<Pending>;
  readonly #numbers: LogNumbers;
  readonly #treeWriter: TreeWriter;
  /** As the last call of `commit` left them. */
  readonly #tips = new Map<LogId, LogState>();
  readonly #durable = new Map<LogId, LogState>();
  readonly #witness: BatchWitness;
  #sequence: number;
  #serving: ViewArea;

  constructor(parts: {
    readonly database: Database;
    readonly numbering: Numbering;
    readonly stored: Stored;
    readonly witness: BatchWitness;
    readonly onFailed: (error: EngineError) => void;
    readonly onDamage: () => void;
  }) {
    const { database, numbering, stored, witness, onFailed, onDamage: onCopy } = parts;
    const { overlay, memory } = this;
    this.database = database;
    this.#numbers = numbering.logs;
    const heldOf = (logNumber: number): Ranges => {
      const log = this.#numbers.logOf(logNumber);
      return (log === undefined ? undefined : this.#tips.get(log)?.held) ?? NO_RANGES;
    };
    this.entries = new EntryReader({ database, overlay, kinds: numbering.kinds, heldOf, onCopy });
    this.tree = new TreeReader({ database, overlay, entries: this.entries, memory });
    this.#treeWriter = new TreeWriter({ overlay, reader: this.tree, memory });
    // Goes on behind what was acknowledged, so that a batch that is missing leaves a gap for every later start to see.
    this.#sequence = Math.max(stored.sequence, witness.sequence);
    this.#witness = witness;
    const [first, second] = stored.rowInitials;
    this.#written = [new WrittenRows(first), new WrittenRows(second)];
    this.#serving = stored.serving;
    const encoder = new CommitEncoder(numbering);
    this.queue = new CommitQueue({
      beginBatch: () => database.batch(),
      prepare: (pending) => this.#prepare(pending),
      encode: (pending, batch) => encoder.put(batch, pending),
      seal: (batch) => putSequence(batch, ++this.#sequence),
      written: () => witness.saw(this.#sequence),
      durable: (pending) => this.#settle(pending),
      failed: onFailed,
    });
    this.#load(stored);
  }

  /** Nothing may be in flight. */
  async close(): Promise<void> {
    try {
      await this.#witness.close();
    } finally {
      await this.database.close();
    }
  }

  /** Every log with what is durable of it. */
  get durable(): ReadonlyMap<LogId, LogState> {
    return this.#durable;
  }

  /** As the last call of `commit` left it. */
  get serving(): ViewArea {
    return this.#serving;
  }

  /** Undefined for a log that was never named; gives no number. */
  logNumberOf(log: LogId): number | undefined {
    return this.#numbers.find(log);
  }

  commit(commit: Commit): Promise<void> {
    for (const { state, from, entries, leaves } of commit.logs) {
      assert(entries.length === leaves.length, "every entry has its leaf");
      assert(from + entries.length <= state.head.length, "entries lie below their head");
    }
    const bodiless = this.#numbered(commit.bodiless ?? new Map<LogId, Bodiless>());
    // Several pieces of one log may all come with the state that is reached by the last, so this is before any of them.
    const heldBefore = commit.logs.map(({ state }) => this.#tips.get(state.head.log)?.held ?? NO_RANGES);
    for (const { state } of commit.logs) this.#tips.set(state.head.log, state);
    const logNumbers = commit.logs.map(({ state }) => this.#numbers.numberOf(state.head.log));
    const area = commit.area ?? this.#serving;
    if (commit.serves !== undefined) this.#serving = commit.serves;
    const written = this.#written[area];
    for (const key of commit.puts.keys()) written.add(key);
    const pending: Pending = { commit, area, logNumbers, bodiless, heldBefore, tree: undefined };
    this.overlay.add(pending);
    return this.queue.push(pending);
  }

  /** False where there is certainly no such row. */
  mayHaveRow(key: RowKey, area: ViewArea): boolean {
    return this.#written[area].mayHave(key);
  }

  /** An area was cleared: what is there now is what may be there. The caller is alone in the queue. */
  async rememberCleared(area: ViewArea): Promise<void> {
    const written = new WrittenRows(await readRowInitials(this.database, area));
    for (const key of this.overlay.keysFor(area)) written.add(key);
    this.#written[area] = written;
  }

  /** Marks what is there now as what was written last: every log was verified. */
  trust(): Promise<void> {
    return this.queue.alone(async (write) => {
      const batch = this.database.batch();
      // The number that the batch itself takes is one more.
      putAllSequences(batch, this.#sequence);
      for (const [log, state] of this.#durable) {
        const key = logWitnessKey(this.#numbers.numberOf(log));
        batch.put(key, withCheck(key, encodeWitness(state)));
      }
      await write(batch);
    });
  }

  /** Changes a log's state outside of a commit: after entries were dropped. The caller is alone in the queue. */
  replaceState(state: LogState): void {
    this.#tips.set(state.head.log, state);
    this.#durable.set(state.head.log, state);
    this.memory.clear();
  }

  /** Damaged entries are an error here: nothing wrong is handed out, and nothing is left out in silence. */
  async entriesIn(log: LogId, from: number, to: number): Promise<readonly StoredEntry[]> {
    const logNumber = this.#numbers.find(log);
    if (logNumber === undefined) return [];
    const found = await this.entries.range(logNumber, { from, to });
    return found.map(({ position, entry }) => {
      if (entry === undefined) throw damaged("an entry is not what was written");
      return { log, position, entry };
    });
  }

  async entriesAt(places: readonly Place[]): Promise<readonly (StoredEntry | undefined)[]> {
    const found = await this.entries.at(places);
    return places.map(({ logNumber, position }, at) => {
      const log = this.#numbers.logOf(logNumber);
      const entry = found[at];
      return log === undefined || entry === undefined ? undefined : { log, position, entry };
    });
  }

  async nodes(log: LogId, nodes: readonly TreeNode[]): Promise<readonly TreeHash[] | undefined> {
    // What commits in flight bring of the trees is known once they are prepared.
    await this.queue.prepared();
    const logNumber = this.#numbers.find(log);
    return logNumber === undefined ? undefined : this.tree.nodes(logNumber, this.#tips.get(log), nodes);
  }

  async *batches(want: Parameters<BatchSource["batches"]>[0]): AsyncGenerator<EncodedBatch> {
    const state = this.#durable.get(want.head.log);
    const logNumber = this.#numbers.find(want.head.log);
    if (state === undefined || logNumber === undefined) return;
    yield* readBatches({ logNumber, state, entries: this.entries, tree: this.tree }, want);
  }

  async #prepare(pending: Pending): Promise<void> {
    const { commit, logNumbers, bodiless, heldBefore } = pending;
    for (const [logNumber, entries] of bodiless) await this.#requireOnce(logNumber, [...entries.keys()]);
    const change = { tiles: new Map(), nodes: new Map(), gone: [] };
    for (const [at, log] of commit.logs.entries()) {
      await this.#treeWriter.prepare(change, {
        logNumber: logNumbers[at]!,
        heldBefore: heldBefore[at]!,
        log,
      });
    }
    pending.tree = change;
  }

  #numbered(bodiless: NonNullable<Commit["bodiless"]>): ReadonlyMap<number, Bodiless> {
    const byNumber = new Map<number, Bodiless>();
    for (const [log, entries] of bodiless) {
      const held = this.#tips.get(log)?.held ?? NO_RANGES;
      assert(
        [...entries.keys()].every((position) => contains(held, position)),
        "what loses its payload is held",
      );
      byNumber.set(this.#numbers.numberOf(log), entries);
    }
    return byNumber;
  }

  /** A second row would keep the payload, and bring it back. */
  async #requireOnce(logNumber: number, positions: readonly number[]): Promise<void> {
    const copies = await this.database.getMany(
      positions.map((position) => entryCopyKey(logNumber, position)),
    );
    assert(
      copies.every((copy) => copy === undefined),
      "what loses its payload is stored once",
    );
  }

  #settle(pending: Pending): void {
    this.overlay.drop(pending);
    for (const { state } of pending.commit.logs) this.#durable.set(state.head.log, state);
  }

  #load({ states }: Stored): void {
    for (const state of states) {
      this.#tips.set(state.head.log, state);
      this.#durable.set(state.head.log, state);
    }
  }
}
