/**
 * Deletes all rows of the stored view in synced steps. Not LevelDB's `clear`, which is never synced. A crash in between leaves a
 * part of the rows: whoever clears them has first stored that the view must be built again.
 * Tests: test/contracts/store.contract.ts.
 */
import { rowSpan } from "./keys.ts";
import type { OpenedStore } from "./opened-store.ts";

const STEP = 8192;

/** The caller is alone in the queue. */
export async function deleteRows({ database }: OpenedStore): Promise<void> {
  let { from } = rowSpan;
  for (;;) {
    const batch = database.batch();
    let count = 0;
    for await (const chunk of database.read({ from, to: rowSpan.to, limit: STEP })) {
      for (const [key] of chunk) {
        batch.del(key);
        from = key;
        count++;
      }
    }
    if (count === 0) return;
    await batch.write();
  }
}
