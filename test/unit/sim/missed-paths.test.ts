import { deepEqual } from "node:assert/strict";
import { missedPaths, SEEDS_TO_MEET_ALL } from "../../../simulations/sim/missed-paths.ts";
import { rarePaths } from "../../../simulations/world/registers/rare-paths.ts";

describe("paths that a set of seeds never met", () => {
  const all = new Map(rarePaths.map(({ path }) => [path, 1]));
  const pathsOf = (seeds: number, counts: ReadonlyMap<string, number>): readonly string[] =>
    missedPaths({ seeds, counts }).map(({ path }) => path);

  it("are none where every row was met", () => {
    deepEqual(pathsOf(SEEDS_TO_MEET_ALL, all), []);
  });

  it("are named where enough seeds were run, whether the set was to have more or not", () => {
    deepEqual(pathsOf(SEEDS_TO_MEET_ALL, new Map([...all, ["linked", 0]])), ["linked"]);
    deepEqual(
      pathsOf(20_000, new Map()),
      rarePaths.map(({ path }) => path),
    );
  });

  it("are asked for later where a row says that it is too rare", () => {
    const rare = rarePaths.find(({ fromSeeds }) => fromSeeds !== undefined)!;
    const counts = new Map([...all, [rare.path, 0]]);
    deepEqual(pathsOf(rare.fromSeeds! - 1, counts), []);
    deepEqual(pathsOf(rare.fromSeeds!, counts), [rare.path]);
  });

  it("are not asked for in a handful of seeds", () => {
    deepEqual(pathsOf(SEEDS_TO_MEET_ALL - 1, new Map()), []);
  });
});
