/**
 * Takes payloads that entries have lost out of the files. LevelDB keeps an overwritten value until it compacts the table that it lies in, and a
 * compaction of a range leaves tables alone above which nothing lies: so the rows are written again, as they are, and then compacted. What
 * is written again lies above every older value, wherever that is. The write-ahead log goes when its rows are written as a table, which
 * a compaction begins with.
 * Spec: docs/spec/storage.md, "Entries without a payload". Tests: test/integration/store/compact.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { countOf, intersect, type Range, type Ranges } from "../../core/log/ranges.ts";
import { entryKey, type KeySpan } from "./keys.ts";
import type { OpenedStore } from "./opened-store.ts";

/** Rows written again in one batch. */
const ROWS_MAX = 1_024;
/** Ranges closer than this are compacted as one: about a table lies between them. */
const NEAR = 8_192;

export async function compact(opened: OpenedStore, log: LogId, ranges: Ranges): Promise<void> {
  const logNumber = opened.logNumberOf(log);
  const held = intersect(opened.durable.get(log)?.held ?? [], ranges);
  if (logNumber === undefined || countOf(held) === 0) return;
  // What began before may see the payloads, and keeps them for as long.
  await opened.database.readsEnded();
  // Else the old value and the one written again could come into one table, above which nothing lies.
  await opened.database.settle(0);
  for (const part of partsOf(held)) await writeAgain(opened, logNumber, part);
  for (const { from, to } of joinNear(held)) await opened.database.compact(spanOf(logNumber, { from, to }));
}

function* partsOf(ranges: Ranges): Generator<Range> {
  for (const { from, to } of ranges)
    for (let at = from; at < to; at += ROWS_MAX) yield { from: at, to: Math.min(to, at + ROWS_MAX) };
}

/** As they are now: a payload that came back stays. */
function writeAgain(opened: OpenedStore, logNumber: number, { from, to }: Range): Promise<void> {
  const { database } = opened;
  return opened.queue.alone(async (write) => {
    const keys = Array.from({ length: to - from }, (_, at) => entryKey(logNumber, from + at));
    const values = await database.getMany(keys);
    const batch = database.batch();
    for (const [at, key] of keys.entries()) {
      const value = values[at];
      if (value !== undefined) batch.put(key, value);
    }
    await write(batch);
  });
}

function joinNear(ranges: Ranges): Ranges {
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && from - last.to < NEAR) last.to = to;
    else joined.push({ from, to });
  }
  return joined;
}

function spanOf(logNumber: number, { from, to }: Range): KeySpan {
  return { from: entryKey(logNumber, from), to: entryKey(logNumber, to - 1) };
}
