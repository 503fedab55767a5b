/**
 * Errors as people and programs get them: code, what happened, what to do next. The one place that turns a thrown thing into these
 * three, and back. More about each code: docs/errors.md. Tests: test/unit/api/errors.test.ts.
 */
import { EngineError, type ErrorCode, isEngineError } from "../../core/base/errors.ts";

// The command line loads this file instead of the library, which would bring the whole engine with it.
export { EngineError, isEngineError };

export interface DescribedError {
  readonly code: ErrorCode;
  readonly message: string;
  /** What to do next. */
  readonly remedy: string;
}

/** What to do where the error itself says nothing better. */
const REMEDIES: Readonly<Record<ErrorCode, string>> = {
  WIRE_TRUNCATED: "Update Kinlog on both devices; if it stays, run `kinlog verify`.",
  WIRE_LIMIT_EXCEEDED: "Update Kinlog on both devices; if it stays, run `kinlog verify`.",
  WIRE_NOT_CANONICAL: "Update Kinlog on both devices; if it stays, run `kinlog verify`.",
  WIRE_TRAILING_BYTES: "Update Kinlog on both devices; if it stays, run `kinlog verify`.",
  WIRE_UNKNOWN_VERSION: "Update Kinlog on this device.",
  WIRE_UNKNOWN_KIND: "Update Kinlog on this device.",
  TEXT_NOT_UTF8: "Give the text as UTF-8, for example by `iconv -t UTF-8`.",
  TEXT_TOO_LONG: "Shorten it, or send it in parts.",
  CRYPTO_OPEN_FAILED: "Run `kinlog verify --repair` while another device is connected.",
  CRYPTO_KEY_INVALID: "Update Kinlog on both devices and try again.",
  EPOCH_KEY_MISSING: "Bring another device of yours onto this network: it has the key and gives it.",
  PHRASE_INVALID: "Compare the 24 words with what you wrote down, in their order.",
  STORE_BUSY:
    "Wait for the other command to end, or start a node with `kinlog start`: then all commands go through it.",
  STORE_CLOSED: "Run the command again.",
  STORE_POISONED: "Make room on the disk or check it, then start the node again.",
  STORE_DAMAGED: "Run `kinlog verify --repair` while another device is connected.",
  STORE_NEWER_VERSION: "Update Kinlog on this device.",
  DISK_FULL: "Make room on the disk; nothing that was acknowledged is lost.",
  DIRECTORY_MISSING: "Check the path given with --dir.",
  DIRECTORY_UNREADABLE: "Check who owns the directory and its rights (it should be 0700 and yours).",
  KEY_FILE_DAMAGED:
    "Put the file device.key back from a backup, or link this machine again in another directory.",
  KEY_FILE_MISSING: "Put the file device.key back, or take another directory with --dir.",
  ACCOUNT_MISSING:
    "Begin with `kinlog start`, or `kinlog join CODE --name NAME` if another device of yours has an account.",
  ACCOUNT_EXISTS: "Take another directory with --dir.",
  HEAD_UNPROVEN: "Nothing: it is asked for again, with the proof.",
  LOG_FORKED:
    "This device's data was copied or restored. Nothing is lost; start it and let it meet your other devices.",
  CODE_UNKNOWN: "Type the whole code as `kinlog link` shows it, such as 42-ocean-violin.",
  CODE_WRONG: "The code is dead now. Run `kinlog link` again for a new one.",
  CODE_EXPIRED: "Run `kinlog link` again for a new code; it lives five minutes.",
  CODE_REFUSED: "Run `kinlog link` again and answer yes if the new device is yours.",
  NO_PEER_FOUND:
    "Keep `kinlog link` open on the other device, on the same network; or give its address with --address. `kinlog doctor` says what stands in the way.",
  NOT_A_MEMBER: "That device belongs to another account. Link it with `kinlog link` if it is yours.",
  PEER_UNREACHABLE:
    "Check that the other device runs and that the address is right; `kinlog doctor` there shows its addresses.",
  PEER_CLOSED: "Try again; if it stays, look at `kinlog status` on the other device.",
  ADDRESS_INVALID: "Write it as /ip4/192.168.1.20/tcp/4001.",
  ADDRESS_IN_USE: "Choose another port with --listen, or end the program that has it.",
  NETWORK_UNAVAILABLE: "Connect this machine to a network; `kinlog doctor` says what is missing.",
  TIMED_OUT: "Try again; `kinlog doctor` says what stands in the way.",
  ABORTED: "Run the command again when you like.",
  NODE_NOT_RUNNING: "Run `kinlog start` in another terminal.",
  NODE_RUNNING: "Use it, or end it with `kinlog stop`.",
  NODE_CLOSED: "Run the command again; start the node with `kinlog start` if it is to run.",
  NOT_FOUND: "`kinlog conversations`, `kinlog show` and `kinlog devices` list what there is.",
  AMBIGUOUS: "Give the full id or the exact name.",
  NAME_INVALID: "Give a name on one line, without control characters.",
  REACTION_INVALID: "React with one emoji, such as 👍.",
  PURGE_SETTLED: "`kinlog purges` says what became of each.",
  NOT_YOURS: "`kinlog show` marks your own messages as me; only those can be edited or unsent.",
  MESSAGE_UNSENT: "Send a new message instead.",
  SEARCH_QUERY_INVALID: "Give 1 to 32 words, at most 1,024 characters; `kin*` finds what begins with kin.",
  CONFIRMATION_REQUIRED: "Run it at a terminal and answer, or add --yes.",
  RECOVERY_PHRASE_GONE: "Use the words that you wrote down when they were shown.",
  USAGE: "`kinlog --help` lists the commands, `kinlog COMMAND --help` their options.",
  REQUEST_INVALID: "Compare the request with docs/spec/api.md.",
  REQUEST_TOO_LARGE: "Send the request in smaller parts; a line holds at most 1 MiB.",
  IMPORT_NOT_FOUND: "Check the path of the file.",
  IMPORT_FORMAT_UNKNOWN: "Give the format with --format; `kinlog import --help` lists those that are known.",
  IMPORT_MALFORMED: "Export the file again; what was read before the bad place is kept.",
  IMPORT_TRUNCATED:
    "Copy the file again, it ends too early; what was read is kept, and importing it again adds nothing twice.",
  EXPORT_FAILED: "Check the path and the free space there.",
  UNEXPECTED: "Run it again with --verbose and report what it prints.",
};

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(REMEDIES, text);
}

/** Code, message and remedy of whatever was thrown. */
export function describeError(error: unknown): DescribedError {
  if (isEngineError(error)) {
    return { code: error.code, message: error.message, remedy: error.remedy ?? REMEDIES[error.code] };
  }
  const message = error instanceof Error && error.message !== "" ? error.message : "something went wrong";
  const code = codeOfSystem(error);
  return { code, message, remedy: REMEDIES[code] };
}

/** What the system refused somewhere below, where nobody closer knew better. */
function codeOfSystem(error: unknown): ErrorCode {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "ENOSPC":
    case "EDQUOT":
      return "DISK_FULL";
    case "ENOENT":
    case "ENOTDIR":
      return "DIRECTORY_MISSING";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "DIRECTORY_UNREADABLE";
    default:
      return "UNEXPECTED";
  }
}

/** The error that a described one came from, as far as it can be told; an unknown code, of a newer node, becomes `UNEXPECTED`. */
export function errorOfDescription(described: unknown): EngineError {
  const { code, message, remedy } = fieldsOf(described);
  return new EngineError(
    isErrorCode(code) ? code : "UNEXPECTED",
    message === "" ? code : message,
    remedy === "" ? {} : { remedy },
  );
}

function fieldsOf(described: unknown): {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
} {
  const fields =
    typeof described === "object" && described !== null ? new Map(Object.entries(described)) : new Map();
  const text = (name: string): string => {
    const value: unknown = fields.get(name);
    return typeof value === "string" ? value : "";
  };
  return { code: text("code"), message: text("message"), remedy: text("remedy") };
}
