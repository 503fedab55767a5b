/**
 * The store over LevelDB: the one module that touches the database. Here is its life: opened, poisoned by a failed write,
 * opened again, closed. What an open store does, opened-store.ts does.
 * Spec: docs/spec/storage.md. Tests: test/integration/store/level-store.test.ts, which runs test/contracts/store.contract.ts.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import { covers } from "../../core/log/ranges.ts";
import type { ViewArea } from "../../core/log/rows.ts";
import type { LogState } from "../../core/log/types.ts";
import type { BatchSource, EncodedBatch, Store } from "../../core/sync/ports.ts";
import { BatchWitness } from "./batch-witness.ts";
import { clearRows } from "./clear-rows.ts";
import { compact } from "./compact.ts";
import { KindTable } from "./entry-codec.ts";
import { readStored } from "./layout.ts";
import { openDatabase, type OpenDatabase } from "./level-database.ts";
import { LogNumbers } from "./log-numbers.ts";
import { type Numbering, OpenedStore } from "./opened-store.ts";
import { damaged } from "./row-check.ts";
import { scrub } from "./scrub.ts";
import { openError, readError } from "./store-errors.ts";
import { verifyLog } from "./verify.ts";
import { readMeta, readRowRange, readRows } from "./view-rows.ts";

export interface LevelStoreOptions {
  /** The database's own directory; made where its parent is there. */
  readonly path: string;
  /** Told once for each time that a failed write closes the store to everything but `reopen`. */
  readonly onPoisoned?: (error: EngineError) => void;
  /** For tests of failing disks. */
  readonly database?: OpenDatabase;
}

/**
 * @throws EngineError `STORE_BUSY`, `STORE_DAMAGED`, `STORE_NEWER_VERSION`, `DISK_FULL`, `DIRECTORY_MISSING`,
 * `DIRECTORY_UNREADABLE`.
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<Store> {
  const store = new Lifecycle(options);
  await store.open();
  return {
    logs: () =>
      store.read((opened) =>
        Promise.resolve(
          [...opened.durable.values()].map((state) => ({
            state,
            number: store.logs.numberOf(state.head.log),
          })),
        ),
      ),
    numberOf: (log) => store.logs.numberOf(log),
    logOf: (number) => store.logs.logOf(number),
    entries: (log, from, to) => store.read((opened) => opened.entriesIn(log, from, to)),
    entriesAt: (places) => store.read((opened) => opened.entriesAt(places)),
    servingArea: () => store.serving,
    rows: (keys, area) => store.read((opened) => readRows(opened, keys, area ?? opened.serving)),
    rowRange: (range) => store.read((opened) => readRowRange(opened, { area: opened.serving, ...range })),
    meta: (name) => store.read((opened) => readMeta(opened, name)),
    nodes: (log, nodes) => store.read((opened) => opened.nodes(log, nodes)),
    batches: (want) => store.batches(want),
    commit: (commit) => store.write((opened) => opened.commit(commit)),
    clearRows: (wanted) => store.write((opened) => clearRows(opened, wanted)),
    verify: (wanted) => store.read((opened) => verifyLog(opened, wanted)),
    compact: (log, ranges) => store.read((opened) => compact(opened, log, ranges)),
    sizeOnDisk: () => store.read(() => bytesIn(options.path)),
    reopen: () => store.reopen(),
    close: () => store.close(),
    scrub: (wanted) => store.read((opened) => scrub(opened, wanted)),
    isSuspect: () => store.isSuspect,
    checkFiles: ({ pace }) => store.read((opened) => opened.database.countDamagedSinceBefore(pace)),
    hasMetDamage: () => store.hasMetDamage,
    onDamage: (listener) => {
      store.damageListener = listener;
    },
    trust: async () => {
      await store.write((opened) => opened.trust());
      store.isSuspect = false;
    },
  };
}

/** A file that goes while it is looked at takes nothing any more. */
async function bytesIn(path: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(path)) {
    bytes += await stat(join(path, name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}

class Lifecycle {
  readonly logs = new LogNumbers();
  isSuspect = false;
  hasMetDamage = false;
  damageListener: () => void = () => undefined;
  readonly #kinds = new KindTable();
  readonly #options: LevelStoreOptions;
  #opened: OpenedStore | undefined;
  /** Why nothing is possible now but `reopen` and `close`. */
  #failure: EngineError | undefined;
  #isClosed = false;
  #reopening: Promise<void> | undefined;

  constructor(options: LevelStoreOptions) {
    this.#options = options;
  }

  /** The first where nothing is open. */
  get serving(): ViewArea {
    return this.#opened?.serving ?? 0;
  }

  async open(): Promise<void> {
    const { path, database: open = openDatabase } = this.#options;
    const database = await open(path);
    let witness: BatchWitness | undefined;
    try {
      const stored = await readStored(database);
      witness = await BatchWitness.open(path);
      const numbering: Numbering = { logs: this.logs, kinds: this.#kinds };
      this.logs.load(stored.logs);
      this.#kinds.load(stored.kinds);
      const opened = new OpenedStore({
        database,
        numbering,
        stored,
        witness,
        onFailed: (error) => this.#poison(opened, error),
        onDamage: () => this.#met(),
      });
      this.#opened = opened;
      this.isSuspect = stored.isSuspect || witness.sequence > stored.sequence;
      // Before LevelDB compacts the table, and with it the trace.
      if ((await database.countDamagedIndexes()) > 0) this.#met();
    } catch (error) {
      if (witness !== undefined) await ignoreFailure(witness.close());
      await ignoreFailure(database.close());
      throw openError(error);
    }
  }

  async read<Result>(work: (opened: OpenedStore) => Promise<Result>): Promise<Result> {
    const opened = this.#usable();
    try {
      const result = await work(opened);
      // A failed write while it was read: what was seen of commits in flight may be gone by now.
      this.#requireSame(opened);
      return result;
    } catch (error) {
      this.#requireSame(opened);
      throw this.#noted(readError(error));
    }
  }

  async write(work: (opened: OpenedStore) => Promise<void>): Promise<void> {
    await work(this.#usable());
  }

  async *batches(want: Parameters<BatchSource["batches"]>[0]): AsyncGenerator<EncodedBatch> {
    const opened = this.#usable();
    try {
      for await (const batch of opened.batches(want)) {
        this.#requireSame(opened);
        yield batch;
        this.#requireSame(opened);
      }
    } catch (error) {
      this.#requireSame(opened);
      throw readError(error);
    }
  }

  reopen(): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError());
    if (this.#failure === undefined) return Promise.resolve();
    this.#reopening ??= this.#reopen().finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#reopening?.catch(() => undefined);
    const opened = this.#opened;
    if (opened === undefined) return;
    await ignoreFailure(opened.queue.alone(() => Promise.resolve()));
    if (this.#failure === undefined) await ignoreFailure(opened.database.settle());
    await ignoreFailure(opened.close());
  }

  async #reopen(): Promise<void> {
    const before = this.#opened;
    if (before !== undefined) await ignoreFailure(before.close());
    await this.open();
    const after = this.#opened;
    if (before !== undefined && after !== undefined) {
      try {
        audit(before, after);
      } catch (error) {
        // The next try is held against the same: what was acknowledged does not become less by opening twice.
        this.#opened = before;
        await ignoreFailure(after.close());
        throw error;
      }
    }
    this.#failure = undefined;
  }

  #noted(error: unknown): unknown {
    if (isEngineError(error, "STORE_DAMAGED")) this.#met();
    return error;
  }

  #met(): void {
    this.hasMetDamage = true;
    this.damageListener();
  }

  #poison(opened: OpenedStore, error: EngineError): void {
    if (opened !== this.#opened) return;
    this.#failure = error;
    opened.overlay.clear();
    this.#options.onPoisoned?.(error);
  }

  #usable(): OpenedStore {
    if (this.#isClosed || this.#opened === undefined) throw closedError();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#opened;
  }

  #requireSame(opened: OpenedStore): void {
    if (this.#usable() !== opened)
      throw new EngineError("STORE_POISONED", "the store was opened again meanwhile");
  }
}

/** What was acknowledged before must be there now: LevelDB has acknowledged writes that were gone after the next open. */
function audit(before: OpenedStore, after: OpenedStore): void {
  for (const [log, state] of before.durable) {
    if (!continues(after.durable.get(log), state))
      throw damaged(`acknowledged entries of a log are gone: ${log}`);
  }
}

function continues(after: LogState | undefined, before: LogState): boolean {
  return after !== undefined && after.head.length >= before.head.length && covers(after.held, before.held);
}

function closedError(): EngineError {
  return new EngineError("STORE_CLOSED", "the store is closed");
}

/** Of a handle that is given up: whether it closes well changes nothing. */
async function ignoreFailure(work: Promise<void>): Promise<void> {
  await work.catch(() => undefined);
}
