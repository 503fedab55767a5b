/** Views of devices whose stores have no disk, compared, and how devices come to the same. */
import { viewDigest } from "../../src/core/inbox/view-digest.ts";
import type { Row, RowKey } from "../../src/core/log/rows.ts";
import type { MemoryDisk } from "../../simulations/doubles/memory-disk.ts";
import { batchesOf, type TestDevice } from "./replicas.ts";

/** Rows of the view that serves, in the order of their keys. */
export function rowsOf({ state }: MemoryDisk): readonly (readonly [RowKey, Row])[] {
  return [...state.rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export function digestOf(device: TestDevice): string {
  return viewDigest(rowsOf(device.disk));
}

/** All that one serves comes to the other, twice, since members come first. */
export async function pass(from: TestDevice, to: TestDevice): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const batches = await batchesOf(from.replica);
    const whole = batches.filter(({ entries }) => entries.some(({ state }) => state === "present"));
    await to.ingest(whole, from.replica);
  }
}
