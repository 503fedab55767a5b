import { deepEqual, equal, throws } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NAMES, parseOptions } from "../../../simulations/torture/options.ts";
import { addToTally, seedBehind } from "../../../simulations/torture/tally-file.ts";

describe("the options of npm run torture", () => {
  it("reads names, rounds and seeds", () => {
    deepEqual(parseOptions(["kill", "power", "--rounds", "300", "--seed", "7", "--tally", "t"]), {
      names: ["kill", "power"],
      rounds: 300,
      seed: 7,
      tally: "t",
      keep: undefined,
    });
    deepEqual(parseOptions(["all"]).names, NAMES);
    equal(parseOptions(["writes", "--rounds", "all"]).rounds, "all");
    equal(parseOptions(["all"]).rounds, undefined);
  });

  it("refuses what makes no sense, with a sentence", () => {
    for (const args of [[], ["tickle"], ["kill", "--rounds", "0"], ["kill", "--seed", "x"], ["kill", "--no"]])
      throws(() => parseOptions(args), /.{10}/);
  });
});

describe("the tally of npm run torture", () => {
  it("adds up the runs of one name at one commit, and goes on behind them", () => {
    const dir = mkdtempSync(join(tmpdir(), "kinlog-tally-"));
    const file = join(dir, "tally");
    try {
      equal(seedBehind(file, ["kill"], "a", 1), 1);
      addToTally(file, { name: "kill", commit: "a", rounds: 100, failed: 0 });
      addToTally(file, { name: "kill", commit: "b", rounds: 50, failed: 0 });
      addToTally(file, { name: "flips", commit: "a", rounds: 30, failed: 1 });
      const sum = addToTally(file, { name: "kill", commit: "a", rounds: 20, failed: 2 });
      deepEqual(sum, { rounds: 120, failed: 2 });
      equal(seedBehind(file, ["kill", "flips"], "a", 1), 121);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
