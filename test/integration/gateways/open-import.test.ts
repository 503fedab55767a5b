/** Reading in a thread of its own gives what reading in this one gives, in the same order, and ends with whoever reads. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { TakenInIds } from "../../../src/core/inbox/taken-in.ts";
import { openImport } from "../../../src/io/gateways/open-import.ts";
import { readFile } from "../../../src/io/gateways/read-file.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ImportFiles, backupOf, readThrough, smsElement, zipped } from "../../support/import-files.ts";

const indexKey = new Uint8Array(32).fill(5);
const format = undefined;

const elements = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) =>
    at % 100 === 99
      ? smsElement({ date: "never", body: `${at}` })
      : smsElement({ address: `+49301${at % 7}`, date: `${1_700_000_000_000 + (at % 50)}`, body: "hé 🙂" }),
  );

describe("a file read in a thread of its own", () => {
  let files: ImportFiles;
  beforeEach(() => {
    files = new ImportFiles();
  });
  afterEach(() => files.remove());

  it("gives the records, problems and progress that reading here gives, with their ids", async () => {
    const path = files.write(zipped(backupOf(elements(2_600))));
    const here = await readThrough(await readFile(path));
    const ids = new TakenInIds(indexKey);
    const source = await openImport({ path, format, indexKey });
    equal(source.format, "sms-backup");
    const there = await readThrough(source);
    deepEqual(
      there.records,
      here.records.map((record) =>
        record.kind === "taken-in" ? { ...record, id: ids.next(record) } : record,
      ),
    );
    deepEqual(
      [there.problems, there.skipped, there.error, there.batchSizes],
      [here.problems, 26, null, here.batchSizes],
    );
    // True repeats are messages of their own.
    const named = there.records.flatMap((record) => (record.kind === "taken-in" ? [record.id] : []));
    equal(new Set(named).size, 2_574);
    ok(source.bytesTotal > 0 && source.bytesRead === source.bytesTotal);
  });

  it("hands over what stands before a bad place, then the error with its remedy", async () => {
    const whole = backupOf(elements(1_300));
    const path = files.write(whole.slice(0, whole.length * 0.9));
    const { records, error } = await readThrough(await openImport({ path, format, indexKey }));
    equal(error?.code, "IMPORT_TRUNCATED");
    ok(error.remedy !== undefined && error.message.includes("line"));
    ok(records.length > 1_000 && records.length < 1_300);
  });

  it("refuses what cannot be opened before anything is read", async () => {
    const open = (path: string): Promise<unknown> => openImport({ path, format, indexKey });
    await assertRejectsWithCode(open(files.path("missing")), "IMPORT_NOT_FOUND");
    await assertRejectsWithCode(open(files.write("hello")), "IMPORT_FORMAT_UNKNOWN");
  });

  it("U11: reads no further than a few batches ahead of a reader that waits, and ends when the reader does", async () => {
    const path = files.write(backupOf(elements(60_000)));
    const source = await openImport({ path, format, indexKey });
    for await (const batch of source) {
      ok(batch.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      ok(source.bytesRead < source.bytesTotal / 4, `${source.bytesRead} of ${source.bytesTotal}`);
      break;
    }
    ok(!process.getActiveResourcesInfo().includes("MessagePort"), "the thread has ended");
  });
});
