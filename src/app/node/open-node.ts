/**
 * Opens a device: binds the ports to the rooms of src/io and hands them to the node. The one place, beside joining, that knows both.
 * Part of the composition root.
 */
import "../../promise-with-resolvers.ts";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { isEngineError } from "../../core/base/errors.ts";
import type { Discovery, Net } from "../../core/sync/ports.ts";
import { openOwnLogs } from "../replica/founding.ts";
import { beyondRepair } from "./beyond-repair.ts";
import { settleDamage } from "./damage-watch.ts";
import { holdsDevice, openReplica } from "./device-directory.ts";
import { DeviceNode } from "./device-node.ts";
import { foundDevice } from "./found-device.ts";
import { deviceDirectory } from "./machine-directory.ts";
import { machineInterfaces } from "./platform.ts";
import type { KinlogNode, OpenNodeOptions } from "./types.ts";

/** The version of this package. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  }
).version;

/** True where the directory holds a device. @throws EngineError `KEY_FILE_MISSING` where only its store is left. */
export function hasAccount(dir: string): Promise<boolean> {
  return holdsDevice(deviceDirectory(dir));
}

/**
 * A new account with this device as its first. The phrase is given this once; the caller shows it.
 *
 * @throws EngineError `ACCOUNT_EXISTS`, `NAME_INVALID`, `KEY_FILE_MISSING`, `DISK_FULL`, `DIRECTORY_UNREADABLE`.
 */
export async function initAccount(options: { readonly dir: string; readonly name: string }): Promise<{
  readonly account: string;
  readonly device: string;
  readonly name: string;
  readonly recoveryPhrase: string;
}> {
  const directory = deviceDirectory(options.dir);
  const { recoveryPhrase, ...made } = await foundDevice(directory, options.name);
  // Shown now, so not kept.
  const { secrets } = directory;
  await secrets.save({ ...(await secrets.load()), unseenPhrase: null });
  return { ...made, recoveryPhrase };
}

/**
 * Opens the device in `dir`; an empty directory becomes a new account, whose phrase `recovery.show` gives once.
 *
 * @throws EngineError `STORE_BUSY` (another process has it), `STORE_NEWER_VERSION`, `STORE_DAMAGED`, `KEY_FILE_MISSING`, `KEY_FILE_DAMAGED`,
 * `DIRECTORY_UNREADABLE`, `ADDRESS_IN_USE`, `ADDRESS_INVALID`, `NAME_INVALID`.
 */
export async function openNode(options: OpenNodeOptions): Promise<KinlogNode> {
  const directory = deviceDirectory(options.dir);
  const name = options.name ?? (hostname() || "device");
  if (!(await directory.secrets.exists())) await foundDevice(directory, name);
  const { replica, deviceSecrets } = await openReplica(directory);
  let net: Net | null = null;
  let discovery: Discovery | null = null;
  try {
    const settled = await settleDamage(replica);
    await openOwnLogs(replica);
    if (options.network !== false) {
      const { createNet } = await import("../../io/net/create-net.ts");
      net = await createNet(options.listen === undefined ? {} : { listen: options.listen });
      if (options.discovery !== "none") {
        const { createDiscovery } = await import("../../io/discovery/create-discovery.ts");
        discovery = await createDiscovery();
      }
    }
    return await DeviceNode.open({
      replica,
      secrets: directory.secrets,
      deviceSecrets,
      net,
      discovery,
      openImport: async (file) => (await import("../../io/gateways/open-import.ts")).openImport(file),
      interfaces: machineInterfaces,
      fallbackName: name,
      version: VERSION,
      settled,
    });
  } catch (error) {
    await discovery?.close();
    await net?.close();
    await replica.close();
    throw isEngineError(error, "STORE_DAMAGED") ? beyondRepair(error) : error;
  }
}
