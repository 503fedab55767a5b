/** How large a store is once LevelDB has nothing left to tidy up. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Level } from "level";

/** Bytes of the whole database of a device that is off, and of the rows of the search index in it. */
export async function compactedSizes(
  path: string,
): Promise<{ readonly database: number; readonly index: number }> {
  const level = new Level(path) as unknown as Sized;
  await level.open();
  await level.compactRange("\0", "\uffff");
  // As src/io/store/keys.ts has it: rows of the view, and of these the index.
  const index = await level.approximateSize("rx", "ry");
  await level.close();
  const database = readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
  return { database, index };
}

/** What the types of `level` leave out, since it has no files where there is no disk. */
interface Sized {
  readonly open: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly compactRange: (from: string, to: string) => Promise<void>;
  readonly approximateSize: (from: string, to: string) => Promise<number>;
}
