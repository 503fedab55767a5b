/** Backups of SMS Backup & Restore, read to their end or to their fault. Threats U2, U3, U4, U5, U11, U12. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { promisify } from "node:util";
import fc from "fast-check";
import { readSmsBackup } from "../../../src/io/gateways/sms-backup.ts";
import {
  ImportFiles,
  addressElement,
  backupOf,
  filePart,
  mmsElement,
  readThrough,
  smsElement,
  takenIn,
  textPart,
  zipped,
  type ReadThrough,
} from "../../support/import-files.ts";
import type { BackupRead } from "../../support/read-backup.ts";
import { repositoryRoot } from "../../support/paths.ts";

const READ_BACKUP = join(repositoryRoot, "dist", "test", "support", "read-backup.js");

describe("a backup of SMS", () => {
  let files: ImportFiles;
  beforeEach(() => {
    files = new ImportFiles();
  });
  afterEach(() => files.remove());

  const read = (content: string | Uint8Array): Promise<ReadThrough> =>
    readThrough(readSmsBackup(files.write(content)));
  const texts = (through: ReadThrough): readonly string[] => takenIn(through).map(({ text }) => text);
  const bodies = async (...written: readonly string[]): Promise<readonly string[]> =>
    texts(await read(backupOf(written.map((body) => smsElement({ body })))));

  it("gives its messages with their lines, in its order, plain and gzip", async () => {
    const backup = backupOf([
      smsElement({ body: "one" }),
      smsElement({ body: "two", type: "2", address: "Mum" }),
      mmsElement({}, [textPart("three")], [addressElement("+4930123", "137")]),
    ]);
    for (const content of [backup, zipped(backup), backup.replaceAll("\n", "\r\n"), `\ufeff${backup}`]) {
      const through = await read(content);
      equal(through.error, null);
      deepEqual([through.skipped, through.problems], [0, []]);
      deepEqual(
        takenIn(through).map(({ text, line, box, service, address }) => [text, line, box, service, address]),
        [
          ["one", 5, "in", "sms", "+4930123"],
          ["two", 6, "out", "sms", "Mum"],
          ["three", 7, "in", "mms", "+4930123"],
        ],
      );
    }
  });

  it("gives batches of at most 500, however the file is cut", async () => {
    const through = await read(
      backupOf(Array.from({ length: 1_234 }, (_, n) => smsElement({ body: `${n}` }))),
    );
    deepEqual(
      texts(through),
      Array.from({ length: 1_234 }, (_, n) => `${n}`),
    );
    ok(through.batchSizes.every((size) => size > 0 && size <= 500));
  });

  it("gives emoji, entities, line breaks and control characters as they were", async () => {
    deepEqual(
      await bodies(
        "&#55357;&#56832; &#x1F600; 😀",
        "&lt;b&gt; &amp;amp; &quot;x&quot; &apos;",
        "a&#10;b&#9;c&#13;d",
        "\u2028\u0085 é e\u0301",
        "&#0;&#8;&#27;[0m",
        "\ufffd &#65533;",
        "a\nb\tc",
      ),
      [
        "😀 😀 😀",
        `<b> &amp; "x" '`,
        "a\nb\tc\rd",
        "\u2028\u0085 é e\u0301",
        "\0\b\u001b[0m",
        "\ufffd \ufffd",
        "a b c",
      ],
    );
  });

  it("U3: takes attributes named after what objects inherit for nothing", async () => {
    const through = await read(
      backupOf([smsElement({ __proto__x: "1", constructor: "x", toString: "y", body: "__proto__" })]),
    );
    deepEqual(texts(through), ["__proto__"]);
    const proto = await read(backupOf([smsElement({ body: "hi" }).replace("protocol=", "__proto__=")]));
    deepEqual(texts(proto), ["hi"]);
    equal((Object.prototype as { protocol?: string }).protocol, undefined);
  });

  it("U4: leaves out a message that is not UTF-8, and only that", async () => {
    const backup = Buffer.from(
      backupOf([smsElement({ body: "one" }), smsElement({ body: "tw@" }), smsElement({ body: "three" })]),
    );
    backup[backup.indexOf("@")] = 0xf6; // Latin-1's ö.
    const through = await read(backup);
    deepEqual(texts(through), ["one", "three"]);
    deepEqual(
      [through.error, through.skipped, through.problems],
      [null, 1, [{ line: 6, reason: "the text is not UTF-8" }]],
    );
  });

  it("U4: leaves out a message with half an emoji, and only that", async () => {
    const through = await read(
      backupOf([smsElement({ body: "&#55357;" }), smsElement({ body: "&#55357;&#56832;" })]),
    );
    deepEqual(texts(through), ["😀"]);
    deepEqual(through.problems, [{ line: 5, reason: "the text is not UTF-8" }]);
  });

  it("lists what it leaves out with lines and reasons, and takes the rest", async () => {
    const through = await read(
      backupOf([
        smsElement({ date: "tomorrow" }),
        smsElement({ body: "good" }),
        smsElement({ body: "x".repeat(70_000) }),
        smsElement({ type: "3" }),
        mmsElement({}, [filePart("aGk=")]),
        smsElement({ body: "x".repeat(2_000_000) }),
      ]),
    );
    deepEqual(texts(through), ["good"]);
    equal(through.skipped, 5);
    deepEqual(through.problems, [
      { line: 5, reason: "impossible date" },
      { line: 7, reason: "a message is over 65536 bytes" },
      { line: 8, reason: "a draft" },
      { line: 9, reason: "only attachments, which are not taken in yet" },
      { line: 10, reason: "a message is over 65536 bytes" },
    ]);
  });

  it("U11: lists a thousand problems and counts all", async () => {
    const through = await read(backupOf(Array.from({ length: 3_000 }, () => smsElement({ date: "0" }))));
    deepEqual(
      [through.records.length, through.skipped, through.problems.length, through.error],
      [0, 3_000, 1_000, null],
    );
  });

  it("has the hashes of what is attached to an MMS, and no layout", async () => {
    const picture = Buffer.from("a picture");
    const through = await read(
      backupOf([
        mmsElement({}, [
          filePart(Buffer.from("<smil/>").toString("base64"), "application/smil"),
          textPart("look"),
          filePart(picture.toString("base64")),
        ]),
      ]),
    );
    const [record] = takenIn(through);
    equal(record?.text, "look");
    deepEqual(
      record?.attachmentHashes.map((hash) => Buffer.from(hash).toString("hex")),
      [createHash("sha256").update(picture).digest("hex")],
    );
    deepEqual([through.skipped, through.problems.length], [0, 1]);
  });

  it("that ends in the middle gives what stands before, and says that it was cut off", async () => {
    const backup = backupOf([
      smsElement({ body: "one" }),
      smsElement({ body: "two" }),
      smsElement({ body: "three" }),
    ]);
    const whole = await read(backup);
    for (let end = backup.indexOf("<smses") + 1; end < backup.length; end += 17) {
      const through = await read(backup.slice(0, end));
      equal(through.error?.code, "IMPORT_TRUNCATED", `cut at ${end}`);
      ok(through.error?.remedy?.includes("import it again"));
      deepEqual(through.records, whole.records.slice(0, through.records.length));
    }
    const almost = await read(backup.slice(0, -3));
    deepEqual(texts(almost), ["one", "two", "three"]);
    const zip = zipped(backupOf(Array.from({ length: 2_000 }, (_, n) => smsElement({ body: `${n * n}` }))));
    const cut = await read(zip.subarray(0, zip.length / 2));
    equal(cut.error?.code, "IMPORT_TRUNCATED");
    ok(cut.records.length > 100);
  });

  it("that is broken in the middle gives what stands before, and the line of the fault", async () => {
    const good = smsElement({ body: "one" });
    const faults = [
      "<sms",
      "</mms>",
      "<sms body=x />",
      "<sms a='1' a='2'/>",
      "<sms body='<'/>",
      "<sms body='&nope;'/>",
      "&",
      "\u0001",
      "<1/>",
      "<!DOCTYPE x>",
    ];
    for (const fault of faults) {
      const through = await read(backupOf([good, fault, smsElement({ body: "two" })]));
      equal(through.error?.code, "IMPORT_MALFORMED", fault);
      ok(/^line [67]: /.test(through.error?.message ?? ""), through.error?.message);
      ok(through.error?.remedy !== undefined);
      deepEqual(texts(through), ["one"], fault);
    }
  });

  it("that is none says what it is", async () => {
    const calls = await read(`<?xml version="1.0"?><calls count="1"><call number="1"/></calls>`);
    deepEqual([calls.error?.code, calls.records], ["IMPORT_FORMAT_UNKNOWN", []]);
    ok(calls.error?.message.includes("calls"));
    equal((await read("<html><body/></html>")).error?.code, "IMPORT_FORMAT_UNKNOWN");
    equal((await read("no XML at all")).error?.code, "IMPORT_MALFORMED");
    equal((await read(Buffer.from([0, 1, 2, 255]))).error?.code, "IMPORT_MALFORMED");
    equal((await read("")).error?.code, "IMPORT_TRUNCATED");
    equal((await read(`<?xml version="1.0" encoding="UTF-16"?><smses/>`)).error?.code, "IMPORT_MALFORMED");
    equal((await readThrough(readSmsBackup(files.path("missing.xml")))).error?.code, "IMPORT_NOT_FOUND");
  });

  it("that is empty, or of a newer app, is read", async () => {
    for (const text of ["<smses/>", "<smses count='0'></smses>", backupOf(["<rcs a='1'><x/></rcs>"])]) {
      const through = await read(text);
      deepEqual([through.records, through.error], [[], null]);
    }
  });

  it("U2: is refused where elements nest too deep, and may hold a million empty ones", async () => {
    const deep = await read(`<smses>${"<a>".repeat(20)}${"</a>".repeat(20)}</smses>`);
    equal(deep.error?.code, "IMPORT_MALFORMED");
    const wide = await read(`<smses>${"<a/>".repeat(1_000_000)}${smsElement()}</smses>`);
    deepEqual([wide.error, wide.records.length], [null, 1]);
  });

  it("U2: leaves out an MMS of a hundred thousand parts, and takes the next", async () => {
    const through = await read(
      backupOf([
        mmsElement(
          {},
          Array.from({ length: 100_000 }, () => textPart("x")),
        ),
        smsElement(),
      ]),
    );
    deepEqual([through.records.length, through.skipped, through.error], [1, 1, null]);
    equal(through.problems[0]?.reason, "more than 1000 parts or addresses");
  });

  it("U5, U12: expands nothing and backtracks over nothing", async () => {
    const bomb = `<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><smses><sms body="&b;"/></smses>`;
    equal((await read(bomb)).error?.code, "IMPORT_MALFORMED");
    const long = await bodies(
      "&#".repeat(20_000).replaceAll("&#", "&amp;#"),
      "&#x;".replace("&", "&amp;").repeat(10_000),
    );
    equal(long.length, 2);
  });

  it("U1: that was changed anywhere is read or refused, and nothing worse", async () => {
    const backup = backupOf([
      smsElement({ body: "&#55357;&#56832; &lt;" }),
      mmsElement({}, [textPart("two"), filePart("aGk=")], [addressElement("+4930123", "137")]),
      "<!-- a comment --><![CDATA[ x ]]>",
      smsElement({ body: "three", contact_name: "Ünal" }),
    ]);
    const bytes = Buffer.from(backup);
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from("<>&'\"/=!?-[];# \n\0")));
    const change = fc.record({
      at: fc.nat(bytes.length - 1),
      gone: fc.nat(3),
      put: fc.array(byte, { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let changed = bytes;
        for (const { at, gone, put } of changes) {
          changed = Buffer.concat([changed.subarray(0, at), Buffer.from(put), changed.subarray(at + gone)]);
        }
        const { error, records } = await read(changed);
        ok(error === null || /^IMPORT_(?:MALFORMED|TRUNCATED|FORMAT_UNKNOWN)$/.test(error.code));
        ok(records.length <= 4);
      }),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 500) },
    );
  });

  it("U11: of 300 MB with a video of 200 MB is read in little memory", async function () {
    this.timeout(120_000);
    const path = files.write("");
    const out = createWriteStream(path);
    const put = async (text: string): Promise<void> => {
      if (!out.write(text)) await once(out, "drain");
    };
    await put("<smses>");
    const [open, close] = mmsElement({}, [textPart("look"), filePart("@")]).split("@");
    await put(open!);
    for (let n = 0; n < 200; n++) await put("QUJD".repeat(256 * 1024));
    await put(close!);
    const some = smsElement({ body: "x".repeat(60) }).repeat(2_500);
    for (let n = 0; n < 100; n++) await put(some);
    out.end("</smses>");
    await finished(out);

    // In a process of its own: what other tests hold, or let go of, is no part of it.
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", READ_BACKUP, path]);
    const { count, isWhole, grewBytes } = JSON.parse(stdout) as BackupRead;
    deepEqual({ count, isWhole }, { count: 250_001, isWhole: true });
    ok(grewBytes < 32 * 1024 * 1024, `${Math.round(grewBytes / 1024 / 1024)} MiB more`);
  });
});
