/** Formats are told by content. */
import { equal, ok } from "node:assert/strict";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { detectFormat } from "../../../src/io/gateways/detect-format.ts";
import { readFile } from "../../../src/io/gateways/read-file.ts";
import { endLine, headerLine } from "../../../src/io/gateways/jsonl-writer.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ImportFiles, backupOf, smsElement, zipped } from "../../support/import-files.ts";

describe("the format of a file", () => {
  let files: ImportFiles;
  beforeEach(() => {
    files = new ImportFiles();
  });
  afterEach(() => files.remove());

  it("is told by what is in it, plain or gzip, and not by its name", async () => {
    const backup = backupOf([smsElement()]);
    const lines = headerLine() + endLine(0);
    equal(await detectFormat(files.write(backup, "a.jsonl")), "sms-backup");
    equal(await detectFormat(files.write(zipped(backup), "b.txt")), "sms-backup");
    equal(
      await detectFormat(files.write(`\ufeff \n${backup.slice(backup.indexOf("<smses"))}`)),
      "sms-backup",
    );
    equal(await detectFormat(files.write(lines, "c.xml")), "jsonl");
    equal(await detectFormat(files.write(zipped(lines))), "jsonl");
    equal((await readFile(files.write(lines))).format, "jsonl");
    equal((await readFile(files.write(backup))).format, "sms-backup");
    equal((await readFile(files.write(backup), "jsonl")).format, "jsonl");
  });

  it("that nobody knows is refused with what can be imported", async () => {
    const others = [
      "",
      "hello",
      "{}",
      "PK\u0003\u0004",
      "a,b,c\n1,2,3\n",
      Buffer.from("\ufeff<smses/>", "utf16le"),
    ];
    for (const content of others) {
      const path = files.write(content);
      await assertRejectsWithCode(detectFormat(path), "IMPORT_FORMAT_UNKNOWN");
      try {
        await readFile(path);
      } catch (error) {
        ok(isEngineError(error) && error.remedy !== undefined && error.message.includes(path));
      }
    }
  });

  it("of no file is an error that names the path", async () => {
    await assertRejectsWithCode(detectFormat(files.path("missing")), "IMPORT_NOT_FOUND");
  });
});
