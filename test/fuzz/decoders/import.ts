/** Fuzzed: files that people import. Formats: docs/import.md, docs/spec/export.md. */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { concat, utf8 } from "../../../src/core/base/bytes.ts";
import { validateAddress, validateText } from "../../../src/core/inbox/address.ts";
import type { ReadRecord, RecordSource } from "../../../src/core/inbox/import-types.ts";
import { STAMP_MS_MAX } from "../../../src/core/inbox/stamp.ts";
import { detectFormat } from "../../../src/io/gateways/detect-format.ts";
import { FileChunks } from "../../../src/io/gateways/file-chunks.ts";
import { readJsonl } from "../../../src/io/gateways/jsonl-reader.ts";
import { LineStream } from "../../../src/io/gateways/line-stream.ts";
import { readSmsBackup } from "../../../src/io/gateways/sms-backup.ts";
import { Utf8Stream } from "../../../src/io/gateways/utf8-stream.ts";
import { XmlSifter } from "../../../src/io/gateways/xml-sifter.ts";
import { type Decoder, promise } from "../decoder.ts";
import { looseText } from "./membership.ts";

/** One file of this thread, gone again after each input: a thread may be ended at any moment. */
const path = join(tmpdir(), `kinlog-fuzz-${process.pid}-${threadId}`);

async function inFile(bytes: Uint8Array, read: (path: string) => Promise<void>): Promise<void> {
  writeFileSync(path, bytes);
  try {
    await read(path);
  } finally {
    rmSync(path);
  }
}

const XML = [
  `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><smses count="2">`,
  `<sms protocol="0" address="+49 30 1" date="1700000000000" type="1" body="Gr&#252;&#223;e &#55357;&#56832;" read="1" date_sent="1699999999000" contact_name="Ana" />`,
  `<mms date="1700000001000" msg_box="1" m_type="132" read="0" sub="null" address="+4930~+4931"><parts>`,
  `<part ct="text/plain" text="hello" /><part ct="image/png" data="iVBORw0KGgo=" /></parts>`,
  `<addrs><addr address="+4930" type="137" charset="106" /><addr address="+4931" type="151" /></addrs></mms></smses>`,
].join("\n");
const XML_WORDS = [
  "<sms ",
  "<mms ",
  "<part ",
  "<addr ",
  "/>",
  "</",
  "<!--",
  "-->",
  "<![CDATA[",
  "]]>",
  "<!DOCTYPE x [",
  "<?xml ",
  "&#x",
  "&#55357;",
  "&amp;",
  "&lt",
  "address=",
  "body=",
  "date=",
  "data=",
  "text=",
  "ct=",
  "type=",
  "null",
  "\ufeff",
];

const JSONL = [
  `{"kinlog":"export","version":1,"exportedAt":"2026-01-31T00:00:00.000Z"}`,
  `{"kind":"conversation","conversation":"Ana","title":{"text":"A","order":"${"0".repeat(15)}1${"ab".repeat(16)}","author":"${"cd".repeat(32)}"},"readUpTo":null,"markedUnread":false}`,
  `{"kind":"message","id":"${"ab".repeat(16)}","order":"018bcfe56800${"0000"}${"ab".repeat(16)}","author":"${"cd".repeat(32)}","conversation":"Ana","direction":"in","service":"sms","sender":"Ana","text":"hi \\u00fc","sentAt":"2023-11-14T22:13:20.000Z","receivedAt":null,"replyTo":null,"takenIn":true,"readAtSource":false,"read":true,"deletedBy":null}`,
  `{"kind":"end","lines":2}`,
  "",
].join("\n");
const JSON_WORDS = [
  `"kind":`,
  `"message"`,
  `{"`,
  `":`,
  "null",
  "true",
  "[[[[",
  "1e400",
  "-0",
  `"__proto__":{"x":1},`,
  "\\ud800",
  "\n",
];

async function readAll(source: RecordSource<ReadRecord>): Promise<void> {
  for await (const batch of source) for (const record of batch) checkRecord(record);
  promise(source.problems.length <= 1_000, "few problems are listed");
}

function checkRecord(record: ReadRecord): void {
  switch (record.kind) {
    case "conversation":
      return validateAddress(record.conversation);
    case "setting":
      return promise(record.name.length <= 64 && record.value.length <= 1_024, "a setting keeps its limits");
    case "edit":
      validateAddress(record.conversation);
      return validateText(record.text);
    case "reaction":
      return validateAddress(record.conversation);
    case "message":
    case "taken-in":
      return checkMessage(record);
  }
}

function checkMessage(record: Extract<ReadRecord, { readonly kind: "message" | "taken-in" }>): void {
  validateText(record.text);
  if (record.sender !== null) validateAddress(record.sender);
  validateAddress(record.kind === "message" ? record.conversation : record.address);
  const times = [record.sentAtMs, record.receivedAtMs ?? 0, record.kind === "message" ? 0 : record.timeMs];
  promise(
    times.every((ms) => Number.isSafeInteger(ms) && ms >= 0 && ms <= STAMP_MS_MAX),
    "every time can be a stamp",
  );
}

const REFUSED = ["IMPORT_MALFORMED", "IMPORT_TRUNCATED", "IMPORT_FORMAT_UNKNOWN"];

const smsBackup: Decoder = {
  name: "sms-backup",
  group: "import",
  codes: REFUSED,
  words: XML_WORDS,
  samples: () => [utf8(XML), gzipSync(utf8(XML))],
  read: (input) => inFile(input, (file) => readAll(readSmsBackup(file))),
};

const jsonl: Decoder = {
  name: "jsonl",
  group: "import",
  codes: REFUSED,
  words: JSON_WORDS,
  samples: () => [utf8(JSONL)],
  read: (input) => inFile(input, (file) => readAll(readJsonl(file))),
};

const format: Decoder = {
  name: "detect-format",
  group: "import",
  codes: REFUSED,
  words: ["\ufeff", "<", `{"kinlog":"export"`],
  samples: () => [utf8(XML), utf8(JSONL), gzipSync(utf8(JSONL))],
  read: (input) =>
    inFile(input, async (file) => {
      promise(["sms-backup", "jsonl"].includes(await detectFormat(file)), "a format is one of those known");
    }),
};

/** Deflate makes no more than 1,032 bytes of one. */
const DEFLATE_MAX = 1_032;
const READ_MAX = 4 * 1024 * 1024;

const gzip: Decoder = {
  name: "gzip",
  group: "import",
  codes: ["IMPORT_MALFORMED"],
  samples: () => [
    gzipSync(utf8(XML)),
    gzipSync(utf8(XML), { level: 0 }),
    gzipSync(new Uint8Array(2_000_000)),
    concat(gzipSync(utf8("one")), gzipSync(utf8("two"))),
  ],
  read: (input) =>
    inFile(input, async (file) => {
      let size = 0;
      for await (const chunk of new FileChunks(file)) {
        promise(chunk.length <= 128 * 1024, "it unfolds piece by piece");
        size += chunk.length;
        if (size > READ_MAX) break;
      }
      promise(size <= DEFLATE_MAX * input.length + 64, "it unfolds to no more than deflate can");
    }),
};

/** The first byte says how the rest is cut; the cut leaves no trace. */
const pieces: Decoder = {
  name: "import-streams",
  group: "import",
  codes: [],
  words: XML_WORDS,
  samples: () => [concat(Uint8Array.of(7), utf8(XML)), concat(Uint8Array.of(3), utf8(JSONL))],
  read: (input) => {
    const bytes = input.subarray(1);
    const size = 1 + ((input[0] ?? 0) % 64);
    const whole = throughUtf8(bytes, Math.max(1, bytes.length));
    promise(throughUtf8(bytes, size) === whole, "text");
    const text = looseText(bytes);
    const sifted = throughSifter(text, Math.max(1, text.length));
    promise(throughSifter(text, size) === sifted, "sifted XML");
    promise(sifted.length <= 12 * text.length + 256, "sifting makes nothing long");
    promise(throughLines(bytes, size) === throughLines(bytes, Math.max(1, bytes.length)), "lines");
  },
};

function throughUtf8(bytes: Uint8Array, size: number): string {
  const machine = new Utf8Stream();
  let text = "";
  for (let at = 0; at < bytes.length; at += size) text += machine.push(bytes.subarray(at, at + size));
  return text + machine.end();
}

function throughSifter(text: string, size: number): string {
  const machine = new XmlSifter();
  let out = "";
  for (let at = 0; at < text.length; at += size) out += machine.push(text.slice(at, at + size));
  out += machine.end();
  // How much of the place of a fault is passed is nobody's business: nothing behind it is read.
  return machine.fault ?? JSON.stringify([out, machine.marks]);
}

function throughLines(bytes: Uint8Array, size: number): string {
  const machine = new LineStream(40);
  const lines = [];
  for (let at = 0; at < bytes.length; at += size) lines.push(...machine.push(bytes.subarray(at, at + size)));
  const last = machine.end();
  return JSON.stringify([...lines, last].map((line) => line?.bytes && [...line.bytes]));
}

export const importDecoders: readonly Decoder[] = [smsBackup, jsonl, format, gzip, pieces];
