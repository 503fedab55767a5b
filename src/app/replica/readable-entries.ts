/** Reads entries around those that are damaged. Tests: test/integration/app/damage.test.ts, promises.test.ts. */
import { isEngineError } from "../../core/base/errors.ts";
import type { LogId } from "../../core/base/ids.ts";
import type { Store, StoredEntry } from "../../core/sync/ports.ts";

/** Without those that are damaged, which `verify` finds and forgets; they are folded when they have been fetched again. */
export async function readableEntries(
  store: Store,
  log: LogId,
  from: number,
  to: number,
): Promise<readonly StoredEntry[]> {
  try {
    return await store.entries(log, from, to);
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    if (to - from <= 1) return [];
    const middle = Math.floor((from + to) / 2);
    const [before, behind] = [
      await readableEntries(store, log, from, middle),
      await readableEntries(store, log, middle, to),
    ];
    return [...before, ...behind];
  }
}
