/**
 * Which format a file has, by its first bytes and never by its name. Tests: test/unit/gateways/detect-format.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import type { ImportFormat } from "../../core/inbox/import-types.ts";
import { FileChunks } from "./file-chunks.ts";
import { Utf8Stream } from "./utf8-stream.ts";

const LOOK_BYTES = 4_096;

/** @throws EngineError `IMPORT_NOT_FOUND`, `IMPORT_FORMAT_UNKNOWN`, `IMPORT_MALFORMED` for gzip that is damaged from its start. */
export async function detectFormat(path: string): Promise<ImportFormat> {
  const bytes = await firstBytes(path);
  if (bytes.length === 0) throw unknown(`${path} is empty`);
  if (isUtf16(bytes)) {
    throw new EngineError("IMPORT_FORMAT_UNKNOWN", `${path} is UTF-16 and not UTF-8`, {
      remedy: "Save it as UTF-8, without changing anything else, or copy the original file again.",
    });
  }
  const start = new Utf8Stream().push(bytes).replace("\ufeff", "").trimStart();
  if (start.startsWith("<")) return "sms-backup";
  if (start.startsWith('{"kinlog":"export"')) return "jsonl";
  throw unknown(`${path} is neither XML by SMS Backup & Restore nor an export by kinlog`);
}

async function firstBytes(path: string): Promise<Uint8Array> {
  for await (const chunk of new FileChunks(path)) return chunk.subarray(0, LOOK_BYTES);
  return new Uint8Array(0);
}

/** By its byte order mark. */
function isUtf16(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}

function unknown(what: string): EngineError {
  return new EngineError("IMPORT_FORMAT_UNKNOWN", what, {
    remedy:
      "Import an .xml file (or .xml.gz) of the Android app SMS Backup & Restore, or what `kinlog export` has written.",
  });
}
