/**
 * A process that flips bits: for every trial it copies a store, flips one bit of one file, opens the copy and compares whatever it
 * says with what was written. Damaged tables can abort the whole process, so the caller runs it, and runs it again.
 * `node flip-program.js BASE LENGTH FROM TO`: trials `[FROM, TO)`, one line of JSON for each.
 */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { equalBytes } from "../../src/core/base/bytes.ts";
import { isEngineError } from "../../src/core/base/errors.ts";
import { decodeBatch, verifyBatch } from "../../src/core/log/batch.ts";
import { verifyHead } from "../../src/core/log/head.ts";
import { contains, NO_RANGES, rangeOf, type Ranges, union } from "../../src/core/log/ranges.ts";
import type { Row, RowKey } from "../../src/core/log/rows.ts";
import { perfectNodes, rootOf } from "../../src/core/log/tree.ts";
import type { Store } from "../../src/core/sync/ports.ts";
import { openLevelStore } from "../../src/io/store/level-store.ts";
import { copyStore } from "./copy-store.ts";
import { growingLogId, grownEntry, grownRow, grownRowKey } from "./growing-log.ts";
import { testAuthorship } from "./logs.ts";
import { rowKey } from "./store-steps.ts";

export const flipProgram: string = fileURLToPath(import.meta.url);

/** What came of one flipped bit. `wrong` is what must never be. */
export interface FlipOutcome {
  readonly trial: number;
  readonly file: string;
  readonly opened: boolean;
  /** Values that were not what was written, and were handed out all the same. */
  readonly wrong: readonly string[];
  /** Held positions without their entry that verifying did not name. */
  readonly unnamed: number;
  readonly lostRows: number;
  /** An error, a bad position, or a store that calls itself suspect. */
  readonly isReported: boolean;
}

const STEP = 64;

if (process.argv[1] === flipProgram) {
  const [base, length, from, to] = process.argv.slice(2);
  for (let trial = Number(from); trial < Number(to); trial++) {
    const outcome = await runTrial(base!, Number(length), trial);
    writeSync(1, `${JSON.stringify(outcome)}\n`);
  }
}

async function runTrial(base: string, length: number, trial: number): Promise<FlipOutcome> {
  const path = `${base}-flipped`;
  rmSync(path, { recursive: true, force: true });
  await copyStore(base, path);
  const file = flipOneBit(path, trial);
  const found = { wrong: [] as string[], unnamed: 0, lostRows: 0, isReported: false };
  let store: Store;
  try {
    store = await openLevelStore({ path });
  } catch (error) {
    return { trial, file, opened: false, ...found, isReported: isEngineError(error) };
  }
  found.isReported = store.isSuspect();
  await compare(store, length, found);
  await store.close();
  return { trial, file, opened: true, ...found };
}

/** Files by their size: every bit of the store is as likely as any other. */
function flipOneBit(path: string, trial: number): string {
  const files = readdirSync(path).filter((name) => /^(?:\d+\.(?:ldb|log)|MANIFEST-\d+|CURRENT)$/.test(name));
  const sizes = files.map((name) => statSync(join(path, name)).size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // Low-discrepancy: trials spread over all files evenly, the same for the same number.
  let bit = Math.floor(((trial * 0.618_033_988_749_894_8) % 1) * total * 8);
  let at = 0;
  while (bit >= sizes[at]! * 8) bit -= sizes[at++]! * 8;
  const file = join(path, files[at]!);
  const bytes = readFileSync(file);
  bytes[Math.floor(bit / 8)]! ^= 1 << (bit % 8);
  writeFileSync(file, bytes);
  return files[at]!;
}

async function compare(
  store: Store,
  length: number,
  found: { wrong: string[]; unnamed: number; lostRows: number; isReported: boolean },
): Promise<void> {
  /** Undefined where the store says that it cannot read. */
  const tryTo = async <Value>(read: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!isEngineError(error, "STORE_DAMAGED")) found.wrong.push(`error ${String(error)}`);
      found.isReported = true;
      return undefined;
    }
  };

  const oneByOne = async (keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> => {
    const rows: (Row | undefined)[] = [];
    for (const key of keys) rows.push((await tryTo(() => store.rows([key])))?.[0]);
    return rows;
  };

  // First, since LevelDB compacts tables without looking at their checksums, and then nobody can see a row that a bit has deleted.
  const scrubbed = await tryTo(() => store.scrub({ repair: false, onProgress: () => undefined }));
  if ((scrubbed?.damaged ?? 0) > 0) found.isReported = true;
  const [known] = (await tryTo(() => store.logs())) ?? [];
  const state = known?.state;
  if (state === undefined) {
    if (!found.isReported) found.wrong.push("the log is gone");
    return;
  }
  if (!verifyHead(state.head, testAuthorship)) found.wrong.push("head");
  if (state.head.length !== length && !found.isReported) found.wrong.push("an older head");
  let missing: Ranges = NO_RANGES;
  for (let from = 0; from < length; from += STEP) {
    const to = Math.min(length, from + STEP);
    const entries = (await tryTo(() => store.entries(growingLogId, from, to))) ?? [];
    let seen: Ranges = NO_RANGES;
    for (const { position, entry } of entries) {
      seen = union(seen, rangeOf(position, position + 1));
      const { kind, bytes } = grownEntry(position);
      if (entry.kind.flags !== kind.flags || !equalBytes(entry.bytes, bytes))
        found.wrong.push(`entry ${position}`);
    }
    const keys = Array.from({ length: to - from }, (_, at) => rowKey(grownRowKey(from + at)));
    const rows = (await tryTo(() => store.rows(keys))) ?? (await oneByOne(keys));
    const places = keys.map((_, at) => ({ logNumber: 0, position: from + at }));
    // By place as well, which is another way through the tables.
    const placed = await tryTo(() => store.entriesAt(places));
    for (let position = from; position < to; position++) {
      const row = rows[position - from];
      if (row === undefined) found.lostRows++;
      else if (!equalBytes(row, grownRow(position))) found.wrong.push(`row ${position}`);
      const isHeld = contains(seen, position) && contains(state.held, position);
      if (isHeld && placed !== undefined && placed[position - from] === undefined) {
        found.wrong.push(`entry ${position} is hidden`);
      }
      if (!contains(seen, position)) missing = union(missing, rangeOf(position, position + 1));
    }
  }
  await tryTo(async () => {
    const rows = await store.rowRange({
      from: rowKey("row"),
      to: rowKey("s"),
      reverse: false,
      limit: Infinity,
    });
    for (const [key, row] of rows) {
      const position = Number(key.slice(4)) / 7919;
      if (!equalBytes(row, grownRow(position))) found.wrong.push(`row ${position} in a range`);
    }
  });
  await tryTo(async () => {
    const peaks = await store.nodes(growingLogId, perfectNodes(0, state.head.length));
    if (peaks !== undefined && !equalBytes(rootOf(peaks, state.head.length), state.head.root))
      found.wrong.push("node");
  });
  await tryTo(async () => {
    const { head, held } = state;
    for await (const batch of store.batches({ head, ranges: held, bytesMax: 20_000, newestFirst: false })) {
      const verified = verifyBatch(decodeBatch(batch.bytes), { ...testAuthorship, knownHead: head });
      if (verified === undefined) found.wrong.push(`batch from ${batch.from}`);
    }
  });
  const verified = await tryTo(() =>
    store.verify({ log: growingLogId, forgetBad: false, onProgress: () => undefined }),
  );
  const bad = verified?.bad ?? [];
  if (bad.length > 0) found.isReported = true;
  for (const { from, to } of missing) {
    for (let position = from; position < to; position++) {
      // A whole step is refused for one damaged entry of it.
      const isAlone = (await tryTo(() => store.entries(growingLogId, position, position + 1)))?.length === 0;
      if (isAlone && contains(state.held, position) && !contains(bad, position)) found.unnamed++;
    }
  }
}
