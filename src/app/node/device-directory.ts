/**
 * A device's directory: which parts lie where, how a new one is begun so that a crash leaves either nothing or all of it, and how an
 * untouched account gives way to another. Part of the composition root.
 */
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../../core/base/errors.ts";
import type { DeviceSecrets, Secrets, Store } from "../../core/sync/ports.ts";
import { createKeyFile } from "../../io/secrets/key-file.ts";
import { openLevelStore } from "../../io/store/level-store.ts";
import { Replica } from "../replica/replica.ts";
import { machineClock, machineEntropy } from "./platform.ts";

const STORE_NAME = "db";
/** A store that is being begun; whatever lies here belongs to nobody yet. */
const BEGUN_NAME = "db.begun";

export interface DeviceDirectory {
  readonly dir: string;
  readonly secrets: Secrets;
}

export function deviceDirectory(dir: string): DeviceDirectory {
  return { dir, secrets: createKeyFile({ dir }) };
}

/** @throws EngineError `STORE_BUSY`, `STORE_NEWER_VERSION`, `STORE_DAMAGED`, `DIRECTORY_*`, `KEY_FILE_*`. */
export async function openReplica({ dir, secrets }: DeviceDirectory): Promise<{
  readonly replica: Replica;
  readonly deviceSecrets: DeviceSecrets;
}> {
  const deviceSecrets = await secrets.load();
  const store = await openLevelStore({ path: join(dir, STORE_NAME) });
  return { deviceSecrets, replica: await openWith(deviceSecrets, store) };
}

/**
 * Begins a device: `fill` writes its first entries into a store of its own, and only when they are durable does the directory become
 * a device's, the key file last.
 *
 * @throws EngineError `ACCOUNT_EXISTS`, `KEY_FILE_MISSING` where a store without its key lies in the directory.
 */
export async function beginDevice(
  { dir, secrets }: DeviceDirectory,
  deviceSecrets: DeviceSecrets,
  fill: (replica: Replica) => Promise<void>,
): Promise<void> {
  if (await secrets.exists()) throw accountExists();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if ((await readdir(dir)).includes(STORE_NAME)) {
    throw new EngineError("KEY_FILE_MISSING", "there is a device's store here, but its key file is gone", {
      remedy: "Put device.key back, or take another directory with --dir.",
    });
  }
  const begun = join(dir, BEGUN_NAME);
  await rm(begun, { recursive: true, force: true });
  const replica = await openWith(deviceSecrets, await openLevelStore({ path: begun }));
  try {
    await fill(replica);
  } finally {
    await replica.close();
  }
  await rename(begun, join(dir, STORE_NAME));
  await syncDirectory(dir);
  await secrets.save(deviceSecrets);
}

/** Removes an account that nothing was ever done with, so that another may take its place. */
export async function removeUntouched({ dir, secrets }: DeviceDirectory): Promise<void> {
  await secrets.erase();
  await rm(join(dir, STORE_NAME), { recursive: true, force: true });
}

export function accountExists(): EngineError {
  return new EngineError("ACCOUNT_EXISTS", "this directory holds a device of an account already", {
    remedy: "Take another directory with --dir.",
  });
}

async function openWith(deviceSecrets: DeviceSecrets, store: Store): Promise<Replica> {
  try {
    return await Replica.open(deviceSecrets, { store, clock: machineClock, entropy: machineEntropy });
  } catch (error) {
    await store.close();
    throw error;
  }
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
