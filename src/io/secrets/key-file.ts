/**
 * The Secrets port as one file that only its owner may read. It protects against other users of the machine and against
 * nothing else: whoever reads the disk reads the keys, and `protection` says so.
 * Spec: docs/spec/key-file.md. Tests: test/integration/secrets, which runs test/contracts/secrets.contract.ts.
 */
import { constants } from "node:fs";
import { chmod, type FileHandle, lstat, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { EngineError, type ErrorCode, isEngineError } from "../../core/base/errors.ts";
import type { DeviceSecrets, Secrets } from "../../core/sync/ports.ts";
import { damagedKeyFile, decodeKeyFile, encodeKeyFile, KEY_FILE_BYTES_MAX } from "./key-file-format.ts";

const FILE_NAME = "device.key";
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** Any bit for the group or for others. */
const SHARED_BITS = 0o077;

/** Windows has no modes; there the directory's access list, inherited from the profile, decides. */
const HAS_MODES = process.platform !== "win32";

export interface KeyFileOptions {
  /** Made at the first `save`, for its owner only. */
  readonly dir: string;
}

/**
 * Calls may overlap; they are done one after the other. All of them may fail with `DIRECTORY_UNREADABLE`, and `save` with
 * `DISK_FULL`.
 */
export function createKeyFile({ dir }: KeyFileOptions): Secrets {
  const path = join(dir, FILE_NAME);
  const inTurn = createTurns();
  return {
    load: () => inTurn(() => load(dir, path)),
    exists: () => inTurn(() => exists(path)),
    save: (secrets) => inTurn(() => save(dir, path, secrets)),
    erase: () => inTurn(() => erase(dir, path)),
    protection: () => "none",
  };
}

function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = runAfter(last, work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function runAfter<Result>(former: Promise<unknown>, work: () => Promise<Result>): Promise<Result> {
  await former;
  try {
    return await work();
  } catch (error) {
    throw fileError(error);
  }
}

async function load(dir: string, path: string): Promise<DeviceSecrets> {
  const file = await openExisting(path);
  try {
    await requirePrivateDirectory(dir);
    await requirePrivateFile(file);
    const buffer = new Uint8Array(KEY_FILE_BYTES_MAX + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    try {
      if (bytesRead > KEY_FILE_BYTES_MAX) throw damagedKeyFile("it is too long");
      return decodeKeyFile(buffer.subarray(0, bytesRead));
    } finally {
      buffer.fill(0);
    }
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(undefinedIfMissing)) !== undefined;
}

async function save(dir: string, path: string, secrets: DeviceSecrets): Promise<void> {
  const made = await mkdir(dir, { recursive: true, mode: DIRECTORY_MODE });
  await requirePrivateDirectory(dir);
  const aside = `${path}.new`;
  await rm(aside, { force: true });
  const bytes = encodeKeyFile(secrets);
  // Exclusive, so that nothing planted under this name is written to.
  const file = await open(aside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
    bytes.fill(0);
  }
  await rename(aside, path);
  await syncDirectory(dir);
  if (made === undefined) return;
  // The names of new directories too must outlast a power cut.
  for (
    let parent = dirname(resolve(dir));
    parent.length >= dirname(resolve(made)).length;
    parent = dirname(parent)
  ) {
    await syncDirectory(parent);
    if (parent === dirname(parent)) break;
  }
}

/** Overwrites before it unlinks. Disks that write elsewhere instead keep the old bytes; docs/spec/key-file.md says so. */
async function erase(dir: string, path: string): Promise<void> {
  await rm(`${path}.new`, { force: true });
  const status = await lstat(path).catch(undefinedIfMissing);
  if (status === undefined) return;
  if (status.isFile()) {
    const file = await open(path, constants.O_WRONLY | noFollow());
    try {
      await file.write(new Uint8Array(Math.min(status.size, KEY_FILE_BYTES_MAX)), 0);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await rm(path, { force: true });
  await syncDirectory(dir);
}

async function openExisting(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, opening a pipe planted here would wait for ever.
    return await open(path, constants.O_RDONLY | noFollow() | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new EngineError("KEY_FILE_MISSING", "this directory holds no device key", { cause });
    }
    if (code === "ELOOP") throw damagedKeyFile("it is a link to somewhere else", cause);
    throw cause;
  }
}

async function requirePrivateDirectory(dir: string): Promise<void> {
  const { mode, uid } = await stat(dir);
  requireOwner(uid, "the directory of this device's keys");
  if (HAS_MODES && (mode & SHARED_BITS) !== 0) await chmod(dir, DIRECTORY_MODE);
}

async function requirePrivateFile(file: FileHandle): Promise<void> {
  const status = await file.stat();
  if (!status.isFile()) throw damagedKeyFile("it is not a file");
  requireOwner(status.uid, "the key file");
  if (HAS_MODES && (status.mode & SHARED_BITS) !== 0) await file.chmod(FILE_MODE);
}

/** Another user's file could be read and replaced by that user, whatever its mode. */
function requireOwner(uid: number, what: string): void {
  const own = process.getuid?.();
  if (own === undefined || own === 0 || own === uid) return;
  throw new EngineError("DIRECTORY_UNREADABLE", `${what} belongs to another user`, {
    remedy: "Run Kinlog as the user who set this device up, or give that directory to yourself with chown.",
  });
}

async function syncDirectory(dir: string): Promise<void> {
  // Windows opens no directories; its file system orders a rename by itself.
  if (!HAS_MODES) return;
  const handle = await open(dir, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function noFollow(): number {
  return HAS_MODES ? constants.O_NOFOLLOW : 0;
}

function undefinedIfMissing(error: unknown): undefined {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function fileError(cause: unknown): Error {
  if (isEngineError(cause)) return cause;
  const code = codeOf(cause);
  const known: readonly [ErrorCode, string] | undefined = ["ENOSPC", "EDQUOT"].includes(code)
    ? ["DISK_FULL", "there is no space for the key file"]
    : ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "EEXIST", "EIO"].includes(code)
      ? ["DIRECTORY_UNREADABLE", `the directory of this device's keys cannot be used (${code})`]
      : undefined;
  if (known !== undefined) return new EngineError(known[0], known[1], { cause });
  return cause instanceof Error ? cause : new Error("the key file failed", { cause });
}
