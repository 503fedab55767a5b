/** What `npm run sim` takes, and what it refuses. */
import { deepEqual, throws } from "node:assert/strict";
import { parseOptions } from "../../../simulations/sim/options.ts";

describe("the options of npm run sim", () => {
  it("are a set of 300 seeds where nothing is said", () => {
    deepEqual(parseOptions([]), {
      command: { kind: "set", seeds: 300, minutes: null, isResumed: false },
      commit: null,
    });
  });

  it("are those of a long set, of one seed, and of a seed to be shrunk", () => {
    deepEqual(parseOptions(["--seeds", "20000", "--minutes", "30", "--resume"]).command, {
      kind: "set",
      seeds: 20_000,
      minutes: 30,
      isResumed: true,
    });
    deepEqual(parseOptions(["--seed", "7", "--trace", "--without", "3,4", "--commit", "0123abc"]), {
      command: { kind: "one", seed: 7, isTraced: true, without: [3, 4] },
      commit: "0123abc",
    });
    deepEqual(parseOptions(["--shrink", "0"]).command, { kind: "shrink", seed: 0 });
  });

  it("are refused with a sentence where they are unknown, no numbers, or exclude each other", () => {
    for (const args of [
      ["--sed", "1"],
      ["--seed", "one"],
      ["--seed", "-1"],
      ["--seeds", "1e9"],
      ["--seed", "1", "--seeds", "2"],
      ["--trace"],
      ["--without", "1"],
      ["--seed", "1", "--without", "a"],
      ["--shrink", "1", "--minutes", "1"],
      ["--commit", "main"],
      ["7"],
    ])
      throws(() => parseOptions(args), Error, args.join(" "));
  });
});
