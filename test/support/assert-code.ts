/** Asserts that an operating error with a code is thrown; nothing about its text. */
import { ok, rejects, throws } from "node:assert/strict";
import { type ErrorCode, isEngineError } from "../../src/core/base/errors.ts";

/** `action` throws an EngineError with `code`. */
export function assertCode(action: () => unknown, code: ErrorCode): void {
  throws(action, (error) => hasCode(error, code));
}

/** `promise` rejects with an EngineError with `code`. */
export async function assertRejectsWithCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await rejects(promise, (error) => hasCode(error, code));
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  ok(isEngineError(error, code), `expected ${code}, got ${String(error)}`);
  return true;
}
