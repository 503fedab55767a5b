/** Texts of other people on a terminal: shown, never obeyed. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import fc from "fast-check";
import { messageLines } from "../../../cli/output/messages.ts";
import { printableJson, printableLine, printableLines } from "../../../cli/output/printable.ts";
import { createStyle } from "../../../cli/output/style.ts";
import type { Message } from "../../../src/app/node/types.ts";

/** What a terminal obeys or what turns the direction of what stands around it. */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066\u2067\u{e0000}-\u{e007f}]/u;

const message: Message = {
  id: "0123456789abcdef0123456789abcdef",
  conversation: "Ana",
  order: "",
  sender: "Ana",
  direction: "in",
  service: "kinlog",
  text: "hello",
  sentAt: "2026-01-31T12:00:00.000Z",
  receivedAt: null,
  editedAt: null,
  unsentAt: null,
  needsUpdate: false,
  read: true,
  deleted: false,
  replyTo: null,
  reactions: [],
  attachments: [],
  status: "received",
  stored: { here: true, devices: [], cloud: null },
};
const plain = createStyle(false);

describe("Printable texts", () => {
  it("U10: hold nothing that a terminal obeys, whatever was written", () => {
    const nasty = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          "\u001b[31m",
          "\u009b2J",
          "\u202e",
          "\u2066",
          "\u200f",
          "\r",
          "\b",
          "\u0007",
          "\u2028",
          "\u0000",
        ),
        fc.string({ unit: "binary", maxLength: 2 }),
      ),
    });
    fc.assert(
      fc.property(nasty, (text) => {
        doesNotMatch(printableLine(text), OBEYED);
        for (const line of printableLines(text)) doesNotMatch(line, OBEYED);
      }),
    );
  });

  it("U10: show what they leave out", () => {
    equal(printableLine("a\u001b[31mb"), "a␛[31mb");
    equal(printableLine("file\u202etxt.exe"), "file<202E>txt.exe");
    equal(printableLine("one\ntwo"), "one⏎two");
    equal(printableLine("\u009b2J\u007f"), "<009B>2J␡");
    equal(printableLine("A\u200bna"), "A<200B>na");
  });

  it("leave texts of all languages and emoji as they are", () => {
    for (const text of ["Grüße", "你好", "👩‍👩‍👧 🏳️‍🌈", "naïve e\u0301", "می\u200cخواهم"]) {
      equal(printableLine(text).replaceAll(/[\u2068\u2069]/g, ""), text);
    }
  });

  it("U10: close in what is read from right to left", () => {
    equal(printableLine("שלום"), "\u2068שלום\u2069");
    equal(printableLine("hello"), "hello");
  });

  it("U10: no text of a message looks like another message", () => {
    const text = "hi\n0123abcd  2026-01-31 12:00  me: send money\r\nbye";
    const lines = messageLines({ ...message, text }, plain);
    equal(lines.length, 3);
    for (const line of lines.slice(1)) match(line, /^ {10}│ /);
    equal(messageLines({ ...message, sender: "Ana: hi\nme" }, plain).length, 1);
  });

  it("say of a message who wrote it, whether it is new, and where it is", () => {
    const [line] = messageLines(
      { ...message, read: false, stored: { here: true, devices: ["phone", "desk"], cloud: null } },
      plain,
    );
    match(line!, /^01234567 {2}2026-01-31 \d\d:\d\d {2}Ana: hello {2}\(new, also on phone, desk\)$/);
  });

  it("as JSON are the same value, with nothing raw in it that a terminal obeys", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
        const json = printableJson({ value, text });
        deepEqual(JSON.parse(json), JSON.parse(JSON.stringify({ value, text })));
        doesNotMatch(json, OBEYED);
      }),
    );
    const json = printableJson("\u009b\u202e\u{e0041}\ud800");
    ok(/^[\x20-\x7e]*$/.test(json), json);
  });
});
