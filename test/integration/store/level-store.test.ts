/** The LevelDB store on a real disk: the contract, and what only a database can get wrong. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import type { EpochId } from "../../../src/core/base/ids.ts";
import { contains, rangeOf } from "../../../src/core/log/ranges.ts";
import { perfectNodes } from "../../../src/core/log/tree.ts";
import type { EntryKind } from "../../../src/core/log/types.ts";
import { type KeySpan, nodesOfTile, tileKey } from "../../../src/io/store/keys.ts";
import { openDatabase, type OpenDatabase } from "../../../src/io/store/level-database.ts";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import type { StoreUnderTest } from "../../contracts/store-bench.ts";
import { describeStore } from "../../contracts/store.contract.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { copyStore } from "../../support/copy-store.ts";
import { type FailingDatabase, failingDatabase } from "../../support/failing-database.ts";
import { TestLog } from "../../support/logs.ts";
import { commitOf, positionsOf, requireNodes, rowKey, serve, Taking } from "../../support/store-steps.ts";

type LevelStoreUnderTest = StoreUnderTest & Pick<FailingDatabase, "stallNextWrite" | "writeCount">;

async function openUnderTest(): Promise<LevelStoreUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "kinlog-store-"));
  const failing = failingDatabase();
  const opened: Store[] = [];
  let path = join(directory, "store-0");
  const open = async (): Promise<Store> => {
    const store = await openLevelStore({ path, database: failing.open });
    opened.push(store);
    return store;
  };
  return {
    store: await open(),
    reopenAfterCrash: async () => {
      // What a killed process leaves is what the files hold at this moment.
      const copy = join(directory, `store-${opened.length}`);
      await copyStore(path, copy);
      path = copy;
      return open();
    },
    failNextWrite: failing.failNextWrite,
    stallNextWrite: failing.stallNextWrite,
    writeCount: failing.writeCount,
    cleanup: async () => {
      for (const store of opened) await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

describeStore("the LevelDB store", openUnderTest);

/** What all of LevelDB's batches have in common: where they are written. */
interface BatchPrototype {
  _write: (options: { readonly sync: boolean }) => Promise<void>;
}

async function batchPrototype(path: string): Promise<readonly [BatchPrototype, () => Promise<void>]> {
  const level = new Level(path);
  await level.open();
  const batch = level.batch();
  let prototype: object = batch;
  while (!Object.hasOwn(prototype, "_write")) prototype = Object.getPrototypeOf(prototype) as object;
  await batch.close();
  return [prototype as BatchPrototype, () => level.close()];
}

describe("the LevelDB store itself", () => {
  it("U11: keeps entries of more kinds than anybody would have, and writes on", async () => {
    const bench = await openUnderTest();
    try {
      const length = 66_000;
      const kind = (position: number): EntryKind => ({
        version: 9,
        flags: 0,
        epoch: (position + 1).toString(16).padStart(64, "0") as EpochId,
      });
      const log = new TestLog({ length, kind, size: () => 1 });
      const taking = new Taking(log);
      for (let from = 0; from < length; from += 4_000)
        await bench.store.commit(taking.commit(from, Math.min(length, from + 4_000)));
      const again = await bench.reopenAfterCrash();
      const stored = await again.entries(log.id, length - 1_000, length);
      deepEqual(
        stored.map(({ entry }) => entry),
        log.entries.slice(-1_000),
      );
    } finally {
      await bench.cleanup();
    }
  });

  it("S16: answers every read while the disk takes its time over a write", async () => {
    const tested = await openUnderTest();
    const log = new TestLog({ length: 300 });
    const taking = new Taking(log);
    await tested.store.commit(taking.commit(0, 200, 200));
    const release = tested.stallNextWrite();
    const stalled = tested.store.commit(taking.commit(200, 300));
    const { store } = tested;
    equal((await store.entries(log.id, 0, 300)).length, 300);
    equal((await store.entriesAt([{ logNumber: 0, position: 299 }]))[0]?.position, 299);
    deepEqual(await store.rows([rowKey("a")]), [undefined]);
    deepEqual(await store.nodes(log.id, perfectNodes(0, 300)), log.peaks());
    deepEqual(
      positionsOf(await serve(store, { log, length: 200, ranges: rangeOf(0, 200) })),
      rangeOf(0, 200),
    );
    equal((await store.logs())[0]?.state.head.length, 200);
    release();
    await stalled;
    equal((await store.logs())[0]?.state.head.length, 300);
    await tested.cleanup();
  });

  it("S1, S7: asks LevelDB to sync every write", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-store-"));
    const [prototype, restore] = await batchPrototype(join(directory, "other"));
    const asked: boolean[] = [];
    const write = prototype._write;
    prototype._write = function (options): Promise<void> {
      asked.push(options.sync);
      return write.call(this, options);
    };
    try {
      const store = await openLevelStore({ path: join(directory, "store") });
      const taking = new Taking(new TestLog({ length: 30 }));
      await store.commit(taking.commit(0, 10, 10));
      await store.commit(taking.adopt(30));
      await store.commit(commitOf({ puts: [["a", Uint8Array.of(1)]] }));
      await store.trust();
      await store.clearRows();
      await store.close();
    } finally {
      prototype._write = write;
      await restore();
      await rm(directory, { recursive: true });
    }
    // The store's own mark, then one for each step at least.
    ok(asked.length >= 6);
    deepEqual(new Set(asked), new Set([true]));
  });

  it("has one row for each full tile and none for the nodes in it, however its entries came", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-store-"));
    const path = join(directory, "store");
    const log = new TestLog({ length: 66_000, size: () => 2 });
    const taking = new Taking(log);
    const store = await openLevelStore({ path });
    const parts = Array.from({ length: 22 }, (_, at) => ({ from: at * 3000, to: at * 3000 + 3000 }));
    const pieces = parts.filter((_, at) => at % 2 === 1).map(({ from, to }) => taking.write(from, to));
    const { state } = pieces.at(-1)!;
    await store.commit(commitOf({ logs: pieces.map((piece) => ({ ...piece, state })) }));
    for (const { from, to } of parts.toReversed()) {
      if (!contains(state.held, from)) await store.commit(taking.commit(from, to));
    }
    await requireNodes(store, log, perfectNodes(0, 66_000));
    await store.close();
    const database = await openDatabase(path);
    const count = async (span: KeySpan): Promise<number> => {
      let rows = 0;
      for await (const chunk of database.read(span)) rows += chunk.length;
      return rows;
    };
    // 257 tiles of leaves and one of the first 256 nodes above them.
    equal(
      await count({ from: tileKey(0, { level: 0, index: 0 }), to: tileKey(1, { level: 0, index: 0 }) }),
      258,
    );
    equal(await count(nodesOfTile(0, { level: 1, index: 0 })), 0);
    await database.close();
    await rm(directory, { recursive: true });
  });

  it("S4: says that acknowledged entries are gone when reopening finds them gone", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-store-"));
    const failing = failingDatabase();
    const paths = [join(directory, "earlier"), join(directory, "store")];
    const store = await openLevelStore({
      path: paths[1]!,
      // The second opening gets what was on the disk before the last commit.
      database: async (path) => failing.open(existsSync(paths[0]!) ? paths[0]! : path),
    });
    const log = new TestLog({ length: 60 });
    const taking = new Taking(log);
    await store.commit(taking.commit(0, 30, 30));
    await copyStore(paths[1]!, paths[0]!);
    await store.commit(taking.commit(30, 60));
    failing.failNextWrite("other");
    await assertRejectsWithCode(store.commit(commitOf({})), "STORE_POISONED");
    await assertRejectsWithCode(store.reopen(), "STORE_DAMAGED");
    await assertRejectsWithCode(store.logs(), "STORE_POISONED");
    await store.close();
    await rm(directory, { recursive: true });
  });

  it("puts commits that overlap into one sync", async () => {
    const tested = await openUnderTest();
    const before = tested.writeCount();
    const release = tested.stallNextWrite();
    const done = Array.from({ length: 64 }, (_, at) =>
      tested.store.commit(commitOf({ puts: [[`row ${at}`, new Uint8Array(1)]] })),
    );
    release();
    await Promise.all(done);
    equal(tested.writeCount() - before, 2);
    await tested.cleanup();
  });

  it("tells once that it is poisoned, and why", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-store-"));
    const failing = failingDatabase();
    const told: string[] = [];
    const store = await openLevelStore({
      path: join(directory, "store"),
      database: failing.open,
      onPoisoned: ({ code }) => told.push(code),
    });
    failing.failNextWrite("full");
    await Promise.all([1, 2, 3].map(() => assertRejectsWithCode(store.commit(commitOf({})), "DISK_FULL")));
    deepEqual(told, ["DISK_FULL"]);
    await store.reopen();
    await store.commit(commitOf({}));
    deepEqual(told, ["DISK_FULL"]);
    await store.close();
    await rm(directory, { recursive: true });
  });

  it("asks for entries in the order of their rows and gives them in the order of the places", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-store-"));
    const asked: string[][] = [];
    const open: OpenDatabase = async (path) => {
      const database = await openDatabase(path);
      return {
        ...database,
        getMany: (keys) => {
          asked.push(keys.map((key) => Buffer.from(key).toString("hex")));
          return database.getMany(keys);
        },
      };
    };
    const store = await openLevelStore({ path: join(directory, "db"), database: open });
    const logs = [new TestLog({ length: 300 }), new TestLog({ length: 300, number: 2 })];
    for (const log of logs) await store.commit(new Taking(log).commit(0, 300));
    const places = [299, 3, 256, 40, 41].flatMap((position) =>
      [1, 0].map((logNumber) => ({ logNumber, position })),
    );
    asked.length = 0;
    const found = await store.entriesAt(places);
    deepEqual(
      found.map((entry) => entry && { logNumber: store.numberOf(entry.log), position: entry.position }),
      places,
    );
    for (const [at, entry] of found.entries()) {
      const { logNumber, position } = places[at]!;
      deepEqual(entry!.entry, logs[logNumber]!.entries[position]);
    }
    equal(asked.length, 1);
    deepEqual(asked[0], asked[0]!.toSorted());
    await store.close();
    await rm(directory, { recursive: true });
  });
});
