/** A file for import, with the reader for its format. */
import type { ImportFormat, ImportSource } from "../../core/inbox/import-types.ts";
import { detectFormat } from "./detect-format.ts";
import { readJsonl } from "./jsonl-reader.ts";
import { readSmsBackup } from "./sms-backup.ts";

/**
 * The format by what is in the file, unless one is given.
 *
 * @throws EngineError `IMPORT_NOT_FOUND`, `IMPORT_FORMAT_UNKNOWN`, `IMPORT_MALFORMED`; iterating throws what ImportSource says.
 */
export async function openImport(path: string, format?: ImportFormat): Promise<ImportSource> {
  switch (format ?? (await detectFormat(path))) {
    case "sms-backup":
      return readSmsBackup(path);
    case "jsonl":
      return readJsonl(path);
  }
}
