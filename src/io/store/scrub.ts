/**
 * Reads every row of the database against its check, and by its key: a flipped bit in a key, an index or a filter hides a row
 * from those who ask for it, and nobody would miss it. Whether entries are those below the root, verify.ts tells.
 * Spec: docs/spec/storage.md, "Scrubbing". Tests: test/integration/store/bit-flips.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { Store } from "../../core/sync/ports.ts";
import { type Database, type DatabaseBatch, getInOrder, type KeyValue } from "./level-database.ts";
import type { OpenedStore } from "./opened-store.ts";
import { bodyOf } from "./row-check.ts";

type Options = Parameters<Store["scrub"]>[0];
type Outcome = Awaited<ReturnType<Store["scrub"]>>;

/** Every key: each begins with a letter, and so does any that one flipped bit makes of it. */
const ALL = { from: Uint8Array.of(0), to: Uint8Array.of(0xff), chunkRows: 2048 };

/** @throws EngineError `STORE_DAMAGED` where a part of the database cannot be read at all. */
export async function scrub(opened: OpenedStore, { repair, onProgress, pace }: Options): Promise<Outcome> {
  const { database, queue } = opened;
  let rows = 0;
  let damaged = await database.countDamagedBlocks();
  for await (const chunk of database.read(ALL)) {
    const byKey = await database.getMany(chunk.map(([key]) => key));
    const doubtful = chunk.filter((row, at) => !isRight(row, byKey[at])).map(([key]) => key);
    // The chunk is of the moment at which the scrub began: what commits have changed since is looked at again without them.
    if (doubtful.length > 0)
      damaged += await queue.alone((write) => settle(database, doubtful, repair ? write : null));
    rows += chunk.length;
    onProgress(rows);
    await pace?.();
  }
  return { rows, damaged };
}

/** Counts the rows that are damaged, and with `write` repairs them. */
async function settle(
  database: Database,
  keys: readonly Uint8Array[],
  write: ((batch: DatabaseBatch) => Promise<void>) | null,
): Promise<number> {
  const byKey = await database.getMany(keys);
  const damaged: (readonly [key: Uint8Array, whole: Uint8Array | undefined])[] = [];
  for (const [at, key] of keys.entries()) {
    const value = await getInOrder(database, key);
    if (value === undefined ? byKey[at] === undefined : isRight([key, value], byKey[at])) continue;
    damaged.push([key, value !== undefined && bodyOf(key, value) !== undefined ? value : undefined]);
  }
  if (write === null || damaged.length === 0) return damaged.length;
  const batch = database.batch();
  for (const [key, whole] of damaged) {
    if (whole === undefined) batch.del(key);
    else batch.put(key, whole);
  }
  await write(batch);
  return damaged.length;
}

function isRight([key, value]: KeyValue, byKey: Uint8Array | undefined): boolean {
  return bodyOf(key, value) !== undefined && byKey !== undefined && equalBytes(byKey, value);
}
