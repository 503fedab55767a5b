/**
 * Reads the XML files of Android's "SMS Backup & Restore", plain or gzip, of any size in constant memory. What becomes of each
 * field: sms-records.ts and docs/import.md. Tests: test/unit/gateways/sms-backup.test.ts, threats U2, U3, U4, U5, U11, U12.
 */
import { SaxesParser } from "saxes";
import { EngineError } from "../../core/base/errors.ts";
import {
  IMPORT_BATCH_RECORDS,
  type ReadRecord,
  type RecordSource,
  type TakenInRecord,
} from "../../core/inbox/import-types.ts";
import type { FileChunks } from "./file-chunks.ts";
import { recordSource, malformed, truncated, type ImportNotes } from "./import-progress.ts";
import { readPlainSms } from "./plain-sms.ts";
import { readMms, readSms, type Fields, type MmsParts } from "./sms-records.ts";
import { Utf8Stream } from "./utf8-stream.ts";
import { STAND_IN, XmlSifter } from "./xml-sifter.ts";

const ROOT = "smses";
/** The format has four levels. */
const DEPTH_MAX = 16;
const PARTS_MAX = 1_000;
/** Where texts of parts together pass the limit of a message, the rest changes nothing. */
const PART_TEXT_CHARS_MAX = 1024 * 1024;
const SMIL = "application/smil";
const PLAIN_TEXT = "text/plain";
/** What readPlainSms may read begins so. */
const SMS_OPENING = "<sms ";
const NONE_DAMAGED: ReadonlySet<string> = new Set();

/** Everything that sms-records.ts reads. Other attributes are passed over. */
const FIELD_NAMES: ReadonlySet<string> = new Set([
  "address",
  "body",
  "charset",
  "contact_name",
  "ct",
  "data",
  "date",
  "date_sent",
  "m_type",
  "msg_box",
  "read",
  "sub",
  "text",
  "type",
]);

/** The records of a backup, in its order. Errors and progress: RecordSource. */
export function readSmsBackup(path: string): RecordSource<ReadRecord> {
  return recordSource("sms-backup", path, readBatches);
}

async function* readBatches(
  chunks: FileChunks,
  notes: ImportNotes,
): AsyncGenerator<readonly TakenInRecord[], void, undefined> {
  const utf8 = new Utf8Stream();
  const parser = new BackupParser(notes);
  try {
    for await (const chunk of chunks) {
      parser.push(utf8.push(chunk));
      while (parser.records.length >= IMPORT_BATCH_RECORDS)
        yield parser.records.splice(0, IMPORT_BATCH_RECORDS);
    }
    parser.end(utf8.end());
  } catch (error) {
    // What stands before a bad place is handed over before the error.
    if (parser.records.length > 0) yield parser.records.splice(0);
    throw error;
  }
  if (parser.records.length > 0) yield parser.records.splice(0);
}

interface OpenMms {
  readonly fields: Fields;
  readonly line: number;
  readonly texts: string[];
  readonly attachmentHashes: Uint8Array[];
  readonly addresses: { readonly address: string; readonly type: string }[];
  attachmentCount: number;
  textChars: number;
  areTextsDamaged: boolean;
  isOverfull: boolean;
}

/** Text in, records out. */
class BackupParser {
  readonly records: TakenInRecord[] = [];
  readonly #notes: ImportNotes;
  readonly #sifter = new XmlSifter();
  /** Without positions in its messages: it sees neither what the sifter drops nor plain messages. Lines it counts all the same. */
  readonly #saxes = new SaxesParser({ position: false });
  #depth = 0;
  #line = 1;
  #values = new Map<string, string>();
  #damaged = new Set<string>();
  #mms: OpenMms | null = null;
  /** Line breaks before plain messages, of which the parser has still to be told: it counts lines. */
  #lineBreaksPassed = 0;
  #isEnding = false;

  constructor(notes: ImportNotes) {
    this.#notes = notes;
    this.#saxes.on("error", (error) => this.#fail(error));
    this.#saxes.on("xmldecl", ({ encoding }) => this.#checkEncoding(encoding));
    this.#saxes.on("opentagstart", ({ name }) => this.#beginElement(name));
    this.#saxes.on("attribute", ({ name, value }) => this.#addAttribute(name, value));
    this.#saxes.on("opentag", ({ name }) => this.#openElement(name));
    this.#saxes.on("closetag", ({ name }) => this.#closeElement(name));
  }

  /** @throws EngineError `IMPORT_MALFORMED`. */
  push(text: string): void {
    let at = 0;
    while (at < text.length) {
      at = this.#takePlain(text, at);
      const next = text.indexOf(SMS_OPENING, at + SMS_OPENING.length);
      const end = next === -1 ? text.length : next;
      if (at < end) this.#parse(this.#sifter.push(text.slice(at, end)));
      at = end;
    }
  }

  /** @throws EngineError `IMPORT_TRUNCATED`, `IMPORT_MALFORMED`. */
  end(text: string): void {
    this.push(text);
    this.#parse(this.#sifter.end());
    this.#isEnding = true;
    this.#saxes.close();
  }

  /** Takes the plain messages that stand from `at` on, and returns where something else begins. */
  #takePlain(text: string, at: number): number {
    if (this.#depth !== 1 || !this.#sifter.isBetweenElements) return at;
    let end = at;
    for (;;) {
      const plain = readPlainSms(text, end, FIELD_NAMES);
      if (plain === null) return end;
      this.#lineBreaksPassed += plain.lineBreaks;
      const line = this.#saxes.line + this.#lineBreaksPassed;
      this.#take(readSms({ values: plain.values, damaged: NONE_DAMAGED }, line), line);
      end = plain.end;
    }
  }

  #parse(sifted: string): void {
    if (this.#lineBreaksPassed > 0) {
      this.#saxes.write("\n".repeat(this.#lineBreaksPassed));
      this.#lineBreaksPassed = 0;
    }
    this.#saxes.write(sifted);
    if (this.#sifter.fault !== null) throw malformed(this.#saxes.line, this.#sifter.fault);
  }

  /** The first fault ends the reading: after it the parser only guesses. */
  #fail(error: Error): never {
    const { line } = this.#saxes;
    if (this.#isEnding) throw truncated(line);
    throw malformed(line, `it is not well-formed XML (${error.message})`, error);
  }

  #checkEncoding(encoding: string | undefined): void {
    const name = (encoding ?? "utf-8").toLowerCase();
    if (name === "utf-8" || name === "utf8" || name === "us-ascii" || name === "ascii") return;
    throw malformed(1, `it says that it is ${name} and not UTF-8`);
  }

  #beginElement(name: string): void {
    this.#depth++;
    if (this.#depth > DEPTH_MAX)
      throw malformed(this.#saxes.line, `elements are nested more than ${DEPTH_MAX} deep`);
    if (this.#depth === 1 && name !== ROOT) throw notABackup(name);
    this.#line = this.#saxes.line;
    this.#values = new Map();
    this.#damaged = new Set();
  }

  #addAttribute(name: string, value: string): void {
    let text = value;
    if (value.includes(STAND_IN)) text = this.#restore(name, value);
    if (FIELD_NAMES.has(name)) this.#values.set(name, text);
  }

  /** Puts back what the sifter put aside. */
  #restore(name: string, value: string): string {
    const pieces = value.split(STAND_IN);
    const marks = this.#sifter.marks.splice(0, pieces.length - 1);
    if (marks.includes(null)) this.#damaged.add(name);
    return pieces.map((piece, at) => piece + (marks[at] ?? "")).join("");
  }

  #openElement(name: string): void {
    if (this.#depth === 2 && name === "sms")
      return this.#take(readSms(this.#fields(), this.#line), this.#line);
    if (this.#depth === 2 && name === "mms") this.#mms = openMms(this.#fields(), this.#line);
    else if (this.#mms !== null && name === "part") this.#addPart(this.#mms);
    else if (this.#mms !== null && name === "addr") this.#addAddress(this.#mms);
  }

  #closeElement(name: string): void {
    const mms = this.#mms;
    if (this.#depth === 2 && name === "mms" && mms !== null) {
      this.#take(readMms(mms.fields, mms satisfies MmsParts, mms.line), mms.line);
      this.#mms = null;
    }
    this.#depth--;
  }

  #addPart(mms: OpenMms): void {
    const type = (this.#values.get("ct") ?? "").toLowerCase();
    if (type === SMIL) return; // How to lay out the other parts.
    const text = this.#values.get("text") ?? "null";
    const hash = this.#values.get("data") ?? "";
    if (mms.texts.length + mms.attachmentCount >= PARTS_MAX) mms.isOverfull = true;
    else if (type === PLAIN_TEXT && text !== "null") this.#addText(mms, text);
    else mms.attachmentCount++;
    if (type !== PLAIN_TEXT && hash.length === 64 && !mms.isOverfull) {
      mms.attachmentHashes.push(new Uint8Array(Buffer.from(hash, "hex")));
    }
  }

  #addText(mms: OpenMms, text: string): void {
    if (this.#damaged.has("text")) mms.areTextsDamaged = true;
    if (mms.textChars <= PART_TEXT_CHARS_MAX) mms.texts.push(text);
    mms.textChars += text.length;
  }

  #addAddress(mms: OpenMms): void {
    if (mms.addresses.length >= PARTS_MAX) mms.isOverfull = true;
    else
      mms.addresses.push({
        address: this.#values.get("address") ?? "",
        type: this.#values.get("type") ?? "",
      });
  }

  #take(reading: ReturnType<typeof readSms>, line: number): void {
    if (reading.record === null) return this.#notes.skip(line, reading.reason);
    if (reading.remark !== undefined) this.#notes.remark(line, reading.remark);
    this.records.push(reading.record);
  }

  #fields(): Fields {
    return { values: this.#values, damaged: this.#damaged };
  }
}

function openMms(fields: Fields, line: number): OpenMms {
  return {
    fields,
    line,
    texts: [],
    attachmentHashes: [],
    addresses: [],
    attachmentCount: 0,
    textChars: 0,
    areTextsDamaged: false,
    isOverfull: false,
  };
}

function notABackup(root: string): EngineError {
  const what =
    root === "calls" ? "a backup of calls" : `an XML file of another kind (<${root.slice(0, 40)}>)`;
  return new EngineError("IMPORT_FORMAT_UNKNOWN", `this is ${what} and holds no messages`, {
    remedy: "Choose the file whose name begins with sms- in the app's backup folder.",
  });
}
