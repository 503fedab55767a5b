/**
 * The arguments as they were given, refused where they are not UTF-8: Node turns foreign bytes into replacement characters, and a message
 * that silently differs from what was typed is worse than none.
 */
import { readFileSync } from "node:fs";
import { EngineError } from "../src/app/api/errors.ts";

const REPLACEMENT = "\ufffd";

/** @throws EngineError `TEXT_NOT_UTF8` */
export function givenArguments(): readonly string[] {
  const given = process.argv.slice(2);
  for (const argument of given) {
    // Half a surrogate pair: only Windows can hand one over.
    if (/\p{Cs}/u.test(argument)) throw notUtf8();
  }
  if (given.some((argument) => argument.includes(REPLACEMENT)) && process.platform === "linux")
    checkRawArguments();
  return given;
}

/** Somebody may have typed the replacement character itself; the kernel still has the bytes. */
function checkRawArguments(): void {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(readFileSync("/proc/self/cmdline"));
  } catch (error) {
    if (error instanceof TypeError) throw notUtf8();
    // Without the list of the kernel, what came is taken as it is.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

function notUtf8(): EngineError {
  return new EngineError("TEXT_NOT_UTF8", "an argument is not UTF-8", {
    remedy: "Give the text as UTF-8, or pipe it in with `-` after `iconv -t UTF-8`.",
  });
}
