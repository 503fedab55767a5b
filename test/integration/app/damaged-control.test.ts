/**
 * What every start of a device reads is damaged: control entries and the small values beside them. It opens all the same, by their second
 * rows, or with what is left and without writing anything until a sibling has brought the rest.
 */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { openNode } from "../../../src/app/node/open-node.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import { utf8 } from "../../../src/core/base/bytes.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { entryCopyKey, entryKey, metaKey } from "../../../src/io/store/keys.ts";
import { type Database, openDatabase } from "../../../src/io/store/level-database.ts";
import { addressOf, eventually, TestDevices } from "../../support/devices.ts";

const SYNC = { timeoutMs: 20_000 };
const LOGS = 12;
const POSITIONS = 8;

interface Place {
  readonly log: number;
  readonly position: number;
}

describe("A device of which control entries are damaged", function () {
  this.timeout(60_000);
  let devices: TestDevices;
  let laptop: KinlogNode;
  let expected: readonly string[];

  /** A phone that has met a laptop and, by way of it, a tablet; closed, with a copy of its store to damage. */
  beforeEach(async () => {
    devices = await TestDevices.create();
    laptop = await devices.found("laptop");
    await devices.join(laptop, "phone");
    const tablet = await devices.add(laptop, "tablet");
    const phone = await devices.start("phone");
    await phone.connect(addressOf(laptop));
    await tablet.messages.send({ conversation: "Zoë", text: "from the tablet" });
    await phone.messages.send({ conversation: "Zoë", text: "from the phone" });
    await laptop.messages.send({ conversation: "Zoë", text: "from the laptop" });
    await eventually(phone, async () => (await textsOf(phone)).length === 3);
    for (const node of [tablet, laptop, phone]) equal((await node.sync(SYNC)).inSync, true);
    expected = await textsOf(phone);
    await devices.stop(phone, tablet);
    await cp(db(), whole(), { recursive: true });
  });
  afterEach(() => devices.cleanup());

  const db = (): string => join(devices.dir("phone"), "db");
  const whole = (): string => join(devices.root, "whole");
  const restore = async (): Promise<void> => {
    await rm(db(), { recursive: true });
    await cp(whole(), db(), { recursive: true });
  };
  const alone = (): Promise<KinlogNode> => openNode({ dir: devices.dir("phone"), network: false });
  const textsOf = async (node: KinlogNode): Promise<readonly string[]> =>
    (await node.messages.show("Zoë", { limit: 1_000 })).map(({ text }) => text);

  async function inStore<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
    const database = await openDatabase(db());
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  }

  async function flip(...keys: readonly Uint8Array[]): Promise<void> {
    await inStore(async (database) => {
      const batch = database.batch();
      for (const [at, value] of (await database.getMany(keys)).entries()) {
        const flipped = value!.slice();
        flipped[at % flipped.length]! ^= 1;
        batch.put(keys[at]!, flipped);
      }
      await batch.write();
    });
  }

  /** Those with two rows. */
  function controlPlaces(): Promise<readonly Place[]> {
    const places = Array.from({ length: LOGS * POSITIONS }, (_, at) => ({
      log: Math.floor(at / POSITIONS),
      position: at % POSITIONS,
    }));
    return inStore(async (database) => {
      const rows = await database.getMany(places.map(({ log, position }) => entryCopyKey(log, position)));
      return places.filter((_, at) => rows[at] !== undefined);
    });
  }

  async function requireWhole(phone: KinlogNode): Promise<void> {
    deepEqual(await textsOf(phone), expected);
    equal((await phone.verify()).bad, 0);
    const named = (await phone.devices.list()).map(({ name, state }) => `${name} ${state}`);
    deepEqual(named.toSorted(), ["laptop active", "phone active", "tablet active"]);
    await phone.messages.send({ conversation: "afterwards", text: "afterwards" });
  }

  const writesAgain = async (phone: KinlogNode): Promise<boolean> =>
    (await phone.status()).alarms.some(({ text }) => text.endsWith("this device writes again"));

  const isHeldBack = (error: unknown): boolean =>
    isEngineError(error, "STORE_DAMAGED") && (error.remedy ?? "").includes("kinlog connect");

  it("S9: opens by itself where one of an entry's two rows is damaged or gone, says so, and writes it again", async () => {
    const places = await controlPlaces();
    ok(places.length >= 6, `${places.length}`);
    for (const { log, position } of places) {
      for (const key of [entryKey(log, position), entryCopyKey(log, position)]) {
        await restore();
        await flip(key);
        const phone = await alone();
        const isFirst = key[0] === entryKey(log, position)[0];
        const found = await phone.verify({ repair: true });
        equal(found.bad, isFirst ? 0 : 1, "the first row is missed at the start, the second by looking");
        equal((await phone.status()).alarms[0]?.code, "damage");
        await requireWhole(phone);
        await phone.close();
      }
    }
    await restore();
    const { log, position } = places.at(-1)!;
    for (const key of [entryKey(log, position), entryCopyKey(log, position)]) {
      await inStore(async (database) => {
        const batch = database.batch();
        batch.del(key);
        await batch.write();
      });
      const phone = await alone();
      await phone.verify({ repair: true });
      equal((await phone.status()).alarms[0]?.code, "damage");
      await requireWhole(phone);
      await phone.close();
    }
    const again = await alone();
    deepEqual((await again.status()).alarms, [], "it was set right once");
    await again.close();
  });

  it("S9: opens where both rows are lost, writes nothing, and goes on when a sibling has brought the entry again", async () => {
    let opened = 0;
    for (const { log, position } of await controlPlaces()) {
      await restore();
      await flip(entryKey(log, position), entryCopyKey(log, position));
      // With nobody there who could bring it: a phone that runs calls its siblings by itself.
      await devices.stop(laptop);
      let phone: KinlogNode;
      try {
        phone = await devices.start("phone");
      } catch (error) {
        // Of these it has its keys, and without keys it can meet nobody.
        ok(isEngineError(error, "STORE_DAMAGED") && (error.remedy ?? "").includes("kinlog join"));
        laptop = await devices.start("laptop");
        continue;
      }
      opened++;
      equal((await phone.status()).alarms[0]?.code, "damage");
      await rejects(phone.messages.send({ conversation: "Zoë", text: "held back" }), isHeldBack);
      await rejects(phone.devices.link(), isHeldBack);
      equal((await phone.doctor()).find(({ check }) => check === "damage")?.ok, false);
      // Not by starting anew either.
      await devices.stop(phone);
      const offline = await alone();
      await rejects(offline.messages.send({ conversation: "Zoë", text: "held back" }), isHeldBack);
      await offline.close();

      laptop = await devices.start("laptop");
      phone = await devices.start("phone");
      await phone.connect(addressOf(laptop));
      await eventually(phone, () => writesAgain(phone));
      equal((await phone.sync(SYNC)).inSync, true);
      await phone.verify({ repair: true });
      equal(
        (await phone.doctor()).find(({ check }) => check === "damage"),
        undefined,
      );
      await requireWhole(phone);
      equal((await phone.sync(SYNC)).inSync, true);
      await devices.stop(phone);
      const again = await alone();
      deepEqual((await again.status()).alarms, []);
      await requireWhole(again);
      await again.close();
    }
    ok(opened >= 3, `${opened}`);
  });

  it("S9: keeps the two rows of an entry apart in LevelDB's files, which refer to what they hold already", async () => {
    const places = await controlPlaces();
    const files = await Promise.all(
      (await readdir(db())).filter((name) => name.endsWith(".ldb")).map((name) => readFile(join(db(), name))),
    );
    const timesIn = (file: Buffer, part: Uint8Array): number =>
      file.toString("latin1").split(Buffer.from(part).toString("latin1")).length - 1;
    let seen = 0;
    for (const { log, position } of places) {
      const rows = await inStore((database) =>
        database.getMany([entryKey(log, position), entryCopyKey(log, position)]),
      );
      // Only of a wrapped key it is sure that nothing of it can be packed.
      if (rows[0]!.length < 300) continue;
      const parts = new Set(rows.map((row) => Buffer.from(row!.subarray(-100, -68)).toString("hex")));
      const times = [...parts].map((part) =>
        files.reduce((sum, file) => sum + timesIn(file, Buffer.from(part, "hex")), 0),
      );
      ok(times.reduce((sum, each) => sum + each) >= 2, `${log}/${position}: ${times.join()}`);
      seen++;
    }
    ok(seen >= 2, `${seen}`);
  });

  it("S9: opens where small values that every start reads are damaged, each of them", async () => {
    const names = [META.controlLogs, META.controlLogsCopy, META.counts, META.viewVersion, META.lastInSync];
    for (const name of names) {
      await restore();
      const key = metaKey(utf8(name));
      const isThere = await inStore(async (database) => (await database.getMany([key]))[0] !== undefined);
      ok(isThere, name);
      await flip(key);
      const phone = await alone();
      await phone.verify({ repair: true });
      equal((await phone.status()).alarms[0]?.code, "damage", name);
      await requireWhole(phone);
      await phone.close();
    }
  });

  it("S9: is refused, and changes nothing, where nothing says any more which logs are control logs", async () => {
    const keys = [META.controlLogs, META.controlLogsCopy].map((name) => metaKey(utf8(name)));
    for (const isGone of [false, true]) {
      await restore();
      if (isGone) {
        await inStore(async (database) => {
          const batch = database.batch();
          for (const key of keys) batch.del(key);
          await batch.write();
        });
      } else await flip(...keys);
      const before = await inStore((database) => database.getMany(keys));
      await rejects(
        alone(),
        (error: unknown) =>
          isEngineError(error, "STORE_DAMAGED") && (error.remedy ?? "").includes("kinlog join"),
      );
      deepEqual(await inStore((database) => database.getMany(keys)), before);
    }
  });

  it("S8, S9: goes on in new logs only when it knows its incarnations again", async () => {
    // An earlier store, of which the entry that opened the phone's own logs is lost, too.
    const phoneLog = (await controlPlaces()).filter(
      ({ log }, _, all) => all.filter((each) => each.log === log).length === 1,
    );
    const first = await devices.start("phone");
    await first.messages.send({ conversation: "Zoë", text: "written after the copy was made" });
    await first.connect(addressOf(laptop));
    equal((await first.sync(SYNC)).inSync, true);
    await devices.stop(first);
    await cp(join(db(), "last-batch"), join(whole(), "last-batch"));
    let tried = 0;
    for (const { log, position } of phoneLog) {
      await restore();
      await flip(entryKey(log, position), entryCopyKey(log, position));
      const phone = await devices.start("phone");
      await rejects(phone.messages.send({ conversation: "Zoë", text: "held back" }), isHeldBack);
      await phone.connect(addressOf(laptop));
      await eventually(phone, () => writesAgain(phone));
      await phone.messages.send({ conversation: "Zoë", text: `written in new logs ${log}` });
      equal((await phone.sync(SYNC)).inSync, true);
      const texts = await textsOf(phone);
      ok(texts.includes("written after the copy was made"));
      deepEqual(await textsOf(laptop), texts);
      deepEqual((await laptop.status()).alarms, []);
      await devices.stop(phone);
      tried++;
    }
    ok(tried > 0);
  });
});
