/** A device that carries purges out, over a store without a disk, and devices that bring each other all they serve. */
import type { ControlId, LogId } from "../../src/core/base/ids.ts";
import type { Place } from "../../src/core/log/rows.ts";
import { Eraser, type WaitingPurges } from "../../src/app/node/eraser.ts";
import { PurgeMemory } from "../../src/app/node/purge-memory.ts";
import type { MissingTombstones } from "../../src/app/node/missing-tombstones.ts";
import { verifyBatch } from "../../src/core/log/batch.ts";
import { judgeErased } from "../../src/core/sync/erased.ts";
import { entriesOf, type Named, writePurge } from "./purges.ts";
import { batchesOf, type TestDevice } from "./replicas.ts";

/** Of devices whose purges are written here without any: nothing waits for them. */
export const NO_TOMBSTONES: Pick<MissingTombstones, "areHere" | "waitMs" | "saw"> = {
  areHere: () => Promise.resolve(true),
  waitMs: () => null,
  saw: () => false,
};

/** A device with its eraser, and what that told. */
export class Erasing {
  readonly device: TestDevice;
  readonly forgotten: Place[] = [];
  readonly told: (WaitingPurges | null)[] = [];
  isLongInBin = false;
  /** How often. */
  asked = 0;
  eraser!: Eraser;

  private constructor(device: TestDevice) {
    this.device = device;
  }

  static async on(device: TestDevice): Promise<Erasing> {
    const made = new Erasing(device);
    await made.begin();
    return made;
  }

  async begin(): Promise<void> {
    this.eraser = new Eraser({
      replica: this.device.replica,
      memory: new PurgeMemory(this.device.replica),
      forget: async (places) => void this.forgotten.push(...places),
      isLongInBin: () => {
        this.asked++;
        return Promise.resolve(this.isLongInBin);
      },
      tombstones: NO_TOMBSTONES,
      tell: (_, waiting) => void this.told.push(waiting),
    });
    await this.eraser.load();
    await this.eraser.look();
  }

  /** The process ends without a word and starts again. */
  async restart(): Promise<void> {
    await this.device.restart();
    await this.begin();
  }

  look(): Promise<void> {
    return this.eraser.look();
  }

  purge(named: Named): Promise<ControlId> {
    return writePurge(this.device.replica, named);
  }

  states(): readonly string[] {
    return this.eraser
      .list()
      .map(({ state, done, waits }) => `${state}${done ? ", done" : ""}${waits ? ", waits" : ""}`);
  }

  /** How many of a log's entries are without payload here. */
  async erasedOf(log: LogId): Promise<number> {
    return (await entriesOf(this.device.replica, log)).filter(({ state }) => state === "purged").length;
  }
}

/** All that `from` serves comes to `to`, judged as a session does; twice, since members come first. */
async function pass(from: TestDevice, to: TestDevice): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const batches = (await batchesOf(from.replica, { bytesMax: 4_000 })).map((batch) => {
      const { members, account } = to.replica;
      const owner = members.logs.get(batch.head.log);
      const verified = owner && verifyBatch(batch, { account, author: owner.device });
      return owner && verified ? judgeErased(verified, owner, members).batch : batch;
    });
    // What is withheld does not count as come.
    await to.ingest(
      batches.filter(({ entries }) => entries.some(({ state }) => state !== "absent")),
      from.replica,
    );
  }
}

export async function meet(...devices: readonly Erasing[]): Promise<void> {
  for (const from of devices) for (const to of devices) if (from !== to) await pass(from.device, to.device);
}
