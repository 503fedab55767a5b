/** LevelDB's own checksums, and what reading them needs. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { hexToBytes, utf8, utf8ToText } from "../../../src/core/base/bytes.ts";
import { crc32c } from "../../../src/io/store/crc.ts";
import { type Database, openDatabase } from "../../../src/io/store/level-database.ts";
import { unpackSnappy } from "../../../src/io/store/snappy.ts";
import { countDamagedBlocks, countDamagedIndexes } from "../../../src/io/store/table-check.ts";
import { testBytes } from "../../support/logs.ts";
import { tableAround } from "../../support/table-around.ts";

describe("checking LevelDB's tables", () => {
  let tables: readonly Uint8Array[];

  before(async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-tables-"));
    const path = join(directory, "store");
    const database = await openDatabase(path);
    for (let round = 0; round < 2; round++) {
      const batch = database.batch();
      for (let at = 0; at < 12_000; at++) {
        // Half of it can be packed, so that there are blocks of both forms.
        const value =
          at < 6000 ? testBytes(at + round, 40) : utf8(`a text that comes again ${at % 7}`.repeat(3));
        batch.put(utf8(`row ${String(at).padStart(6, "0")}`), value);
      }
      await batch.write();
      await database.settle();
    }
    equal(await database.countDamagedBlocks(), 0);
    await database.close();
    const names = (await readdir(path)).filter((name) => name.endsWith(".ldb"));
    ok(names.length > 0);
    tables = await Promise.all(names.map((name) => readFile(join(path, name))));
    await rm(directory, { recursive: true });
  });

  it("S9: looks soon after the start only at what was there before it, and at all of it in the end", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-tables-"));
    const path = join(directory, "store");
    const open = async (): Promise<Database> => {
      const database = await openDatabase(path);
      const batch = database.batch();
      for (let at = 0; at < 12_000; at++) batch.put(utf8(`row ${at}`), testBytes(at, 60));
      await batch.write();
      await database.settle();
      return database;
    };
    const first = await open();
    for (const name of await readdir(path)) {
      if (!name.endsWith(".ldb")) continue;
      const table = await readFile(join(path, name));
      table[1_000]! ^= 4;
      await writeFile(join(path, name), table);
    }
    equal(await first.countDamagedSinceBefore(), 0);
    ok((await first.countDamagedBlocks()) > 0);
    await first.close();
    const second = await openDatabase(path);
    let rests = 0;
    ok((await second.countDamagedSinceBefore(() => Promise.resolve(void rests++))) > 0);
    ok(rests > 0);
    await second.close();
    await rm(directory, { recursive: true });
  });

  it("knows CRC-32C by the values of RFC 3720, B.4", () => {
    equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
    equal(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e);
    equal(crc32c(utf8("123456789")), 0xe3069283);
  });

  it("unpacks Snappy's literals and copies", () => {
    const unpack = (packed: string): string | undefined => {
      const unpacked = unpackSnappy(hexToBytes(packed));
      return unpacked === undefined ? undefined : utf8ToText(unpacked);
    };
    equal(unpack("00"), "");
    equal(unpack("03086b696e"), "kin");
    // A literal, then a copy that reaches into what it writes.
    equal(unpack("0a04616222" + "0200"), undefined);
    equal(unpack("0a0461621e0200"), "ababababab");
    equal(unpack("06046162" + "0102"), "ababab");
    for (const broken of ["", "05", "0308", "03086b69", "020461621e0200", "0a04616201ff", "ffffffffff0f00"])
      equal(unpack(broken), undefined);
  });

  it("U5: gives no memory to a block that says it is larger than its bytes can make it", () => {
    const before = process.memoryUsage().arrayBuffers;
    const unpacked = Array.from({ length: 8 }, () => unpackSnappy(hexToBytes("80808008" + "00")));
    ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    ok(unpacked.every((block) => block === undefined));
    // The most that three bytes make, 64 of one, many times over.
    const copies = "fe0100".repeat(30);
    equal(unpackSnappy(hexToBytes(`810f${"0061"}${copies}`))?.length, 1_921);
  });

  it("U1: counts an index that is too short to be one as damage", () => {
    for (let size = 0; size < 4; size++)
      equal(countDamagedBlocks(tableAround(new Uint8Array(size))), 1, `${size}`);
    equal(countDamagedBlocks(tableAround(Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0))), 0);
  });

  it("finds nothing wrong in tables as LevelDB wrote them", () => {
    deepEqual(
      tables.map(countDamagedBlocks),
      tables.map(() => 0),
    );
  });

  it("S9: finds every flipped bit in a table's blocks", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (table, pick) => {
        const whole = tables[table % tables.length]!;
        const changed = Uint8Array.from(whole);
        // Between the handles of the footer and its magic is padding that nobody reads.
        const bit = pick % ((changed.length - 48) * 8);
        changed[Math.floor(bit / 8)]! ^= 1 << (bit % 8);
        equal(countDamagedBlocks(changed) > 0, true);
      }),
      { numRuns: 300 },
    );
  });

  it("S9: finds every flipped bit of index and filter in the end of a table, and looks at nothing else", () => {
    for (const whole of tables) {
      equal(countDamagedIndexes(whole, 0), 0);
      fc.assert(
        fc.property(fc.nat(), fc.nat(), fc.boolean(), (cut, pick, isData) => {
          // Of 12,000 rows the filter takes 15 kB, and ends with the index just before the footer.
          const [first, last] = isData ? [0, whole.length / 2] : [whole.length - 4048, whole.length - 48];
          const changed = Uint8Array.from(whole);
          const bit = pick % ((last - first) * 8);
          changed[Math.floor(first + bit / 8)]! ^= 1 << (bit & 7);
          const from = isData ? 0 : cut % Math.floor(whole.length / 2);
          equal(countDamagedIndexes(changed.subarray(from), from) > 0, !isData);
        }),
        { numRuns: 200 },
      );
      // Too little of it to say anything.
      equal(countDamagedIndexes(whole.subarray(-60), whole.length - 60), 0);
    }
  });

  it("takes any bytes, and finds them damaged", () => {
    const [whole] = tables;
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => countDamagedBlocks(bytes) > 0));
    for (let size = 0; size < whole!.length; size += 97)
      equal(countDamagedBlocks(whole!.subarray(0, size)) > 0, true);
  });
});
