/** Payloads that entries have lost are in no file of the store any more once it was compacted. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import type { BatchEntry } from "../../../src/core/log/types.ts";
import { openDatabase } from "../../../src/io/store/level-database.ts";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import { copyStore } from "../../support/copy-store.ts";
import { TestLog } from "../../support/logs.ts";
import { commitOf, requireHeld, Taking } from "../../support/store-steps.ts";

const LOST = [3, 4, 500, 2_999] as const;
const lostRanges = LOST.flatMap((position) => rangeOf(position, position + 1));
const SIZE = 900;

function newLog(): TestLog {
  // Of 3 MiB, so that they lie in several tables.
  return new TestLog({ length: 3_000, size: () => SIZE + 96 });
}

/** Bytes of the middle of a payload, which LevelDB's packing leaves as they are. */
function canaries(entries: readonly BatchEntry[]): readonly Buffer[] {
  return entries.map(({ bytes }) => Buffer.from(bytes.slice(SIZE / 2, SIZE / 2 + 24)));
}

/** How many of the canaries stand in any file. */
async function countIn(path: string, wanted: readonly Buffer[]): Promise<number> {
  const found = new Set<number>();
  for (const name of await readdir(path)) {
    // A table may go while they are read.
    const file = await readFile(join(path, name)).catch(() => Buffer.alloc(0));
    for (const [at, canary] of wanted.entries()) if (file.includes(canary)) found.add(at);
  }
  return found.size;
}

describe("compacting after payloads were lost", () => {
  let directory: string;
  let path: string;
  let store: Store;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kinlog-compact-"));
    path = join(directory, "store");
    store = await openLevelStore({ path });
  });

  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  /** As after a kill: what the files hold now. */
  async function crash(): Promise<void> {
    const copy = join(directory, `copy-${(await readdir(directory)).length}`);
    await copyStore(path, copy);
    await store.close();
    path = copy;
    store = await openLevelStore({ path });
  }

  /** What lies in tables is pressed as deep as LevelDB has it, once or again. */
  async function press(): Promise<void> {
    await store.close();
    const database = await openDatabase(path);
    await database.compact({ from: Uint8Array.of(0), to: Uint8Array.of(255) });
    await database.close();
    store = await openLevelStore({ path });
  }

  const ways: Readonly<Record<string, (log: TestLog) => Promise<void>>> = {
    "one write-ahead log": async (log) => {
      await store.commit(new Taking(log).commit(0, 3_000));
      await store.commit(commitOf({ bodiless: log.lose(LOST, "purged") }));
    },
    "a table and the write-ahead log": async (log) => {
      await store.commit(new Taking(log).commit(0, 3_000));
      await press();
      await store.commit(commitOf({ bodiless: log.lose(LOST, "absent") }));
    },
    "one table, both values": async (log) => {
      await store.commit(new Taking(log).commit(0, 3_000));
      await store.commit(commitOf({ bodiless: log.lose(LOST, "purged") }));
      // Closing writes one table of all that is in memory.
      await store.close();
      store = await openLevelStore({ path });
    },
    "what a killed process left": async (log) => {
      await store.commit(new Taking(log).commit(0, 3_000));
      await store.commit(commitOf({ bodiless: log.lose(LOST, "purged") }));
      await crash();
    },
    "one deep table, both values, with much above it": async (log) => {
      const taking = new Taking(log);
      await store.commit(taking.commit(0, 3_000));
      const open = new TestLog({ length: 3_000, number: 2, size: () => SIZE });
      await store.commit(new Taking(open).commit(0, 3_000));
      await store.commit(commitOf({ bodiless: log.lose(LOST, "purged") }));
      await store.close();
      store = await openLevelStore({ path });
      await store.commit(
        new Taking(new TestLog({ length: 9_000, number: 3, size: () => SIZE })).commit(0, 4_096),
      );
    },
  };

  for (const [name, prepare] of Object.entries(ways)) {
    it(`K5: leaves nothing of them in any file where they lay in ${name}`, async () => {
      const log = newLog();
      const wanted = canaries(LOST.map((position) => log.entries[position]!));
      const kept = canaries([log.entries[5]!, log.entries[2_998]!]);
      await prepare(log);
      equal(await countIn(path, wanted), LOST.length, "the payloads are found before");
      await store.compact(log.id, lostRanges);
      equal(await countIn(path, wanted), 0);
      equal(await countIn(path, kept), 2, "what was not lost is found");
      await requireHeld(store, log, rangeOf(0, 3_000));
      await store.close();
      store = await openLevelStore({ path });
      equal(await countIn(path, wanted), 0);
      await requireHeld(store, log, rangeOf(0, 3_000));
    });
  }

  it("K5: waits for a read that began before, which would keep them", async () => {
    const log = newLog();
    const wanted = canaries(LOST.map((position) => log.entries[position]!));
    await store.commit(new Taking(log).commit(0, 3_000));
    await store.close();
    const database = await openDatabase(path);
    store = await openLevelStore({ path, database: () => Promise.resolve(database) });
    const read = database.read({ from: Uint8Array.of(0), to: Uint8Array.of(255) })[Symbol.asyncIterator]();
    await read.next();
    await store.commit(commitOf({ bodiless: log.lose(LOST, "purged") }));
    const order: string[] = [];
    const compacted = store.compact(log.id, lostRanges).then(() => order.push("compacted"));
    // A commit is not held up by it.
    await store.commit(commitOf({ meta: [["later", Uint8Array.of(1)]] }));
    order.push("read");
    await read.return?.();
    await compacted;
    deepEqual(order, ["read", "compacted"]);
    equal(await countIn(path, wanted), 0);
  });

  it("ends when the store is closed while it waits", async () => {
    const log = newLog();
    await store.commit(new Taking(log).commit(0, 3_000));
    await store.close();
    const database = await openDatabase(path);
    store = await openLevelStore({ path, database: () => Promise.resolve(database) });
    const read = database.read({ from: Uint8Array.of(0), to: Uint8Array.of(255) })[Symbol.asyncIterator]();
    await read.next();
    const compacted = store.compact(log.id, lostRanges).catch((error: unknown) => error);
    await store.close();
    const error = await compacted;
    ok(error instanceof Error && "code" in error && error.code === "STORE_CLOSED");
  });
});
