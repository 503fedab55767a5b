/**
 * Where a node's socket lies: in its data directory, or, where that path is too long for the system, in a folder that only this user can
 * enter, under a hash of the directory. Both sides compute it. Spec: docs/spec/api.md. Part of the composition root.
 * Tests: test/unit/api/places.test.ts.
 */
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError } from "./errors.ts";

const SOCKET_NAME = "kinlog.sock";
/** Linux has room for 107 bytes, macOS for 103. */
const PATH_BYTES_MAX = 100;
const HASH_DIGITS = 32;
const FOLDER_MODE = 0o700;
/** Any right of the group or of others. */
const SHARED_BITS = 0o077;

/** Where to look for a node's socket, likeliest first; none where the directory does not exist. */
export async function socketPaths(dir: string): Promise<readonly string[]> {
  const place = await placeOf(dir);
  if (place === undefined) return [];
  if (place.kind !== "folders") return [place.path];
  return place.folders.filter(isPrivateFolder).map((folder) => join(folder, place.name));
}

/**
 * Where to listen. Makes the folder where one is needed.
 *
 * @throws EngineError `DIRECTORY_UNREADABLE` where no folder is there that others cannot enter.
 */
export async function socketPathToListen(dir: string): Promise<string> {
  const place = await placeOf(dir);
  if (place === undefined) throw new EngineError("DIRECTORY_MISSING", `there is no directory ${dir}`);
  if (place.kind !== "folders") return place.path;
  for (const folder of place.folders) {
    if (makePrivateFolder(folder)) return join(folder, place.name);
  }
  throw new EngineError(
    "DIRECTORY_UNREADABLE",
    "the path of the data directory is too long for a socket, and no folder for it can be made elsewhere",
    { remedy: "Take a directory with a shorter path, or set XDG_RUNTIME_DIR to a folder of your own." },
  );
}

type Place =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "folders"; readonly folders: readonly string[]; readonly name: string };

/** Of the directory itself, however it was reached: two paths to it must give one place. */
async function placeOf(dir: string): Promise<Place | undefined> {
  const real = realPath(dir);
  if (real === undefined) return undefined;
  if (process.platform === "win32") {
    return { kind: "path", path: `\\\\.\\pipe\\kinlog-${await hashOf(real.toLowerCase())}` };
  }
  const path = join(real, SOCKET_NAME);
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return { kind: "path", path };
  return { kind: "folders", folders: folders(), name: `${await hashOf(real)}.sock` };
}

/** A service and a terminal may not share their environment, so all usual places are looked at. */
function folders(): readonly string[] {
  const uid = process.getuid?.() ?? 0;
  const named = process.env["XDG_RUNTIME_DIR"];
  const all = [
    ...(named === undefined || !named.startsWith("/") ? [] : [join(named, "kinlog")]),
    `/run/user/${uid}/kinlog`,
    join(tmpdir(), `kinlog-${uid}`),
    `/tmp/kinlog-${uid}`,
  ];
  const name = `/${"x".repeat(HASH_DIGITS)}.sock`;
  return [...new Set(all)].filter((folder) => Buffer.byteLength(folder + name) <= PATH_BYTES_MAX);
}

function makePrivateFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch {
    // It is there already, or it cannot be: the next line tells which.
  }
  return isPrivateFolder(folder);
}

/** In a place for all, somebody else may have made it first, to listen in our stead. */
function isPrivateFolder(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return (
    found !== undefined &&
    found.isDirectory() &&
    found.uid === process.getuid?.() &&
    (found.mode & SHARED_BITS) === 0
  );
}

function realPath(dir: string): string | undefined {
  try {
    return realpathSync(dir);
  } catch (error) {
    if (isSystemError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw new EngineError("DIRECTORY_UNREADABLE", `${dir} cannot be read`, { cause: error });
  }
}

// Loaded only where it is needed: hashing brings more modules than the whole client has.
async function hashOf(path: string): Promise<string> {
  const [{ sha256 }, { hex, utf8 }] = await Promise.all([
    import("../../core/crypto/hash.ts"),
    import("../../core/base/bytes.ts"),
  ]);
  return hex(sha256(utf8(path))).slice(0, HASH_DIGITS);
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
