/** A file from outside, with the reader for its format. In this thread: who imports, opens it by open-import.ts. */
import type { ImportFormat, ReadRecord, RecordSource } from "../../core/inbox/import-types.ts";
import { detectFormat } from "./detect-format.ts";
import { readJsonl } from "./jsonl-reader.ts";
import { readSmsBackup } from "./sms-backup.ts";

/**
 * The format by what is in the file, unless one is given.
 *
 * @throws EngineError `IMPORT_NOT_FOUND`, `IMPORT_FORMAT_UNKNOWN`, `IMPORT_MALFORMED`; iterating throws what RecordSource says.
 */
export async function readFile(path: string, format?: ImportFormat): Promise<RecordSource<ReadRecord>> {
  switch (format ?? (await detectFormat(path))) {
    case "sms-backup":
      return readSmsBackup(path);
    case "jsonl":
      return readJsonl(path);
  }
}
