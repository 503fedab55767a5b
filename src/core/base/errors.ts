/**
 * The one class for operating errors, its codes, and assertions for broken invariants.
 * What a person can do about each code: docs/errors.md (a test holds that every code has its heading there).
 */

/** Stable; callers switch on it. The text beside it may change. */
export type ErrorCode =
  // Bytes from outside that are not what the specification says.
  | "WIRE_TRUNCATED"
  | "WIRE_LIMIT_EXCEEDED"
  | "WIRE_NOT_CANONICAL"
  | "WIRE_TRAILING_BYTES"
  | "WIRE_UNKNOWN_VERSION"
  | "WIRE_UNKNOWN_KIND"
  | "TEXT_NOT_UTF8"
  | "TEXT_TOO_LONG"
  // Cryptography.
  | "CRYPTO_OPEN_FAILED"
  | "CRYPTO_KEY_INVALID"
  | "EPOCH_KEY_MISSING"
  | "PHRASE_INVALID"
  // The store and the data directory.
  | "STORE_BUSY"
  | "STORE_CLOSED"
  | "STORE_POISONED"
  | "STORE_DAMAGED"
  | "STORE_NEWER_VERSION"
  | "DISK_FULL"
  | "DIRECTORY_MISSING"
  | "DIRECTORY_UNREADABLE"
  | "KEY_FILE_DAMAGED"
  | "KEY_FILE_MISSING"
  | "ACCOUNT_MISSING"
  | "ACCOUNT_EXISTS"
  | "LOG_FORKED"
  | "HEAD_UNPROVEN"
  // Linking and the network.
  | "CODE_UNKNOWN"
  | "CODE_WRONG"
  | "CODE_EXPIRED"
  | "CODE_REFUSED"
  | "NO_PEER_FOUND"
  | "NOT_A_MEMBER"
  | "PEER_UNREACHABLE"
  | "PEER_CLOSED"
  | "ADDRESS_INVALID"
  | "ADDRESS_IN_USE"
  | "NETWORK_UNAVAILABLE"
  | "TIMED_OUT"
  | "ABORTED"
  // The node and its callers.
  | "NODE_NOT_RUNNING"
  | "NODE_RUNNING"
  | "NODE_CLOSED"
  | "NOT_FOUND"
  | "AMBIGUOUS"
  | "NAME_INVALID"
  | "REACTION_INVALID"
  | "NOT_YOURS"
  | "PURGE_SETTLED"
  | "MESSAGE_UNSENT"
  | "SEARCH_QUERY_INVALID"
  | "CONFIRMATION_REQUIRED"
  | "RECOVERY_PHRASE_GONE"
  | "USAGE"
  | "REQUEST_INVALID"
  | "REQUEST_TOO_LARGE"
  // Import and export.
  | "IMPORT_NOT_FOUND"
  | "IMPORT_FORMAT_UNKNOWN"
  | "IMPORT_MALFORMED"
  | "IMPORT_TRUNCATED"
  | "EXPORT_FAILED"
  | "UNEXPECTED";

/** An operating error: expected, handled by the caller, told apart by `code` and never by its message. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: ErrorCode;
  /** What the person can do next, as a sentence; absent where docs/errors.md says enough. */
  readonly remedy: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly remedy?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** True for an operating error, of the given code where one is given. */
export function isEngineError(error: unknown, code?: ErrorCode): error is EngineError {
  return error instanceof EngineError && (code === undefined || error.code === code);
}

/** A programmer error: a broken invariant. Never caught, except at the process's edge to log and exit. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`);
}
