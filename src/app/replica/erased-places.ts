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
  /** Several of a place where purges name it with several leaves: one of them may lie. */
  readonly #leaves = new Map<LogId, Map<number, readonly TreeHash[]>>();

  add(entries: PurgeView["entries"]): void {
    for (const { log, position, leaf } of entries) {
      const ofLog = this.#leaves.get(log) ?? new Map<number, readonly TreeHash[]>();
      const known = ofLog.get(position) ?? [];
      if (known.some((other) => equalBytes(other, leaf))) continue;
      this.#leaves.set(log, ofLog.set(position, [...known, leaf]));
    }
  }

  /** The batch as this device takes it in; the same where nothing of it is erased. Never a batch of a control log. */
  strip(batch: VerifiedBatch): VerifiedBatch {
    const named = this.#leaves.get(batch.head.log);
    if (named === undefined) return batch;
    let isAnother = false;
    const entries = batch.entries.map((entry, offset) => {
      const isNamed = named.get(batch.from + offset)?.some((leaf) => equalBytes(leaf, batch.leaves[offset]!));
      if (isNamed !== true || entry.state !== "present") return entry;
      isAnother = true;
      return withoutPayload(entry, "purged");
    });
    return isAnother ? { ...batch, entries } : batch;
  }
}
