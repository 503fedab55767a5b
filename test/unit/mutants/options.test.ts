import { deepEqual, throws } from "node:assert/strict";
import { parseOptions } from "../../mutants/options.ts";

describe("the options of npm run mutants", () => {
  it("takes ids one by one, several at once and by their beginnings", () => {
    deepEqual(parseOptions(["--only", "log-,store-not-synced", "net-names-dialled", "--jobs", "3"]), {
      only: ["log-", "store-not-synced", "net-names-dialled"],
      list: false,
      suite: true,
      jobs: 3,
    });
    deepEqual(parseOptions(["--list", "--no-suite"]), { only: [], list: true, suite: false, jobs: 2 });
  });

  it("refuses what it does not know", () => {
    for (const args of [["--jobs", "0"], ["--jobs", "17"], ["--jobs", "many"], ["--fast"]])
      throws(() => parseOptions(args));
  });
});
