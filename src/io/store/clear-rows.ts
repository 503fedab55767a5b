/**
 * Deletes all rows of the stored view in synced steps. Not LevelDB's `clear`, which is never synced. A crash in between leaves a
 * part of the rows: whoever clears them has first stored that the view must be built again.
 * Tests: test/contracts/store.contract.ts.
 */
import { rowSpan } from "./keys.ts";
import type { Database, DatabaseBatch } from "./level-database.ts";
import type { OpenedStore } from "./opened-store.ts";

const STEP = 8192;

export function clearRows({ database, queue }: OpenedStore): Promise<void> {
  return queue.alone((write) => deleteRows(database, write));
}

async function deleteRows(database: Database, write: (batch: DatabaseBatch) => Promise<void>): Promise<void> {
  let { from } = rowSpan;
  for (;;) {
    const keys: Uint8Array[] = [];
    for await (const chunk of database.read({ from, to: rowSpan.to, limit: STEP })) {
      for (const [key] of chunk) keys.push(key);
    }
    const last = keys.at(-1);
    if (last === undefined) return;
    const batch = database.batch();
    for (const key of keys) batch.del(key);
    await write(batch);
    from = last;
  }
}
