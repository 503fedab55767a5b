/** What the LevelDB store makes of damage: never a wrong value, and a scrub that names exactly what is wrong. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { NO_RANGES, rangeOf, type Ranges, subtract, union } from "../../../src/core/log/ranges.ts";
import { perfectNodes } from "../../../src/core/log/tree.ts";
import { entryKey, nodeKey, rowKey as rowKeyBytes, tileKey } from "../../../src/io/store/keys.ts";
import { type Database, openDatabase } from "../../../src/io/store/level-database.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import { withCheck } from "../../../src/io/store/row-check.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { copyStore } from "../../support/copy-store.ts";
import { TestLog } from "../../support/logs.ts";
import {
  commitOf,
  positionsOf,
  requireEntries,
  requireHeld,
  requireNodes,
  rowKey,
  serve,
  Taking,
} from "../../support/store-steps.ts";

describe("verifying a damaged store", () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kinlog-verify-"));
    path = join(directory, "store");
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function store(work: (store: Store) => Promise<void>): Promise<void> {
    const opened = await openLevelStore({ path });
    try {
      await work(opened);
    } finally {
      await opened.close();
    }
  }

  /** Changes rows behind the store's back. */
  async function damage(work: (database: Database) => Promise<void>): Promise<void> {
    const database = await openDatabase(path);
    await work(database);
    await database.close();
  }

  async function take(log: TestLog, parts: Ranges): Promise<Taking> {
    const taking = new Taking(log);
    await store(async (opened) => {
      for (const { from, to } of parts) await opened.commit(taking.commit(from, to));
    });
    return taking;
  }

  /** Verifies without and with forgetting; both find the same. */
  async function verify(opened: Store, log: TestLog): Promise<Ranges> {
    const onProgress = (): void => undefined;
    const found = await opened.verify({ log: log.id, forgetBad: false, onProgress });
    deepEqual(await opened.verify({ log: log.id, forgetBad: true, onProgress }), found);
    return found.bad;
  }

  it("S9: names an entry with a flipped bit, and never hands it out", async () => {
    const log = new TestLog({ length: 900 });
    const taking = await take(log, rangeOf(0, 900));
    for (const position of [3, 300, 899]) await damage((database) => flip(database, entryKey(0, position)));
    await store(async (opened) => {
      await assertRejectsWithCode(opened.entries(log.id, 0, 900), "STORE_DAMAGED");
      await assertRejectsWithCode(opened.entriesAt([{ logNumber: 0, position: 300 }]), "STORE_DAMAGED");
      equal((await opened.entries(log.id, 301, 899)).length, 598);
      // 896 to 898 are whole, but beside a leaf that is lost: proving them must wait until it is back.
      const provable = subtract(rangeOf(0, 896), [single(3), single(300)]);
      deepEqual(positionsOf(await serve(opened, { log, ranges: rangeOf(0, 900) })), provable);
      deepEqual(await verify(opened, log), [single(3), single(300), single(899)]);
      await requireEntries(opened, log, subtract(rangeOf(0, 899), [single(3), single(300)]));
      deepEqual(positionsOf(await serve(opened, { log, ranges: rangeOf(0, 900) })), provable);
      const [{ state } = { state: taking.state! }] = await opened.logs();
      deepEqual(state.prefix, { length: 3, root: log.head(3).root });
      const again = new Taking(log, state);
      for (const position of [3, 300, 899]) await opened.commit(again.commit(position, position + 1));
      await requireHeld(opened, log, rangeOf(0, 900));
    });
  });

  it("S9: names an entry that is gone, and one that was put in another's place", async () => {
    const log = new TestLog({ length: 700 });
    await take(log, rangeOf(0, 700));
    await damage(async (database) => {
      const [value] = await database.getMany([entryKey(0, 10)]);
      const batch = database.batch();
      batch.del(entryKey(0, 20));
      // With a check that fits: only the tree can tell.
      batch.put(entryKey(0, 650), withCheck(entryKey(0, 650), value!.subarray(0, value!.length - 4)));
      await batch.write();
    });
    await store(async (opened) => {
      // The last tile is not full, so there is no leaf to compare with, only the peak over 32 of its leaves.
      const bad = [single(20), { from: 640, to: 672 }];
      deepEqual(await verify(opened, log), bad);
      await requireHeld(opened, log, subtract(rangeOf(0, 700), bad));
    });
  });

  it("S9: names one entry of a full tile that was put in another's place", async () => {
    const log = new TestLog({ length: 700 });
    await take(log, rangeOf(0, 700));
    await damage(async (database) => {
      const [value] = await database.getMany([entryKey(0, 10)]);
      const batch = database.batch();
      batch.put(entryKey(0, 400), withCheck(entryKey(0, 400), value!.subarray(0, value!.length - 4)));
      await batch.write();
    });
    await store(async (opened) => deepEqual(await verify(opened, log), [single(400)]));
  });

  it("makes damaged rows of the tree again from what is below them, and finds no entry bad", async () => {
    const log = new TestLog({ length: 66_500, size: () => 3 });
    await take(log, cut(log.length, 4000));
    for (const tile of [
      { level: 0, index: 7 },
      { level: 0, index: 255 },
      { level: 1, index: 0 },
    ]) {
      await damage((database) => flip(database, tileKey(0, tile)));
      await store(async (opened) => {
        equal(
          (await opened.nodes(log.id, [{ level: tile.level * 8 + 1, index: tile.index * 128 }])) ===
            undefined,
          tile.level > 0,
        );
        deepEqual(await verify(opened, log), NO_RANGES);
        await requireNodes(opened, log, [{ level: tile.level * 8 + 1, index: tile.index * 128 }]);
      });
    }
    await damage((database) => flip(database, nodeKey(0, { level: 8, index: 257 })));
    await store(async (opened) => {
      deepEqual(await verify(opened, log), NO_RANGES);
      await requireNodes(opened, log, [...perfectNodes(0, 66_500), { level: 8, index: 257 }]);
    });
  });

  it("reports what can no longer be proved, once a proof node is gone that nothing here gives", async () => {
    const log = new TestLog({ length: 2048 });
    await take(log, [
      { from: 600, to: 700 },
      { from: 1500, to: 2048 },
    ]);
    await damage(async (database) => {
      const batch = database.batch();
      batch.del(nodeKey(0, { level: 9, index: 0 }));
      await batch.write();
    });
    await store(async (opened) => {
      deepEqual(await verify(opened, log), [{ from: 600, to: 700 }]);
      await requireHeld(opened, log, [{ from: 1500, to: 2048 }]);
    });
  });

  it("S9, L3: whatever rows are damaged, what is left serves, and what was bad comes back", async () => {
    const log = new TestLog({ length: 1400 });
    const held = [
      { from: 0, to: 40 },
      { from: 256, to: 900 },
      { from: 1000, to: 1400 },
    ];
    await take(log, held);
    const keys = await treeAndEntryKeys();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: keys.length - 1 }), fc.boolean()), { minLength: 1, maxLength: 5 }),
        async (choices) => {
          await damage(async (database) => {
            for (const [at, isGone] of choices) {
              if (!isGone) {
                await flip(database, keys[at]!);
                continue;
              }
              const batch = database.batch();
              batch.del(keys[at]!);
              await batch.write();
            }
          });
          await store(async (opened) => {
            const bad = await verify(opened, log);
            const left = subtract(held, bad);
            await requireEntries(opened, log, left);
            // What stands beside a lost leaf of a tile that is not full waits for it to be served.
            const served = positionsOf(await serve(opened, { log, ranges: rangeOf(0, log.length) }));
            deepEqual(subtract(served, left), NO_RANGES);
            await refetch(opened, log, bad);
            // A lost proof node beside an entry that could not be read shows only now that the entry is back.
            await refetch(opened, log, await verify(opened, log));
            await requireHeld(opened, log, union(left, bad));
            await requireNodes(opened, log, perfectNodes(0, log.length));
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it("S9: finds nothing to scrub in a whole store, and repairs rows that are not what was written", async () => {
    const log = new TestLog({ length: 600 });
    await take(log, rangeOf(0, 600));
    const rows = Array.from({ length: 50 }, (_, at) => [`row ${at}`, Uint8Array.of(at)] as const);
    const scrub = async (opened: Store): Promise<number> =>
      (await opened.scrub({ repair: true, onProgress: () => undefined })).damaged;
    await store(async (opened) => {
      await opened.commit(commitOf({ puts: rows, meta: [["m", Uint8Array.of(1)]] }));
      equal(await scrub(opened), 0);
    });
    await store(async (opened) => equal(await scrub(opened), 0));
    await damage(async (database) => {
      await flip(database, entryKey(0, 5));
      await flip(database, rowKeyBytes(rowKey("row 7")));
    });
    await store(async (opened) => {
      await assertRejectsWithCode(opened.rows([rowKey("row 7")]), "STORE_DAMAGED");
      equal(await scrub(opened), 2);
      equal(await scrub(opened), 0);
      deepEqual(await opened.rows([rowKey("row 7"), rowKey("row 8")]), [undefined, Uint8Array.of(8)]);
      deepEqual(await verify(opened, log), [single(5)]);
    });
  });

  it("finds nothing bad while a log grows under it", async () => {
    const log = new TestLog({ length: 6000, size: () => 5 });
    await store(async (opened) => {
      const taking = new Taking(log);
      await opened.commit(taking.commit(0, 100, 100));
      let done = false;
      const growing = (async () => {
        for (let length = 137; length < log.length; length += 37)
          await opened.commit(taking.commit(length - 37, length, length));
        done = true;
      })();
      while (!done) {
        const found = await opened.verify({ log: log.id, forgetBad: true, onProgress: () => undefined });
        deepEqual(found.bad, NO_RANGES);
        equal((await opened.scrub({ repair: true, onProgress: () => undefined })).damaged, 0);
      }
      await growing;
      await requireHeld(opened, log, rangeOf(0, taking.state!.head.length));
    });
  });

  it("S8: is suspect when a batch is missing, until it was verified and trusted", async () => {
    const log = new TestLog({ length: 90 });
    await take(log, [rangeOf(0, 30)[0]!, rangeOf(30, 60)[0]!, rangeOf(60, 90)[0]!]);
    await damage(async (database) => {
      const batch = database.batch();
      batch.del(Uint8Array.of(0x71, 0, 2));
      await batch.write();
    });
    await store(async (opened) => equal(opened.isSuspect(), true));
    await store(async (opened) => {
      equal(opened.isSuspect(), true);
      deepEqual(await verify(opened, log), NO_RANGES);
      await opened.trust();
      equal(opened.isSuspect(), false);
    });
    await store(async (opened) => equal(opened.isSuspect(), false));
  });

  it("S9: is suspect when it ends before what was acknowledged, and stays so until it was trusted", async () => {
    const log = new TestLog({ length: 90 });
    const taking = new Taking(log);
    const earlier = join(directory, "earlier");
    await store(async (opened) => opened.commit(taking.commit(0, 30, 30)));
    await copyStore(path, earlier);
    await store(async (opened) => {
      for (let length = 31; length <= 90; length++)
        await opened.commit(taking.commit(length - 1, length, length));
    });
    await copyFile(join(path, "last-batch"), join(earlier, "last-batch"));
    path = earlier;
    await store(async (opened) => {
      equal(opened.isSuspect(), true);
      await opened.commit(commitOf({ meta: [["any", new Uint8Array(1)]] }));
    });
    await store(async (opened) => {
      equal(opened.isSuspect(), true);
      await opened.trust();
    });
    await store(async (opened) => equal(opened.isSuspect(), false));
  });

  it("S10: is suspect when the state of a log is an older one", async () => {
    const log = new TestLog({ length: 60 });
    const taking = new Taking(log);
    let older: Uint8Array | undefined;
    const stateKey = Uint8Array.of(0x6c, 0, 0, 0, 0);
    await store(async (opened) => opened.commit(taking.commit(0, 30, 30)));
    await damage(async (database) => {
      [older] = await database.getMany([stateKey]);
    });
    await store(async (opened) => {
      equal(opened.isSuspect(), false);
      await opened.commit(taking.commit(30, 60));
    });
    await damage(async (database) => {
      const batch = database.batch();
      batch.put(stateKey, older!);
      await batch.write();
    });
    await store(async (opened) => equal(opened.isSuspect(), true));
  });

  /** As from a peer that has everything. */
  async function refetch(opened: Store, log: TestLog, bad: Ranges): Promise<void> {
    const [known] = await opened.logs();
    ok(known !== undefined);
    const again = new Taking(log, known.state);
    for (const { from, to } of bad) await opened.commit(again.commit(from, to));
  }

  async function treeAndEntryKeys(): Promise<readonly Uint8Array[]> {
    const keys: Uint8Array[] = [];
    await damage(async (database) => {
      for (const letter of ["e", "n", "t"]) {
        const from = letter.charCodeAt(0);
        for await (const chunk of database.read({ from: Uint8Array.of(from), to: Uint8Array.of(from + 1) })) {
          for (const [key] of chunk) keys.push(Uint8Array.from(key));
        }
      }
    });
    return keys;
  }
});

/** `[0, length)` in parts of one size. */
function cut(length: number, size: number): { from: number; to: number }[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, at) => ({
    from: at * size,
    to: Math.min(length, (at + 1) * size),
  }));
}

function single(position: number): { readonly from: number; readonly to: number } {
  return { from: position, to: position + 1 };
}

async function flip(database: Database, key: Uint8Array): Promise<void> {
  const [value] = await database.getMany([key]);
  if (value === undefined) return;
  const changed = Uint8Array.from(value);
  changed[Math.floor(changed.length / 3)]! ^= 16;
  const batch = database.batch();
  batch.put(key, changed);
  await batch.write();
}
