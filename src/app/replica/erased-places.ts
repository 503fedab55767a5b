/**
 * Places whose purge is being carried out here, or was: what stands there loses its payload before it reaches the disk. Kept in memory, made
 * of the members' view at every start.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/erasing.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { LogId, TreeHash } from "../../core/base/ids.ts";
import { withoutPayload } from "../../core/log/header.ts";
import type { VerifiedBatch } from "../../core/log/types.ts";
import type { PurgeView } from "../../core/membership/types.ts";

export class ErasedPlaces {
  readonly #leaves = new Map<LogId, Map<number, TreeHash>>();

  add(entries: PurgeView["entries"]): void {
    for (const { log, position, leaf } of entries) {
      const ofLog = this.#leaves.get(log) ?? new Map<number, TreeHash>();
      this.#leaves.set(log, ofLog.set(position, leaf));
    }
  }

  /** The batch as this device takes it in; the same where nothing of it is erased. Never a batch of a control log. */
  strip(batch: VerifiedBatch): VerifiedBatch {
    const named = this.#leaves.get(batch.head.log);
    if (named === undefined) return batch;
    let isAnother = false;
    const entries = batch.entries.map((entry, offset) => {
      const leaf = named.get(batch.from + offset);
      if (leaf === undefined || entry.state !== "present" || !equalBytes(leaf, batch.leaves[offset]!))
        return entry;
      isAnother = true;
      return withoutPayload(entry, "purged");
    });
    return isAnother ? { ...batch, entries } : batch;
  }
}
