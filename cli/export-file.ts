/** A file that takes its place only when it is whole and on disk, for its owner only: what it holds is not encrypted. */
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { EngineError } from "../src/app/api/errors.ts";

const OWNER_ONLY = 0o600;

export interface ExportFile {
  readonly write: (text: string) => Promise<void>;
  /** Durable, and under its name. */
  readonly keep: () => Promise<void>;
  /** Removes what was not kept. */
  readonly close: () => Promise<void>;
}

/** @throws EngineError `EXPORT_FAILED`, as do its methods. */
export async function createExportFile(path: string): Promise<ExportFile> {
  // A pipe or a device is written to; it cannot be replaced.
  const found = await stat(path).catch(() => undefined);
  const isPlace = found !== undefined && !found.isFile();
  const aside = isPlace ? path : `${path}.${process.pid}.part`;
  const handle = await failing(path, () => open(aside, isPlace ? "w" : "wx", OWNER_ONLY));
  let isKept = isPlace;
  return {
    write: async (text) => {
      await failing(path, () => writeAll(handle, text));
    },
    keep: async () => {
      await failing(path, async () => {
        if (!isPlace) {
          await handle.sync();
          await rename(aside, path);
        }
      });
      isKept = true;
    },
    close: async () => {
      await handle.close();
      if (!isKept) await rm(aside, { force: true });
    },
  };
}

async function writeAll(handle: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
}

async function failing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("EXPORT_FAILED", `${path} cannot be written: ${why}`, { cause });
  }
}
