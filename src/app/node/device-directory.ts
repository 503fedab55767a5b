/**
 * A device's directory: which parts lie where, how a new one is begun so that a crash leaves either nothing or all of it, and how an
 * untouched account gives way to another. Waits through ports; on a machine's disk: machine-directory.ts.
 * Tests: test/integration/app/device-directory.test.ts; simulations/world.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { DeviceId } from "../../core/base/ids.ts";
import type { Clock, Entropy, Workers } from "../../core/base/ports.ts";
import type { DeviceSecrets, Secrets, Store } from "../../core/sync/ports.ts";
import { Replica } from "../replica/replica.ts";
import type { ViewOptions } from "../replica/view-progress.ts";
import { beyondRepair } from "./beyond-repair.ts";

const STORE_NAME = "db";
/** A store that is being begun bears its device's name. It is the directory's from the moment that the key file is that device's. */
const BEGUN_START = `${STORE_NAME}.`;

/** The stores of one directory, each under its name. */
export interface Stores {
  /** Makes the directory, for its owner only, where it is missing. */
  readonly prepare: () => Promise<void>;
  /** Of everything that lies there; none where the directory is missing. */
  readonly names: () => Promise<readonly string[]>;
  /** Opens the store of this name; makes it where it is missing. */
  readonly open: (name: string) => Promise<Store>;
  readonly remove: (name: string) => Promise<void>;
  /** Durable with the next `sync`. */
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Which names lie here is durable. */
  readonly sync: () => Promise<void>;
}

/** Where a device's parts lie, and what it runs with beside them. */
export interface DeviceDirectory {
  readonly secrets: Secrets;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly workers: Workers;
  /** Default: the view of this program. */
  readonly view?: ViewOptions;
}

/** @throws EngineError `STORE_BUSY`, `STORE_NEWER_VERSION`, `STORE_DAMAGED`, `DIRECTORY_*`, `KEY_FILE_*`. */
export async function openReplica(directory: DeviceDirectory): Promise<{
  readonly replica: Replica;
  readonly deviceSecrets: DeviceSecrets;
}> {
  const { secrets, stores } = directory;
  const deviceSecrets = await secrets.load();
  await finishBegun(stores, deviceSecrets.device);
  try {
    const store = await stores.open(STORE_NAME);
    return { deviceSecrets, replica: await openWith(directory, deviceSecrets, store) };
  } catch (error) {
    throw isEngineError(error, "STORE_DAMAGED") ? beyondRepair(error) : error;
  }
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
  directory: DeviceDirectory,
  deviceSecrets: DeviceSecrets,
  fill: (replica: Replica) => Promise<void>,
  mayReplace: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<void> {
  const { secrets, stores } = directory;
  await stores.prepare();
  if (await secrets.exists()) {
    if (!(await mayReplace())) throw accountExists();
  } else if ((await stores.names()).includes(STORE_NAME)) {
    throw keyFileGone();
  }
  await removeBegun(stores);
  try {
    const store = await stores.open(begunName(deviceSecrets.device));
    const replica = await openWith(directory, deviceSecrets, store);
    try {
      await fill(replica);
    } finally {
      await replica.close();
    }
    if ((await secrets.exists()) && !(await mayReplace())) throw accountExists();
  } catch (error) {
    await removeBegun(stores);
    throw error;
  }
  await stores.sync();
  await secrets.save(deviceSecrets);
  await finishBegun(stores, deviceSecrets.device);
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
async function removeBegun(stores: Stores): Promise<void> {
  for (const name of await stores.names()) if (name.startsWith(BEGUN_START)) await stores.remove(name);
}

/** The key file is this device's: so is the store that was begun for it, in place of any other. */
async function finishBegun(stores: Stores, device: DeviceId): Promise<void> {
  if (!(await stores.names()).includes(begunName(device))) return;
  await stores.remove(STORE_NAME);
  await stores.rename(begunName(device), STORE_NAME);
  await stores.sync();
}

/**
 * True where the directory holds a device.
 *
 * @throws EngineError `KEY_FILE_MISSING` where its store lies there without its key file.
 */
export async function holdsDevice({ secrets, stores }: DeviceDirectory): Promise<boolean> {
  if (await secrets.exists()) return true;
  if ((await stores.names()).includes(STORE_NAME)) throw keyFileGone();
  return false;
}

function keyFileGone(): EngineError {
  return new EngineError("KEY_FILE_MISSING", "there is a device's store here, but its key file is gone", {
    remedy: "Put device.key back, or take another directory with --dir.",
  });
}

async function openWith(
  { clock, entropy, workers, view }: DeviceDirectory,
  deviceSecrets: DeviceSecrets,
  store: Store,
): Promise<Replica> {
  try {
    return await Replica.open(deviceSecrets, {
      store,
      clock,
      entropy,
      workers,
      ...(view === undefined ? {} : { view }),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}
