/** Damaged stores of real devices: found, told, and set right from a sibling; or the error says how to get everything back. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { openNode } from "../../../src/app/node/open-node.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { entryCopyKey, entryKey, rowSpan } from "../../../src/io/store/keys.ts";
import { type Database, openDatabase } from "../../../src/io/store/level-database.ts";
import { addressOf, TestDevices } from "../../support/devices.ts";

const SYNC = { timeoutMs: 20_000 };
/** At the end of a table: where its index of metadata lies, where its index lies, and what it is. */
const FOOTER_BYTES = 48;

/** Behind the key of a row that LevelDB has not deleted. */
const LIVE_ROW = 1;

/** Without what says which devices have it: a device alone knows that of none. */
function comparable(shown: unknown): unknown {
  return JSON.parse(JSON.stringify(shown, (name, value: unknown) => (name === "stored" ? undefined : value)));
}

/** The footer begins with four numbers of LevelDB: offset and size of the one index, and of the other. */
function indexOffset(table: Uint8Array): number {
  const footer = table.subarray(table.length - FOOTER_BYTES);
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = footer[at++]!;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  next();
  next();
  return next();
}

describe("A device whose store is damaged", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  let laptop: KinlogNode;

  beforeEach(async () => {
    devices = await TestDevices.create();
    laptop = await devices.found("laptop");
    await devices.join(laptop, "phone");
  });
  afterEach(() => devices.cleanup());

  const db = (): string => join(devices.dir("phone"), "db");

  async function startPhone(): Promise<KinlogNode> {
    const phone = await devices.start("phone");
    await phone.connect(addressOf(laptop));
    return phone;
  }

  async function talk(phone: KinlogNode, label: string): Promise<void> {
    for (let at = 0; at < 5; at++) {
      await phone.messages.send({ conversation: "Zoë", text: `phone ${label} ${at}` });
      await laptop.messages.send({ conversation: "Zoë", text: `laptop ${label} ${at}` });
    }
    await laptop.sync(SYNC);
    await phone.sync(SYNC);
  }

  const textsOf = async (node: KinlogNode): Promise<readonly string[]> =>
    (await node.messages.show("Zoë", { limit: 1_000 })).map(({ text }) => text);

  /** Both hold and show the same, and nobody is alarmed at the sibling. */
  async function requireSame(phone: KinlogNode): Promise<void> {
    for (const node of [laptop, phone]) equal((await node.sync(SYNC)).inSync, true);
    deepEqual(await textsOf(phone), await textsOf(laptop));
    const [a, b] = [await laptop.status(), await phone.status()];
    deepEqual([a.fingerprint, a.messages, a.alarms], [b.fingerprint, b.messages, []]);
    equal((await phone.verify()).bad, 0);
  }

  async function damage(work: (database: Database) => Promise<void>): Promise<void> {
    const database = await openDatabase(db());
    await work(database);
    await database.close();
  }

  async function flipLastByte(database: Database, key: Uint8Array): Promise<void> {
    const [value] = await database.getMany([key]);
    const flipped = value!.slice();
    flipped[flipped.length - 1]! ^= 1;
    const batch = database.batch();
    batch.put(key, flipped);
    await batch.write();
  }

  it("S9: gets a damaged entry back from its sibling, and says in its status what happened", async () => {
    const first = await startPhone();
    await talk(first, "before");
    const { entries } = await first.verify();
    await devices.stop(first);
    let damaged = 0;
    await damage(async (database) => {
      for (let log = 0; log < 12; log++) {
        const key = entryKey(log, 2);
        const [value] = await database.getMany([key]);
        // Of a control log nothing may be missing at the start: those say so when they are opened.
        if (value === undefined || value.length > 400) continue;
        await flipLastByte(database, key);
        damaged++;
        break;
      }
    });
    equal(damaged, 1);
    const phone = await startPhone();
    const result = await phone.verify({ repair: true });
    deepEqual([result.bad, result.repaired, result.lost], [1, 1, 0]);
    ok(result.entries >= entries - 1);
    const { alarms } = await phone.status();
    deepEqual(
      alarms.map(({ code, text }) => [code, text]),
      [["damage", "1 stored here is not what was written, and repaired"]],
    );
    await phone.connect(addressOf(laptop));
    await requireSame(phone);
  });

  it("S9: builds the view again where rows of it are damaged, already when it is opened", async () => {
    const first = await startPhone();
    await talk(first, "before");
    await devices.stop(first);
    await damage(async (database) => {
      const keys: Uint8Array[] = [];
      for await (const chunk of database.read(rowSpan)) keys.push(...chunk.map(([key]) => key.slice()));
      for (const key of keys) await flipLastByte(database, key);
    });
    const phone = await startPhone();
    equal((await phone.status()).alarms[0]?.code, "damage");
    await requireSame(phone);
  });

  it("S9: misses rows of the view that are gone without a trace, and builds it again", async () => {
    for (const letter of ["m", "o", "c"]) {
      const first = await startPhone();
      await talk(first, `before ${letter}`);
      equal((await first.verify()).bad, 0);
      await devices.stop(first);
      // As a flipped bit leaves it that a compaction has met.
      await damage(async (database) => {
        const batch = database.batch();
        let count = 0;
        for await (const chunk of database.read(rowSpan)) {
          for (const [key] of chunk) {
            if (key[1] !== letter.charCodeAt(0) || count === 3) continue;
            batch.del(key);
            count++;
          }
        }
        await batch.write();
        ok(count > 0, "there are such rows");
      });
      const phone = await startPhone();
      const { bad, repaired, lost } = await phone.verify({ repair: true });
      ok(bad > 0 && bad === repaired && lost === 0, `${letter}: ${bad}, ${repaired}, ${lost}`);
      equal((await phone.status()).alarms[0]?.code, "damage");
      await phone.connect(addressOf(laptop));
      await requireSame(phone);
      await devices.stop(phone);
    }
  });

  it("S9: notices a damaged index of a table when it is opened, before rows that it hides are missed", async () => {
    const first = await startPhone();
    await talk(first, "before");
    await devices.stop(first);
    // What lies in the log only becomes a table when the database is opened.
    await damage(() => Promise.resolve());
    const earlier = join(devices.root, "earlier");
    await cp(db(), earlier, { recursive: true });
    let noticed = 0;
    for (const name of (await readdir(earlier)).filter((each) => each.endsWith(".ldb"))) {
      for (const at of [2, 9, 16]) {
        await rm(db(), { recursive: true });
        await cp(earlier, db(), { recursive: true });
        const table = await readFile(join(db(), name));
        table[indexOffset(table) + at]! ^= 4;
        await writeFile(join(db(), name), table);
        try {
          const phone = await openNode({ dir: devices.dir("phone"), network: false });
          equal((await phone.status()).alarms[0]?.code, "damage", `${name} ${at}`);
          await phone.close();
        } catch (error) {
          ok(isEngineError(error, "STORE_DAMAGED"), String(error));
        }
        noticed++;
      }
    }
    ok(noticed >= 3);
  });

  /** Of each row of the view whose key begins with the letter, newest tables first: the flip that makes LevelDB take it for deleted. */
  async function hideRow(letter: string): Promise<void> {
    const tables = (await readdir(db())).filter((name) => name.endsWith(".ldb")).toSorted();
    const keys: Uint8Array[] = [];
    await damage(async (database) => {
      for await (const chunk of database.read(rowSpan))
        keys.push(...chunk.map(([key]) => key.slice()).filter((key) => key[1] === letter.charCodeAt(0)));
    });
    for (const key of keys) {
      for (const name of tables.toReversed()) {
        const table = await readFile(join(db(), name));
        // Behind the end of a key, which no other row shares, stands what kind of row it is, and then when it was written.
        const at = table.indexOf(Uint8Array.of(...key.subarray(-6), LIVE_ROW));
        if (at < 0 || at > indexOffset(table)) continue;
        table[at + 6]! ^= LIVE_ROW;
        await writeFile(join(db(), name), table);
        let left: readonly (Uint8Array | undefined)[] = [];
        await damage(async (database) => void (left = await database.getMany([key])));
        deepEqual(left, [undefined], "the row is hidden");
        return;
      }
    }
    throw new Error("no row could be hidden");
  }

  /** What people ask right after the start, for each row that may be hidden from it. */
  const asked: readonly (readonly [
    what: string,
    letter: string,
    ask: (phone: KinlogNode, ids: readonly string[]) => Promise<unknown>,
  ])[] = [
    ["a conversation", "c", (phone) => textsOf(phone)],
    [
      "a line of the list",
      "c",
      async (phone) => (await phone.conversations.list()).map(({ conversation }) => conversation),
    ],
    ["what a title names", "c", (phone) => phone.messages.show("Zoë's title", { limit: 1_000 })],
    [
      "a message",
      "m",
      async (phone, ids) => {
        const texts: unknown[] = [];
        for (const id of ids) texts.push(await phone.messages.history(id));
        return texts;
      },
    ],
  ];

  for (const [what, letter, ask] of asked) {
    it(`S9: does not say that ${what} is not here while a damaged block hides it`, async () => {
      const first = await startPhone();
      await talk(first, "before");
      await first.conversations.title("Zoë", "Zoë's title");
      const ids = (await first.messages.show("Zoë")).map(({ id }) => id);
      const right = await ask(first, ids);
      await devices.stop(first);
      // What lies in the log only becomes a table when the database is opened.
      await damage(() => Promise.resolve());
      await hideRow(letter);
      const phone = await openNode({ dir: devices.dir("phone"), network: false });
      deepEqual((await phone.status()).alarms, [], "nobody has noticed it yet");
      deepEqual(comparable(await ask(phone, ids)), comparable(right));
      deepEqual(
        (await phone.status()).alarms.map(({ code }) => code),
        ["damage"],
      );
      await phone.close();
    });
  }

  it("S9: lists a conversation by its address where the entry that names it is damaged", async () => {
    const first = await startPhone();
    await talk(first, "before");
    await devices.stop(first);
    await damage(async (database) => {
      for (let log = 0; log < 12; log++) {
        const [entry, copy] = await database.getMany([entryKey(log, 0), entryCopyKey(log, 0)]);
        if (entry !== undefined && copy === undefined) await flipLastByte(database, entryKey(log, 0));
      }
    });
    const phone = await openNode({ dir: devices.dir("phone"), network: false });
    deepEqual(
      (await phone.conversations.list()).map(({ conversation }) => conversation),
      ["Zoë"],
    );
    ok((await textsOf(phone)).length >= 8);
    await phone.close();
    const again = await startPhone();
    await again.verify({ repair: true });
    await again.connect(addressOf(laptop));
    for (const node of [laptop, again]) equal((await node.sync(SYNC)).inSync, true);
    deepEqual(await textsOf(again), await textsOf(laptop));
  });

  it("S9: shows nothing less while the view is built again", async () => {
    const first = await startPhone();
    await talk(first, "before");
    await devices.stop(first);
    await damage(async (database) => {
      const batch = database.batch();
      for await (const chunk of database.read(rowSpan)) {
        const [lost] = chunk.filter(([key]) => key[1] === "m".charCodeAt(0));
        if (lost !== undefined) batch.del(lost[0]);
      }
      await batch.write();
    });
    const phone = await startPhone();
    let repaired = false;
    const repairing = phone.verify({ repair: true }).finally(() => (repaired = true));
    let least = Number.POSITIVE_INFINITY;
    while (!repaired) {
      least = Math.min(least, (await textsOf(phone)).length);
      await setImmediate();
    }
    ok((await repairing).bad > 0);
    ok(least >= 9, `${least} of 10 were shown`);
  });

  it("S8, S10: goes on in new logs where its store is an earlier one, and loses nothing that its sibling has", async () => {
    const first = await startPhone();
    await talk(first, "before");
    await devices.stop(first);
    const earlier = join(devices.root, "earlier");
    await cp(db(), earlier, { recursive: true });
    const second = await startPhone();
    await talk(second, "gone");
    await devices.stop(second);
    // All but the file that bears witness of the last batch.
    for (const name of await readdir(db())) if (name !== "last-batch") await rm(join(db(), name));
    for (const name of await readdir(earlier))
      if (name !== "last-batch") await cp(join(earlier, name), join(db(), name));

    // It writes before it meets anybody: at the positions that it had written already, were these its logs.
    const alone = await openNode({ dir: devices.dir("phone"), network: false });
    equal((await alone.status()).alarms[0]?.code, "damage");
    await alone.messages.send({ conversation: "Zoë", text: "written on an earlier store" });
    await alone.close();

    const phone = await startPhone();
    deepEqual((await phone.status()).alarms, [], "it was set right once");
    await requireSame(phone);
    const texts = await textsOf(laptop);
    for (const text of ["phone before 4", "phone gone 0", "phone gone 4", "written on an earlier store"])
      ok(texts.includes(text), text);
    await talk(phone, "after");
    await requireSame(phone);
  });

  it("S11: says how to get everything back where it cannot be opened", async () => {
    const first = await startPhone();
    await talk(first, "before");
    await devices.stop(first);
    await writeFile(join(db(), "CURRENT"), "");
    try {
      await devices.start("phone");
    } catch (error) {
      ok(isEngineError(error, "STORE_DAMAGED"));
      ok(error.remedy?.includes("kinlog join"), error.remedy);
      return;
    }
    throw new Error("an empty CURRENT was opened");
  });
});
