/**
 * The seam to LevelDB: bytes in, bytes out, every write synced. Knows no table and no format; what the values mean, and whether
 * they are what was written, others check. Figures behind the options: docs/spec/storage.md, "Options".
 * Tests: test/integration/store/level-store.test.ts.
 */
import { mkdir, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { damaged } from "./row-check.ts";
import type { KeySpan } from "./keys.ts";
import { countDamagedBlocks, countDamagedIndexes } from "./table-check.ts";
import { ReadsUnderWay } from "./reads-under-way.ts";
import { openError, readError } from "./store-errors.ts";

export type KeyValue = readonly [key: Uint8Array, value: Uint8Array];

export interface ReadSpan extends KeySpan {
  readonly reverse?: boolean;
  readonly limit?: number;
  /** Rows in a chunk at most; the fewer, the less an iterator keeps until the collector runs. */
  readonly chunkRows?: number;
}

/** Everything put and deleted becomes durable together, or nothing of it. */
export interface DatabaseBatch {
  /** Copies both. */
  readonly put: (key: Uint8Array, value: Uint8Array) => void;
  readonly del: (key: Uint8Array) => void;
  /** Resolves once synced. A failure means no more than that nobody knows. */
  readonly write: () => Promise<void>;
}

export interface Database {
  readonly getMany: (keys: readonly Uint8Array[]) => Promise<readonly (Uint8Array | undefined)[]>;
  /** Keys of a span in order, in chunks, as they are at the call. */
  readonly read: (span: ReadSpan) => AsyncIterable<readonly KeyValue[]>;
  /** To be written: one that is given up keeps its memory until the database is closed. */
  readonly batch: () => DatabaseBatch;
  /** Damaged blocks in the tables, by LevelDB's own checksums. Reads all of them. */
  readonly countDamagedBlocks: () => Promise<number>;
  /** The same for the tables that were there at the opening and are still. Waits for `pace` after each. */
  readonly countDamagedSinceBefore: (pace?: () => Promise<void>) => Promise<number>;
  /** Of these, those that say where rows are, or that there are none: indexes and filters. Reads the ends of the tables. */
  readonly countDamagedIndexes: () => Promise<number>;
  /** Resolves when all reads that are under way have ended, or the database is closed. */
  readonly readsEnded: () => Promise<void>;
  /**
   * Writes what is in memory only as a table, and joins the tables of a span, both ends included. Older values that lie in a table below
   * another are gone then, where no read under way could see them.
   */
  readonly compact: (span: KeySpan) => Promise<void>;
  /** Writes what is in memory only as a table where it is more than `bytesMin`, by default so much that the next open would have to replay a lot. */
  readonly settle: (bytesMin?: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** One value by its place among the others: other than `getMany` it asks no filter, in which a flipped bit would hide the row. */
export async function getInOrder(database: Database, key: Uint8Array): Promise<Uint8Array | undefined> {
  const behind = new Uint8Array(key.length + 1);
  behind.set(key);
  for await (const [row] of database.read({ from: key, to: behind, chunkRows: 1 })) return row?.[1];
  return undefined;
}

export type OpenDatabase = (path: string) => Promise<Database>;

const OPTIONS = {
  keyEncoding: "view",
  valueEncoding: "view",
  blockSize: 16 * 1024,
  writeBufferSize: 8 * 1024 * 1024,
  cacheSize: 8 * 1024 * 1024,
  maxFileSize: 2 * 1024 * 1024,
  maxOpenFiles: 74,
} as const;

/** Bytes and rows of one chunk of a read: large enough that changing threads does not count. */
const CHUNK_BYTES = 256 * 1024;
const CHUNK_ROWS = 256;

/** What is less is replayed faster at the next open than written as a table now. */
const SETTLE_BYTES_MIN = 512 * 1024;

/** A batch that was larger is not kept, since it would keep its memory. */
const IDLE_BATCH_BYTES_MAX = 4 * 1024 * 1024;

const DIRECTORY_MODE = 0o700;

/**
 * Opens, or makes, the database in `path`, whose parent must exist.
 *
 * @throws EngineError `STORE_BUSY`, `STORE_DAMAGED`, `DISK_FULL`, `DIRECTORY_MISSING`, `DIRECTORY_UNREADABLE`.
 */
export const openDatabase: OpenDatabase = async (path) => {
  try {
    await requireDirectory(path);
    const level = new Level<Uint8Array, Uint8Array>(path, OPTIONS) as Native;
    await level.open();
    return overLevel(level, path);
  } catch (error) {
    throw openError(error);
  }
};

/** In Node, `level` is LevelDB with these methods; its own types are those it shares with browsers. */
type Native = Level<Uint8Array, Uint8Array> & {
  readonly compactRange: (from: Uint8Array, to: Uint8Array) => Promise<void>;
  readonly getProperty: (name: string) => string;
};

/**
 * A batch holds its bytes outside of the heap until the collector runs, which knows nothing of them: at a million messages a
 * hundred megabytes. So batches are used again, for which this is the way in: the public `write` closes them. The public `put` and `del`
 * make an object of each row for hooks, prefixes and encodings; bytes need none of these, and every message has three rows.
 */
type NativeBatch = ReturnType<Native["batch"]> & {
  readonly _put: (key: Uint8Array, value: Uint8Array) => void;
  readonly _del: (key: Uint8Array) => void;
  readonly _write: (options: { readonly sync: boolean }) => Promise<void>;
};

/** Without CURRENT, LevelDB would begin a new database and delete the files of the old one. */
async function requireDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE });
    return;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const names = await readdir(path);
  const hasFiles = names.some((name) => /^MANIFEST-|\.(?:ldb|sst|log)$/.test(name));
  if (hasFiles && !names.includes("CURRENT")) throw damaged("the database has lost its file CURRENT");
}

function overLevel(level: Native, path: string): Database {
  const tablesBefore = liveTables(level);
  const reads = new ReadsUnderWay();
  let unsettledBytes = 0;
  const idle: NativeBatch[] = [];
  return {
    getMany: async (keys) => {
      const end = reads.begin();
      try {
        return await level.getMany([...keys]);
      } catch (error) {
        throw readError(error);
      } finally {
        end();
      }
    },
    read: (span) => readChunks(level, span, reads.begin()),
    batch: () => {
      const batch = idle.pop() ?? (level.batch() as NativeBatch);
      let bytes = 0;
      return {
        put: (key, value) => {
          batch._put(key, value);
          bytes += key.length + value.length;
        },
        del: (key) => batch._del(key),
        write: async () => {
          // LevelDB's own code looks at nothing any more.
          if (level.status !== "open")
            throw new Error("the database was closed before the batch was written");
          await batch._write({ sync: true });
          unsettledBytes += bytes;
          if (bytes > IDLE_BATCH_BYTES_MAX || level.status !== "open") return;
          batch.clear();
          idle.push(batch);
        },
      };
    },
    countDamagedBlocks: () => countInTables(level, path, { names: liveTables(level) }),
    countDamagedSinceBefore: (pace) => {
      const live = new Set(liveTables(level));
      return countInTables(level, path, { names: tablesBefore.filter((name) => live.has(name)), pace });
    },
    countDamagedIndexes: () => countInIndexes(level, path),
    settle: async (bytesMin = SETTLE_BYTES_MIN) => {
      if (unsettledBytes < bytesMin) return;
      unsettledBytes = 0;
      // Compacting any range begins by writing the memory table; this one is empty and ends there.
      await level.compactRange(new Uint8Array(1), new Uint8Array(1));
    },
    readsEnded: () => reads.ended(),
    compact: async ({ from, to }) => {
      // How deep the tables lie LevelDB looks at first; one that it moves down meanwhile is left over, and the second time is not.
      await level.compactRange(from, to);
      await level.compactRange(from, to);
      unsettledBytes = 0;
    },
    close: () => {
      reads.giveUp();
      return level.close();
    },
  };
}

/** Of a table of 2 MiB, index and filter are 10 to 30 KiB. */
const TABLE_END_BYTES = 64 * 1024;

async function countInIndexes(level: Native, path: string): Promise<number> {
  const counts = await Promise.all(
    liveTables(level).map(async (name) => {
      const end = await readEnd(join(path, name)).catch(() => undefined);
      // One that is gone was compacted since, or the database says so itself.
      return end === undefined ? 0 : countDamagedIndexes(end.bytes, end.from);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readEnd(path: string): Promise<{ readonly bytes: Uint8Array; readonly from: number }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TABLE_END_BYTES);
    const bytes = new Uint8Array(size - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return { bytes: bytes.subarray(0, bytesRead), from };
  } finally {
    await file.close();
  }
}

async function countInTables(
  level: Native,
  path: string,
  tables: { readonly names: readonly string[]; readonly pace?: (() => Promise<void>) | undefined },
): Promise<number> {
  let count = 0;
  for (const name of tables.names) {
    const table = await readFile(join(path, name)).catch(() => undefined);
    if (table !== undefined) count += countDamagedBlocks(table);
    // Compaction deletes tables meanwhile; one that is still in use and cannot be read is lost.
    else if (liveTables(level).includes(name)) count++;
    await tables.pace?.();
  }
  return count;
}

/** Of lines such as ` 17:2041['...' .. '...']`, the file's number. Tables that are being written do not stand there. */
function liveTables(level: Native): readonly string[] {
  const lines = level.getProperty("leveldb.sstables").matchAll(/^ (\d+):\d+\[/gm);
  return [...lines].map(([, number]) => `${number!.padStart(6, "0")}.ldb`);
}

function readChunks(
  level: Native,
  { from, to, reverse = false, limit = -1, chunkRows = CHUNK_ROWS }: ReadSpan,
  end: () => void,
): AsyncIterable<readonly KeyValue[]> {
  // Made at once and not at the first pull, so that what is seen is the state at the call.
  const iterator = level.iterator<Uint8Array, Uint8Array>({
    gte: from,
    lt: to,
    reverse,
    limit,
    highWaterMarkBytes: CHUNK_BYTES,
  });
  let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
  return {
    async *[Symbol.asyncIterator]() {
      try {
        // All that was asked for is here: to ask once more would only hear that it was.
        while (left > 0) {
          const chunk = await iterator.nextv(Math.min(chunkRows, left));
          if (chunk.length === 0) return;
          left -= chunk.length;
          yield chunk;
        }
      } catch (error) {
        throw readError(error);
      } finally {
        await iterator.close();
        end();
      }
    },
  };
}
