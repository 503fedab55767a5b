/**
 * Deletes rows of the stored view in synced steps that other commits come between. Not LevelDB's `clear`, which is never synced. A crash in
 * between leaves a part of the rows: whoever clears what serves has first stored that the view must be built again.
 * Tests: test/contracts/store.contract.ts.
 */
import type { ViewArea } from "../../core/log/rows.ts";
import type { Store } from "../../core/sync/ports.ts";
import { areaSpans, indexSpan, type KeySpan } from "./keys.ts";
import type { Database, DatabaseBatch } from "./level-database.ts";
import type { OpenedStore } from "./opened-store.ts";

/** Some ten milliseconds. */
const STEP = 2048;

export async function clearRows(
  opened: OpenedStore,
  { area, pace }: NonNullable<Parameters<Store["clearRows"]>[0]> = {},
): Promise<void> {
  const { database, queue } = opened;
  const areas: readonly ViewArea[] = area === undefined ? [0, 1] : [area];
  const spans = areas.flatMap((each) => areaSpans(each));
  for (const { from, to } of area === undefined ? [...spans, indexSpan] : spans) {
    let next: Uint8Array | undefined = from;
    while (next !== undefined) {
      const span: KeySpan = { from: next, to };
      next = await queue.alone((write) => deleteRows(database, span, write));
      if (next !== undefined) await pace?.();
    }
  }
  await queue.alone(async () => {
    for (const each of areas) await opened.rememberCleared(each);
  });
}

/** Deletes the first rows of a span. Returns where the next step goes on; undefined where nothing is left. */
async function deleteRows(
  database: Database,
  span: KeySpan,
  write: (batch: DatabaseBatch) => Promise<void>,
): Promise<Uint8Array | undefined> {
  const keys: Uint8Array[] = [];
  for await (const chunk of database.read({ ...span, limit: STEP }))
    for (const [key] of chunk) keys.push(key);
  if (keys.length === 0) return undefined;
  const batch = database.batch();
  for (const key of keys) batch.del(key);
  await write(batch);
  return keys.length < STEP ? undefined : keys.at(-1);
}
