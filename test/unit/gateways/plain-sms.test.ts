/** `<sms>` elements in their plain form, and the same elements as the XML parser reads them. Threats U1, U4, U12. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { readPlainSms } from "../../../src/io/gateways/plain-sms.ts";
import { readSmsBackup } from "../../../src/io/gateways/sms-backup.ts";
import {
  ImportFiles,
  backupOf,
  readThrough,
  smsElement,
  type ReadThrough,
} from "../../support/import-files.ts";

const NAMES: ReadonlySet<string> = new Set(["body", "date"]);

describe("a plain <sms> element", () => {
  const valuesOf = (text: string): Record<string, string> | null => {
    const plain = readPlainSms(text, 0, NAMES);
    return plain === null ? null : Object.fromEntries(plain.values);
  };

  it("gives the attributes that were asked for, where it ends and the line breaks before it", () => {
    const element = `<sms protocol="0" date="12" body="it's ü 😀 > 'x' = />" read="" />`;
    for (const [before, lineBreaks] of [
      ["", 0],
      ["  ", 0],
      ["\n  ", 1],
      ["\r\n\n", 2],
    ] as const) {
      const text = `..${before}${element}\n</smses>`;
      deepEqual(readPlainSms(text, 2, NAMES), {
        lineBreaks,
        values: new Map([
          ["date", "12"],
          ["body", "it's ü 😀 > 'x' = />"],
        ]),
        end: 2 + before.length + element.length,
      });
    }
    deepEqual(valuesOf(`<sms body=""/>`), { body: "" });
  });

  it("is left to the parser in every other form", () => {
    for (const text of [
      "",
      "<sms",
      "<sms />",
      `<sms body="a"`,
      `<sms body="a">`,
      `<sms body="a" body="b" />`,
      `<sms toa="a" toa="b" />`,
      `<sms body='a' />`,
      `<sms body = "a" />`,
      `<sms  body="a" />`,
      `<sms body="a"  />`,
      `<sms body="a"read="1" />`,
      `<sms\nbody="a" />`,
      `<sms BODY="a" />`,
      `<sms a:b="a" />`,
      `<smsx body="a" />`,
      `<mms body="a" />`,
      `x<sms body="a" />`,
      `\r<sms body="a" />`,
      `<sms ${Array.from({ length: 201 }, (_, n) => `a${"_".repeat(n)}="" `).join("")}/>`,
    ])
      equal(valuesOf(text), null, text);
    deepEqual(
      valuesOf(`<sms ${Array.from({ length: 200 }, (_, n) => `a${"_".repeat(n)}="" `).join("")}/>`),
      {},
    );
  });

  it("U4: is left to the parser where a value holds what XML reads as something else, or forbids", () => {
    for (const piece of [
      "<",
      "&",
      "&amp;",
      "\t",
      "\n",
      "\r",
      "\0",
      "\u001f",
      "\u007f",
      "\u0085",
      "\u2028",
      "\ufffd",
      "\uffff",
    ])
      equal(valuesOf(`<sms body="a${piece}b" />`), null, JSON.stringify(piece));
  });

  it("U12: takes time in proportion to the text, whatever is no element in it", () => {
    const long = 2_000_000;
    for (const text of [
      " ".repeat(long),
      "\r\n".repeat(long / 2),
      `<sms body="${"a".repeat(long)}`,
      `<sms ${'a="" '.repeat(long / 5)}`,
      `<sms ${"a".repeat(long)}`,
    ]) {
      const startedMs = process.cpuUsage().user / 1_000;
      equal(readPlainSms(text, 0, NAMES), null);
      // A square of two million steps would take hours.
      ok(process.cpuUsage().user / 1_000 - startedMs < 5_000);
    }
  });
});

describe("a backup with plain elements and others", () => {
  let files: ImportFiles;
  beforeEach(() => {
    files = new ImportFiles();
  });
  afterEach(() => files.remove());

  const read = (content: string): Promise<ReadThrough> => readThrough(readSmsBackup(files.write(content)));

  it("U1: gives the same records, lines and faults as the parser alone", async () => {
    const value = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 12 }),
      fc.constantFrom(
        "&amp;",
        "&#10;",
        "&#55357;&#56832;",
        "a\nb",
        "null",
        "'",
        ">",
        "/>",
        "<",
        "&",
        "\u0085",
      ),
    );
    const attributes = fc.dictionary(fc.constantFrom("body", "address", "date", "toa", "x_y"), value, {
      maxKeys: 3,
    });
    const piece = fc.oneof(
      { weight: 8, arbitrary: attributes.map((some) => smsElement(some)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('<!-- <sms a="" /> -->', "<rcs a='1'><x/></rcs>", "\r\n", "</mms>"),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(`<mms a="">${smsElement()}</mms>`, smsElement().replace(" />", "></sms>")),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.boolean(), async (pieces, isOneLine) => {
        const backup = isOneLine ? backupOf(pieces).replaceAll("\n  ", " ") : backupOf(pieces);
        const mixed = await read(backup);
        // A tab makes no difference to the parser, and no element plain.
        const alone = await read(backup.replaceAll("<sms ", "<sms\t"));
        deepEqual(
          [mixed.records, mixed.problems, mixed.skipped, mixed.error?.code, mixed.error?.message],
          [alone.records, alone.problems, alone.skipped, alone.error?.code, alone.error?.message],
        );
      }),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 300) },
    );
  });

  it("gives the same however its elements lie across the pieces in which the file is read", async () => {
    const elements = Array.from({ length: 3_000 }, (_, n) =>
      smsElement({
        body: n % 7 === 0 ? `&lt;${n}` : `${n} ${"x".repeat((n * 31) % 600)}`,
        date: `${1e12 + n}`,
      }),
    );
    const mixed = await read(backupOf(elements));
    const alone = await read(backupOf(elements).replaceAll("<sms ", "<sms\t"));
    equal(mixed.records.length, 3_000);
    deepEqual(mixed.records, alone.records);
  });
});
