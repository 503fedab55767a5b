/** Files in pieces, plain and gzip. Threat U5. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { chmodSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { FileChunks } from "../../../src/io/gateways/file-chunks.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ImportFiles } from "../../support/import-files.ts";

async function bytesOf(chunks: FileChunks): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe("the pieces of a file", () => {
  let files: ImportFiles;
  beforeEach(() => {
    files = new ImportFiles();
  });
  afterEach(() => files.remove());

  it("are the file, with its size for progress", async () => {
    const content = Buffer.alloc(300_000, "abc");
    const chunks = new FileChunks(files.write(content));
    deepEqual(await bytesOf(chunks), content);
    deepEqual([chunks.bytesRead, chunks.bytesTotal], [300_000, 300_000]);
    equal((await bytesOf(new FileChunks(files.write("")))).length, 0);
  });

  it("of a gzip file are what it holds, whatever its name, of several members too", async () => {
    const members = Buffer.concat([gzipSync("first "), gzipSync("second")]);
    const chunks = new FileChunks(files.write(members, "sms.xml"));
    equal((await bytesOf(chunks)).toString(), "first second");
    equal(chunks.bytesRead, members.length);
  });

  it("of a gzip file that was cut off are what is there of it", async () => {
    const text = Array.from({ length: 20_000 }, (_, n) => `${n}\n`).join("");
    const whole = gzipSync(text);
    const part = (await bytesOf(new FileChunks(files.write(whole.subarray(0, whole.length / 2))))).toString();
    ok(part.length > 1_000 && text.startsWith(part));
  });

  it("of a gzip file that is damaged end with an error", async () => {
    const whole = gzipSync(Array.from({ length: 20_000 }, (_, n) => `${n * n}\n`).join(""));
    whole.fill(0xff, 20_000, 20_064);
    await assertRejectsWithCode(bytesOf(new FileChunks(files.write(whole))), "IMPORT_MALFORMED");
  });

  it("U5: of a small file that unfolds to a large one are made at the reader's pace", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024), { level: 9 });
    ok(bomb.length < 300_000);
    let read = 0;
    for await (const chunk of new FileChunks(files.write(bomb))) {
      read += chunk.length;
      if (read > 10 * 1024 * 1024) break;
    }
    ok(read < 12 * 1024 * 1024);
  });

  it("of no file, a folder, and a file of somebody else are an error that names the path", async () => {
    await assertRejectsWithCode(bytesOf(new FileChunks(files.path("missing"))), "IMPORT_NOT_FOUND");
    await assertRejectsWithCode(bytesOf(new FileChunks(files.path("."))), "IMPORT_NOT_FOUND");
    const path = files.write("x");
    chmodSync(path, 0);
    // A superuser may read everything.
    if (process.getuid?.() !== 0)
      await assertRejectsWithCode(bytesOf(new FileChunks(path)), "IMPORT_NOT_FOUND");
  });
});
