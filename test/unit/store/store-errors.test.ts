import { equal } from "node:assert/strict";
import { type ErrorCode, EngineError, isEngineError } from "../../../src/core/base/errors.ts";
import { openError, readError, writeError } from "../../../src/io/store/store-errors.ts";

/** As abstract-level wraps what LevelDB says. */
function wrapped(code: string, message: string): Error {
  const cause = Object.assign(new Error(message), { code });
  return Object.assign(new Error("Database failed to open", { cause }), { code: "LEVEL_DATABASE_NOT_OPEN" });
}

describe("errors of the store", () => {
  it("tell apart why it cannot be opened", () => {
    const cases: readonly (readonly [string, string, ErrorCode])[] = [
      ["LEVEL_LOCKED", "IO error: lock /s/LOCK: Resource temporarily unavailable", "STORE_BUSY"],
      ["LEVEL_LOCKED", "IO error: LockFile C:\\s\\LOCK: The process cannot access the file", "STORE_BUSY"],
      ["LEVEL_CORRUPTION", "Corruption: 1 missing files; e.g.: /s/000005.ldb", "STORE_DAMAGED"],
      ["LEVEL_IO_ERROR", "IO error: /s/MANIFEST-000002: No such file or directory", "STORE_DAMAGED"],
      ["LEVEL_IO_ERROR", "IO error: /s/000005.log: No space left on device", "DISK_FULL"],
      ["LEVEL_IO_ERROR", "IO error: /s/000005.log: File too large", "DISK_FULL"],
      ["LEVEL_IO_ERROR", "IO error: /s/LOCK: No such file or directory", "DIRECTORY_MISSING"],
      ["LEVEL_IO_ERROR", "IO error: /s/LOCK: Permission denied", "DIRECTORY_UNREADABLE"],
      ["LEVEL_IO_ERROR", "IO error: /s/000007.log: Read-only file system", "DIRECTORY_UNREADABLE"],
      ["ENOENT", "ENOENT: no such file or directory, mkdir '/none/s'", "DIRECTORY_MISSING"],
      ["ENOTDIR", "ENOTDIR: not a directory, mkdir '/file/s'", "DIRECTORY_UNREADABLE"],
      ["EACCES", "EACCES: permission denied, mkdir '/s'", "DIRECTORY_UNREADABLE"],
      ["ENOSPC", "ENOSPC: no space left on device, open '/s/last-batch'", "DISK_FULL"],
    ];
    for (const [code, message, expected] of cases)
      equal(openError(wrapped(code, message)).code, expected, message);
    const own = new EngineError("STORE_NEWER_VERSION", "newer");
    equal(openError(own), own);
  });

  it("keep the reason for a failed write, and know a full disk", () => {
    const full = writeError(new Error("IO error: /s/000003.log: No space left on device"));
    equal(full.code, "DISK_FULL");
    const cause = Object.assign(new Error("IO error: /s/000003.log: Input/output error"), {
      code: "LEVEL_IO_ERROR",
    });
    const poisoned = writeError(cause);
    equal(poisoned.code, "STORE_POISONED");
    equal(poisoned.cause, cause);
  });

  it("call what cannot be read damaged, and leave bugs as they are", () => {
    equal(
      isEngineError(readError(Object.assign(new Error("x"), { code: "LEVEL_CORRUPTION" })), "STORE_DAMAGED"),
      true,
    );
    equal(
      isEngineError(readError(new Error("IO error: /s/000005.ldb: Invalid argument")), "STORE_DAMAGED"),
      true,
    );
    equal(
      isEngineError(
        readError(Object.assign(new Error("x"), { code: "LEVEL_DATABASE_NOT_OPEN" })),
        "STORE_CLOSED",
      ),
      true,
    );
    const bug = new TypeError("x is not a function");
    equal(readError(bug), bug);
  });
});
