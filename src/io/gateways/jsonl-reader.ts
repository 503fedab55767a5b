/**
 * Reads Kinlog's own export. A line that cannot be read is left out and said so; the others are taken in.
 * Format: docs/spec/export.md. Tests: test/unit/gateways/jsonl.test.ts, threats U3, U4, U11, U12.
 */
import { utf8ToText } from "../../core/base/bytes.ts";
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import { IMPORT_BATCH_RECORDS, type ReadRecord, type RecordSource } from "../../core/inbox/import-types.ts";
import type { FileChunks } from "./file-chunks.ts";
import { recordSource, malformed, truncated, type ImportNotes } from "./import-progress.ts";
import { JsonFields, LineFault } from "./json-fields.ts";
import { readRecord } from "./jsonl-records.ts";
import { EXPORT_VERSION } from "./jsonl-writer.ts";
import { LineStream, type Line } from "./line-stream.ts";

/** A draft of 65,536 bytes takes at most six times as many as JSON, participants of as many twice as many, the rest of a line 32 KiB. */
const LINE_BYTES_MAX = 640 * 1024;

/** The records of an export, in its order. Errors and progress: RecordSource. */
export function readJsonl(path: string): RecordSource<ReadRecord> {
  return recordSource("jsonl", path, readBatches);
}

async function* readBatches(
  chunks: FileChunks,
  notes: ImportNotes,
): AsyncGenerator<readonly ReadRecord[], void, undefined> {
  const lines = new LineStream(LINE_BYTES_MAX);
  const reader = new ExportReader(notes);
  try {
    for await (const chunk of chunks) {
      for (const line of lines.push(chunk)) reader.take(line);
      while (reader.records.length >= IMPORT_BATCH_RECORDS)
        yield reader.records.splice(0, IMPORT_BATCH_RECORDS);
    }
    reader.end(lines.end());
  } catch (error) {
    // What stands before a bad place is handed over before the error.
    if (reader.records.length > 0) yield reader.records.splice(0);
    throw error;
  }
  if (reader.records.length > 0) yield reader.records.splice(0);
}

class ExportReader {
  readonly records: ReadRecord[] = [];
  readonly #notes: ImportNotes;
  #lineCount = 0;
  #version = 0;
  #isEnded = false;

  constructor(notes: ImportNotes) {
    this.#notes = notes;
  }

  take({ bytes, number }: Line): void {
    this.#lineCount = number;
    if (number === 1) {
      this.#version = versionOf(bytes);
      return;
    }
    if (this.#isEnded) throw malformed(number, "something follows the line that ends the export");
    try {
      if (bytes === null) throw new LineFault("a line is too long");
      const fields = JsonFields.parse(textOf(bytes));
      this.#takeFields(fields, number);
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
      this.#notes.skip(number, error.message);
    }
  }

  /** `rest`: a line that has no line break, which every line of an export has. */
  end(rest: Line | null): void {
    if (rest !== null || !this.#isEnded) throw truncated(rest?.number ?? this.#lineCount);
  }

  #takeFields(fields: JsonFields, line: number): void {
    if (fields.text("kind") !== "end") {
      this.records.push(readRecord(fields, { line, version: this.#version }));
      return;
    }
    // The header and this line are not counted.
    if (fields.count("lines") !== line - 2) throw truncated(line);
    this.#isEnded = true;
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8ToText(bytes);
  } catch (error) {
    if (isEngineError(error, "TEXT_NOT_UTF8")) throw new LineFault("the line is not UTF-8");
    throw error;
  }
}

function versionOf(bytes: Uint8Array | null): number {
  let version: number | null = null;
  try {
    const fields = JsonFields.parse(textOf(bytes ?? new Uint8Array(0)));
    if (fields.text("kinlog") === "export") version = fields.count("version");
  } catch (error) {
    if (!(error instanceof LineFault)) throw error;
  }
  if (version === null || version === 0) {
    throw new EngineError("IMPORT_FORMAT_UNKNOWN", "the first line is not that of an export by kinlog", {
      remedy: "Choose a file that `kinlog export` has written, unchanged.",
    });
  }
  if (version > EXPORT_VERSION) {
    throw new EngineError(
      "IMPORT_FORMAT_UNKNOWN",
      `the export is of version ${version}, made by a newer kinlog`,
      {
        remedy: "Update kinlog on this device, then import again.",
      },
    );
  }
  return version;
}
