/**
 * A device's directory: which parts lie where, how a new one is begun so that a crash leaves either nothing or all of it, and how an
 * untouched account gives way to another. Part of the composition root. Tests: test/integration/app/device-directory.test.ts.
 */
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EngineError } from "../../core/base/errors.ts";
import type { DeviceId } from "../../core/base/ids.ts";
import type { DeviceSecrets, Secrets, Store } from "../../core/sync/ports.ts";
import { createKeyFile } from "../../io/secrets/key-file.ts";
import { openLevelStore } from "../../io/store/level-store.ts";
import { Replica } from "../replica/replica.ts";
import { machineClock, machineEntropy } from "./platform.ts";

const STORE_NAME = "db";
/** A store that is being begun bears its device's name. It is the directory's from the moment that the key file is that device's. */
const BEGUN_START = `${STORE_NAME}.`;

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
  await finishBegun(dir, deviceSecrets.device);
  const store = await openLevelStore({ path: join(dir, STORE_NAME) });
  return { deviceSecrets, replica: await openWith(deviceSecrets, store) };
}

/**
 * Begins a device: `fill` writes its first entries into a store of its own. Only when they are durable does the directory become that
 * device's, by its key file; until then a crash or a failure leaves the directory as it was.
 *
 * `mayReplace` is asked last of all where the directory is a device's already. Default: no.
 *
 * @throws EngineError `ACCOUNT_EXISTS`, `KEY_FILE_MISSING` where a store without its key lies in the directory; what `fill` throws.
 */
export async function beginDevice(
  { dir, secrets }: DeviceDirectory,
  deviceSecrets: DeviceSecrets,
  fill: (replica: Replica) => Promise<void>,
  mayReplace: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (await secrets.exists()) {
    if (!(await mayReplace())) throw accountExists();
  } else if ((await readdir(dir)).includes(STORE_NAME)) {
    throw keyFileGone();
  }
  await removeBegun(dir);
  const begun = join(dir, begunName(deviceSecrets.device));
  try {
    const replica = await openWith(deviceSecrets, await openLevelStore({ path: begun }));
    try {
      await fill(replica);
    } finally {
      await replica.close();
    }
    if ((await secrets.exists()) && !(await mayReplace())) throw accountExists();
  } catch (error) {
    await removeBegun(dir);
    throw error;
  }
  await syncDirectory(dir);
  await secrets.save(deviceSecrets);
  await finishBegun(dir, deviceSecrets.device);
}

export function accountExists(): EngineError {
  return new EngineError("ACCOUNT_EXISTS", "this directory holds a device of an account already", {
    remedy: "Take another directory with --dir.",
  });
}

function begunName(device: DeviceId): string {
  return `${BEGUN_START}${device.slice(0, 16)}`;
}

/** What was begun and came to nothing. */
async function removeBegun(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.startsWith(BEGUN_START)) await rm(join(dir, name), { recursive: true, force: true });
  }
}

/** The key file is this device's: so is the store that was begun for it, in place of any other. */
async function finishBegun(dir: string, device: DeviceId): Promise<void> {
  if (!(await readdir(dir)).includes(begunName(device))) return;
  await rm(join(dir, STORE_NAME), { recursive: true, force: true });
  await rename(join(dir, begunName(device)), join(dir, STORE_NAME));
  await syncDirectory(dir);
}

/**
 * True where the directory holds a device.
 *
 * @throws EngineError `KEY_FILE_MISSING` where its store lies there without its key file.
 */
export async function holdsDevice({ dir, secrets }: DeviceDirectory): Promise<boolean> {
  if (await secrets.exists()) return true;
  if (existsSync(join(dir, STORE_NAME))) throw keyFileGone();
  return false;
}

function keyFileGone(): EngineError {
  return new EngineError("KEY_FILE_MISSING", "there is a device's store here, but its key file is gone", {
    remedy: "Put device.key back, or take another directory with --dir.",
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
