/** Which rare paths a set of seeds never met, where it is large enough to say so. Tests: test/unit/sim/missed-paths.test.ts. */
import { rarePaths } from "../world/registers/rare-paths.ts";

/** Seeds from which on a set must have met every row. With each commit more are run where time allows. */
export const SEEDS_TO_MEET_ALL = 120;

/** `seeds`: how many have been run, however the set ended. */
export function missedPaths({
  seeds,
  counts,
}: {
  readonly seeds: number;
  readonly counts: ReadonlyMap<string, number>;
}): typeof rarePaths {
  return rarePaths.filter(
    ({ path, fromSeeds = SEEDS_TO_MEET_ALL }) => seeds >= fromSeeds && (counts.get(path) ?? 0) === 0,
  );
}
