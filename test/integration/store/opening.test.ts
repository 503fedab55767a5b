/** Opening directories that are not what they should be: an error that says so, and never a new store over an old one. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorCode, isEngineError } from "../../../src/core/base/errors.ts";
import { u64, utf8 } from "../../../src/core/base/bytes.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import { layoutKey } from "../../../src/io/store/keys.ts";
import { openDatabase } from "../../../src/io/store/level-database.ts";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import { withCheck } from "../../../src/io/store/row-check.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { copyStore } from "../../support/copy-store.ts";
import { testBytes, TestLog } from "../../support/logs.ts";
import { commitOf, requireHeld, rowKey, Taking } from "../../support/store-steps.ts";

const log = new TestLog({ length: 400 });

describe("opening a store", () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kinlog-opening-"));
    path = join(directory, "store");
  });

  afterEach(() => rm(directory, { recursive: true }));

  it("makes a directory for its owner only, in one that is there", async () => {
    await (await openLevelStore({ path })).close();
    if (process.platform !== "win32") equal((await stat(path)).mode & 0o777, 0o700);
    await assertRejectsWithCode(
      openLevelStore({ path: join(directory, "none", "store") }),
      "DIRECTORY_MISSING",
    );
  });

  it("says that a directory cannot be read", async () => {
    await writeFile(path, "a file");
    await assertRejectsWithCode(openLevelStore({ path }), "DIRECTORY_UNREADABLE");
    await assertRejectsWithCode(openLevelStore({ path: join(path, "store") }), "DIRECTORY_UNREADABLE");
    equal(await readFile(path, "utf8"), "a file");
  });

  it("opens an empty directory, and one in which a first opening was cut short", async () => {
    await mkdir(path);
    const database = await openDatabase(path);
    await database.close();
    await (await openLevelStore({ path })).close();
  });

  it("refuses a newer layout and writes nothing", async () => {
    await fill();
    await put(layoutKey, new TextEncoder().encode("kinlog store\n\x03 and whatever follows"));
    await assertRejectsWithCode(openLevelStore({ path }), "STORE_NEWER_VERSION");
    const database = await openDatabase(path);
    const [value] = await database.getMany([layoutKey]);
    await database.close();
    deepEqual(Array.from(value!.subarray(0, 14)), Array.from(new TextEncoder().encode("kinlog store\n\x03")));
  });

  it("refuses rows without a version, a version that is damaged, and another program's database", async () => {
    await fill();
    await put(layoutKey, null);
    await assertRejectsWithCode(openLevelStore({ path }), "STORE_DAMAGED");
    await put(layoutKey, new TextEncoder().encode("kinlog store\n\x01abcd"));
    await assertRejectsWithCode(openLevelStore({ path }), "STORE_DAMAGED");
    await put(layoutKey, new TextEncoder().encode("something else"));
    await assertRejectsWithCode(openLevelStore({ path }), "STORE_DAMAGED");
  });

  it("refuses a damaged state of a log, or number of one, since without them nothing has a place", async () => {
    for (const letter of ["l", "i", "k", "z", "q"]) {
      await fill();
      await put(
        Uint8Array.from([
          letter.charCodeAt(0),
          0,
          ...(/[lzi]/.test(letter) ? [0, 0, 0] : [letter === "q" ? 1 : 0]),
        ]),
        Uint8Array.of(1, 2, 3, 4, 5, 6),
      );
      await assertRejectsWithCode(openLevelStore({ path }), "STORE_DAMAGED");
      await rm(path, { recursive: true });
    }
  });

  const faults: readonly (readonly [string, (name: string) => boolean, (file: string) => Promise<void>])[] = [
    ["an empty CURRENT", (name) => name === "CURRENT", (file) => truncate(file)],
    ["a CURRENT without its end", (name) => name === "CURRENT", (file) => truncate(file, 5)],
    ["no CURRENT", (name) => name === "CURRENT", unlink],
    ["an empty manifest", (name) => name.startsWith("MANIFEST"), (file) => truncate(file)],
    ["no manifest", (name) => name.startsWith("MANIFEST"), unlink],
    ["no tables", (name) => name.endsWith(".ldb"), unlink],
    ["empty tables", (name) => name.endsWith(".ldb"), (file) => truncate(file)],
    [
      "tables cut in half",
      (name) => name.endsWith(".ldb"),
      async (file) => truncate(file, Math.floor((await stat(file)).size / 2)),
    ],
  ];
  for (const [fault, isMeant, damage] of faults) {
    it(`S11: reports ${fault}, and deletes nothing`, async () => {
      await fill();
      const names = (await readdir(path)).filter(isMeant);
      ok(names.length > 0);
      for (const name of names) await damage(join(path, name));
      const before = await tablesIn(path);
      equal(await outcome(), "STORE_DAMAGED");
      deepEqual(await tablesIn(path), before);
    });
  }

  it("S10: never takes an older table for a newer one", async () => {
    const taking = new Taking(log);
    for (let length = 100; length <= 300; length += 100) {
      const store = await openLevelStore({ path });
      const meta = [[`large ${length}`, testBytes(length, 600_000)]] as const;
      await store.commit(commitOf({ logs: [taking.write(length - 100, length, length)], meta }));
      await store.close();
    }
    const names = await tablesIn(path);
    ok(names.length > 1);
    const base = path;
    for (const older of names) {
      for (const newer of names) {
        path = join(directory, `${older}-for-${newer}`);
        await copyStore(base, path);
        await copyFile(join(base, older), join(path, newer));
        equal(await outcome(300), older === newer ? "fine" : "STORE_DAMAGED", path);
      }
    }
  });

  it("S7, S8: opens what a power cut left of the write-ahead log, with whole commits from the front only", async () => {
    const store = await openLevelStore({ path });
    const taking = new Taking(log);
    for (let length = 40; length <= 400; length += 40) {
      await store.commit(
        commitOf({
          logs: [taking.write(length - 40, length, length)],
          puts: [["n", Uint8Array.of(length / 40)]],
        }),
      );
    }
    const torn = join(directory, "torn");
    await copyStore(path, torn);
    await store.close();
    const [name] = (await readdir(torn)).filter((file) => file.endsWith(".log"));
    const whole = await readFile(join(torn, name!));
    for (const tail of ["cut", "zeroes", "garbage"] as const) {
      for (const share of [0.2, 0.5, 0.77, 0.99]) {
        const kept = Math.floor(whole.length * share);
        const copy = join(directory, `${tail}-${share}`);
        await copyStore(torn, copy);
        const rest = Buffer.alloc(tail === "cut" ? 0 : 3000, tail === "garbage" ? 0xa7 : 0);
        await writeFile(join(copy, name!), Buffer.concat([whole.subarray(0, kept), rest]));
        // Never synced, so a power cut takes it too. Where it stayed, it would say that acknowledged batches are gone.
        await unlink(join(copy, "last-batch"));
        const opened = await openLevelStore({ path: copy });
        const length = (await opened.logs())[0]?.state.head.length ?? 0;
        ok(length < 400 && length % 40 === 0);
        if (length > 0) await requireHeld(opened, log, rangeOf(0, length));
        deepEqual(await opened.rows([rowKey("n")]), [length === 0 ? undefined : Uint8Array.of(length / 40)]);
        equal(opened.isSuspect(), false);
        await opened.close();
      }
    }
  });

  it("S7: says at every later start too that acknowledged batches are gone, until all was verified", async () => {
    const store = await openLevelStore({ path });
    const taking = new Taking(log);
    await store.commit(taking.commit(0, 40, 40));
    await store.close();
    const witness = join(path, "last-batch");
    const sequence = (await readFile(witness)).readUIntBE(2, 6);
    await writeFile(witness, withCheck(utf8("last-batch"), u64(sequence + 3)));
    const later = await openLevelStore({ path });
    equal(later.isSuspect(), true);
    // What is written now must not hide the gap.
    await later.commit(taking.commit(40, 80, 80));
    await later.close();
    const last = await openLevelStore({ path });
    equal(last.isSuspect(), true);
    await last.trust();
    await last.close();
    const trusted = await openLevelStore({ path });
    equal(trusted.isSuspect(), false);
    await trusted.close();
  });

  /** A store with tables and with something in its write-ahead log. */
  async function fill(): Promise<void> {
    const store = await openLevelStore({ path });
    // So much that closing writes a table.
    const large = testBytes(1, 600_000);
    await store.commit(commitOf({ logs: [new Taking(log).write(0, 400)], meta: [["large", large]] }));
    await store.close();
  }

  async function put(key: Uint8Array, value: Uint8Array | null): Promise<void> {
    const database = await openDatabase(path);
    const batch = database.batch();
    if (value === null) batch.del(key);
    else batch.put(key, value);
    await batch.write();
    await database.close();
  }

  /** What a person who starts now is told, at the latest when something is read. */
  async function outcome(length = 400): Promise<ErrorCode | "fine"> {
    try {
      const store = await openLevelStore({ path });
      try {
        equal(store.isSuspect(), false);
        await requireHeld(store, log, rangeOf(0, length));
        return "fine";
      } finally {
        await store.close();
      }
    } catch (error) {
      if (!isEngineError(error)) throw error;
      return error.code;
    }
  }
});

async function tablesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path)).filter((name) => name.endsWith(".ldb")).toSorted();
}
