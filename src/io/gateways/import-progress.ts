/**
 * What every importer keeps beside its records: which it left out and why, and how far it is.
 * Tests: test/unit/gateways/sms-backup.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import {
  PROBLEMS_LISTED_MAX,
  type ImportFormat,
  type ImportProblem,
  type ReadRecord,
  type RecordSource,
} from "../../core/inbox/import-types.ts";
import { FileChunks } from "./file-chunks.ts";

/** Reads the batches of one file; notes what it leaves out. */
export type ReadBatches = (
  chunks: FileChunks,
  notes: ImportNotes,
) => AsyncGenerator<readonly ReadRecord[], void, undefined>;

export class ImportNotes {
  skipped = 0;
  readonly problems: ImportProblem[] = [];

  /** A record that is left out. */
  skip(line: number, reason: string): void {
    this.skipped++;
    this.remark(line, reason);
  }

  /** Something of a record that is left out, while the record is taken in. */
  remark(line: number, reason: string): void {
    if (this.problems.length < PROBLEMS_LISTED_MAX) this.problems.push({ line, reason });
  }
}

export function recordSource(
  format: ImportFormat,
  path: string,
  read: ReadBatches,
): RecordSource<ReadRecord> {
  const chunks = new FileChunks(path);
  const notes = new ImportNotes();
  return {
    format,
    get skipped() {
      return notes.skipped;
    },
    problems: notes.problems,
    get bytesRead() {
      return chunks.bytesRead;
    },
    get bytesTotal() {
      return chunks.bytesTotal;
    },
    [Symbol.asyncIterator]: () => read(chunks, notes),
  };
}

/** `IMPORT_MALFORMED` with the line and what to do. */
export function malformed(line: number, why: string, cause?: unknown): EngineError {
  return new EngineError("IMPORT_MALFORMED", `line ${line}: ${why}`, {
    cause,
    remedy:
      "What stands before that line is kept. Mend the file or make the backup again, and import it again: that adds the rest and nothing twice.",
  });
}

/** `IMPORT_TRUNCATED` with the line and what to do. */
export function truncated(line: number): EngineError {
  return new EngineError("IMPORT_TRUNCATED", `the file ends in the middle, at line ${line}`, {
    remedy:
      "What stands before is kept. Copy the file again from where it was made and import it again: that adds the rest and nothing twice.",
  });
}
