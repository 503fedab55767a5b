/**
 * A device's directory on this machine's disk: the key file and LevelDB stores, with the machine's clock and randomness. Part of the
 * composition root. What happens in it: device-directory.ts. Tests: test/integration/app/device-directory.test.ts.
 */
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createKeyFile } from "../../io/secrets/key-file.ts";
import { openLevelStore } from "../../io/store/level-store.ts";
import type { DeviceDirectory, Stores } from "./device-directory.ts";
import { machineClock, machineEntropy, machineWorkers } from "./platform.ts";

export function deviceDirectory(dir: string): DeviceDirectory {
  return {
    secrets: createKeyFile({ dir }),
    stores: storesIn(dir),
    clock: machineClock,
    entropy: machineEntropy,
    workers: machineWorkers,
  };
}

function storesIn(dir: string): Stores {
  return {
    prepare: async () => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
    },
    names: () => readdir(dir).catch(noneIfMissing),
    open: (name) => openLevelStore({ path: join(dir, name) }),
    remove: (name) => rm(join(dir, name), { recursive: true, force: true }),
    rename: (from, to) => rename(join(dir, from), join(dir, to)),
    sync: () => syncDirectory(dir),
  };
}

function noneIfMissing(error: unknown): readonly string[] {
  if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
    return [];
  throw error;
}

/** A rename is durable once its directory is. */
async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
