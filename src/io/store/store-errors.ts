/**
 * What the file system and LevelDB say, as the codes that callers switch on. LevelDB passes the system's words on in its text and
 * gives no number, so the text is all there is.
 * Tests: test/unit/store/store-errors.test.ts.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import { damaged } from "./row-check.ts";

/** How LevelDB's own messages begin. */
const FROM_LEVELDB = /^(?:IO error|Corruption|NotFound|Invalid argument|Not implemented): /;
const FULL = /no space left on device|not enough space|disk quota exceeded|file too large/i;
const MISSING = /no such file or directory|cannot find the path|file not found/i;
const FORBIDDEN =
  /permission denied|read-only file system|access is denied|operation not permitted|not a directory/i;

/** Of an attempt to open. */
export function openError(error: unknown): EngineError {
  if (isEngineError(error)) return error;
  const root = rootCause(error);
  const { code, message } = describe(root);
  if (code === "LEVEL_LOCKED") {
    return new EngineError("STORE_BUSY", "another process has this store open", { cause: root });
  }
  if (code === "LEVEL_CORRUPTION") return damaged("the database is damaged", root);
  if (isFull(code, message)) return diskFull(root);
  if (code === "ENOENT" || (MISSING.test(message) && /\/LOCK\b/.test(message))) {
    return new EngineError("DIRECTORY_MISSING", "the store's directory is not there", { cause: root });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST") {
    return unreadable(root);
  }
  if (FORBIDDEN.test(message)) return unreadable(root);
  // What remains are files that should be there and are not, or that cannot be read.
  return damaged("the database cannot be opened", root);
}

/** Of a write: whatever it was, nothing that this handle says can be relied on any more. */
export function writeError(error: unknown): EngineError {
  const root = rootCause(error);
  const { code, message } = describe(root);
  if (isFull(code, message)) return diskFull(root);
  return new EngineError("STORE_POISONED", "a write failed; the store must be opened again", { cause: root });
}

/** Of a read. What is neither the database's nor an operating error passes as it is: it is a bug. */
export function readError(error: unknown): unknown {
  const root = rootCause(error);
  const { code, message } = describe(root);
  if (isEngineError(error) || !(code.startsWith("LEVEL_") || FROM_LEVELDB.test(message))) return error;
  if (code === "LEVEL_DATABASE_NOT_OPEN" || code === "LEVEL_ITERATOR_NOT_OPEN") {
    return new EngineError("STORE_CLOSED", "the store was closed", { cause: root });
  }
  return damaged("the database cannot be read", root);
}

/** LevelDB's own error hides below "Database failed to open". */
function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? rootCause(error.cause) : error;
}

function describe(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { code, message: error.message };
}

function isFull(code: string, message: string): boolean {
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG" || FULL.test(message);
}

function diskFull(cause: unknown): EngineError {
  return new EngineError("DISK_FULL", "the disk is full", {
    cause,
    remedy: "Free some space; nothing is lost and writing goes on by itself.",
  });
}

function unreadable(cause: unknown): EngineError {
  return new EngineError("DIRECTORY_UNREADABLE", "the store's directory cannot be read and written", {
    cause,
  });
}
