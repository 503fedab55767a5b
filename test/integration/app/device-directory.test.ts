/** How a directory becomes a device's: whole, or not at all, at whatever moment the process ends. */
import { deepEqual, equal } from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceSecrets } from "../../../src/core/sync/ports.ts";
import { beginDevice, type DeviceDirectory, openReplica } from "../../../src/app/node/device-directory.ts";
import { hasAccount, initAccount, openNode } from "../../../src/app/node/open-node.ts";
import { deviceDirectory } from "../../../src/app/node/machine-directory.ts";
import { machineEntropy, machineWorkers } from "../../../src/app/node/platform.ts";
import { foundAccount, writeFounding } from "../../../src/app/replica/founding.ts";
import { describeStores } from "../../contracts/stores.contract.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";

const ports = { entropy: machineEntropy, workers: machineWorkers };

class Crash extends Error {}

describeStores("A machine's directory", async () => {
  const parent = await mkdtemp(join(tmpdir(), "kinlog-stores-"));
  return {
    stores: deviceDirectory(join(parent, "device")).stores,
    cleanup: () => rm(parent, { recursive: true }),
  };
});

describe("A device's directory", function () {
  this.timeout(60_000);
  let root: string;
  let dir: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "kinlog-directory-"));
    dir = join(root, "device");
  });
  afterEach(() => rm(root, { recursive: true }));

  const names = async (): Promise<readonly string[]> => (await readdir(dir)).toSorted();
  const yes = (): Promise<boolean> => Promise.resolve(true);

  /** Begins another device, and the process ends at some moment of it. */
  async function beginAndCrash(at: "before the key" | "after the key"): Promise<DeviceSecrets> {
    const directory = deviceDirectory(dir);
    const founding = await foundAccount(ports);
    const secrets: DeviceDirectory["secrets"] = {
      ...directory.secrets,
      save: async (made) => {
        if (at === "after the key") await directory.secrets.save(made);
        throw new Crash();
      },
    };
    try {
      await beginDevice(
        { ...directory, secrets },
        founding.secrets,
        (replica) => writeFounding(replica, founding, "other"),
        yes,
      );
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    return founding.secrets;
  }

  it("K6: is its owner's alone, with everything in it", async () => {
    await initAccount({ dir, name: "laptop" });
    deepEqual(await names(), ["db", "device.key"]);
    equal((await stat(dir)).mode & 0o777, 0o700);
    equal((await stat(join(dir, "device.key"))).mode & 0o777, 0o600);
    equal((await stat(join(dir, "db"))).mode & 0o077, 0);
  });

  it("is empty as before where the process ended before the key file stood", async () => {
    await beginAndCrash("before the key");
    equal(await hasAccount(dir), false);
    await initAccount({ dir, name: "laptop" });
    deepEqual(await names(), ["db", "device.key"]);
  });

  it("is the new device's where the key file stood, whatever was missing then", async () => {
    const { device } = await beginAndCrash("after the key");
    equal(await hasAccount(dir), true);
    const { replica } = await openReplica(deviceDirectory(dir));
    equal(replica.self, device);
    equal(replica.members.devices.size, 1);
    await replica.close();
    deepEqual(await names(), ["db", "device.key"]);
  });

  it("stays the former device's until the key file of the next one stands", async () => {
    const former = await initAccount({ dir, name: "laptop" });
    await beginAndCrash("before the key");
    const node = await openNode({ dir, network: false });
    equal(node.device, former.device);
    await node.close();
    const next = await beginAndCrash("after the key");
    const again = await openNode({ dir, network: false });
    equal(again.device, next.device);
    await again.close();
    deepEqual(await names(), ["db", "device.key"]);
  });

  it("is left as it was where filling it fails", async () => {
    const founding = await foundAccount(ports);
    const failing = beginDevice(deviceDirectory(dir), founding.secrets, async (replica) => {
      await writeFounding(replica, founding, "laptop");
      throw new Crash();
    });
    await failing.catch((error: unknown) => equal(error instanceof Crash, true));
    deepEqual(await names(), []);
  });

  it("is not made another's without a question, nor where a store lies in it without its key", async () => {
    await initAccount({ dir, name: "laptop" });
    await assertRejectsWithCode(initAccount({ dir, name: "other" }), "ACCOUNT_EXISTS");
    await rm(join(dir, "device.key"));
    await assertRejectsWithCode(initAccount({ dir, name: "other" }), "KEY_FILE_MISSING");
    deepEqual(await names(), ["db"]);
  });

  it("S15: cannot be opened twice", async () => {
    await initAccount({ dir, name: "laptop" });
    const node = await openNode({ dir, network: false });
    await assertRejectsWithCode(openNode({ dir, network: false }), "STORE_BUSY");
    await node.close();
    await (await openNode({ dir, network: false })).close();
  });

  it("leaves alone what is not its own", async () => {
    await mkdir(dir, { mode: 0o700 });
    await writeFile(join(dir, "notes.txt"), "mine");
    await initAccount({ dir, name: "laptop" });
    deepEqual(await names(), ["db", "device.key", "notes.txt"]);
  });
});
