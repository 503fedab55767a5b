import { deepEqual, equal } from "node:assert/strict";
import { percentile } from "../../../simulations/wifi/measure.ts";
import { parseOptions } from "../../../simulations/wifi/options.ts";
import { countRows, formatCounts, formatMs, formatTable, Report } from "../../../simulations/wifi/table.ts";

describe("the table of what was seen", () => {
  const report = new Report(4, () => undefined);
  report.checkEqual("fingerprint", ["a", "a", "a"]);
  report.checkEqual("entries", [5, 6, 5]);
  report.checkWithin("healed", 5_000, 4_100);
  report.checkWithin("healed again", 5_000, undefined);
  report.skip("capture", "no tcpdump");

  it("counts rows as the check of every commit reads them", () => {
    deepEqual(countRows(report.rows), { passed: 2, failed: 2, skipped: 1 });
    equal(formatCounts(countRows(report.rows)), "2 passed, 2 failed, 1 skipped");
    equal(formatCounts({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  });

  it("says what was seen in words, in columns", () => {
    const lines = formatTable(report.rows).split("\n");
    deepEqual(lines[2]!.split(/ {2,}/), ["4", "fingerprint", "all equal", "3 × a", "ok"]);
    deepEqual(lines[3]!.split(/ {2,}/), ["4", "entries", "all equal", "5 ≠ 6", "FAILED"]);
    const resultAt = lines.slice(2).map((line, at) => line.length - report.rows[at]!.result.length);
    equal(new Set(resultAt).size, 1);
  });

  it("finds nothing equal where there is nothing", () => {
    const empty = new Report(1, () => undefined);
    empty.checkEqual("nothing", []);
    equal(empty.rows[0]!.result, "FAILED");
  });

  it("writes times as people read them", () => {
    deepEqual([1.234, 4_321, 65_000, 900_000].map(formatMs), ["1.2 ms", "4321 ms", "65.0 s", "15.0 min"]);
  });

  it("takes percentiles of the values themselves", () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at);
    deepEqual([percentile(values, 0.5), percentile(values, 0.99), percentile([7], 0.99)], [50, 99, 7]);
  });
});

describe("the options of npm run wifi", () => {
  it("reads sizes, numbers of scenarios and where logs stay", () => {
    const options = parseOptions([
      "--quick",
      "--only",
      "1,2",
      "--only",
      "6",
      "--messages",
      "500",
      "--keep-logs",
      "x",
    ]);
    deepEqual(options, { size: "quick", only: [1, 2, 6], keepLogs: "x", messages: 500, json: false });
    equal(parseOptions([]).size, "normal");
  });

  it("refuses what makes no sense, with a sentence", () => {
    for (const args of [["--quick", "--full"], ["--only", "x"], ["--messages", "0"], ["--unknown"]]) {
      let message = "";
      try {
        parseOptions(args);
      } catch (error) {
        message = (error as Error).message;
      }
      equal(message.length > 10, true, args.join(" "));
    }
  });
});
