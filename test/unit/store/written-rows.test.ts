import { equal, ok } from "node:assert/strict";
import type { RowKey } from "../../../src/core/log/rows.ts";
import { WrittenRows } from "../../../src/io/store/written-rows.ts";
import { Random } from "../../../simulations/doubles/random.ts";

describe("which rows may be there", () => {
  it("says perhaps of every row that was added, whatever its key", () => {
    const random = new Random(1);
    const rows = new WrittenRows(new Set());
    const keys = Array.from({ length: 20_000 }, () => keyOf(random, random.between(1, 60)));
    for (const key of keys) rows.add(key);
    for (const key of keys) ok(rows.mayHave(key));
  });

  it("says no of nearly every message that was not added", () => {
    const random = new Random(2);
    const rows = new WrittenRows(new Set());
    for (let n = 0; n < 100_000; n++) rows.add(keyOf(random, 17));
    let perhaps = 0;
    for (let n = 0; n < 10_000; n++) if (rows.mayHave(keyOf(random, 17))) perhaps++;
    // The formula gives 0.0002 for 100,000 keys, 2^23 bits and four probes.
    ok(perhaps < 50, `${perhaps} of 10,000`);
  });

  it("says no of everything before the first row", () => {
    equal(new WrittenRows(new Set()).mayHave("m" as RowKey), false);
  });

  it("says perhaps of every row that begins like one that was there before", () => {
    const rows = new WrittenRows(new Set(["m"]));
    equal(rows.mayHave("m, never added" as RowKey), true);
    equal(rows.mayHave("c, never added" as RowKey), false);
  });

  it("knows a longer key by what it begins with", () => {
    const rows = new WrittenRows(new Set());
    rows.add(`e${"x".repeat(16)}first` as RowKey);
    equal(rows.mayHave(`e${"x".repeat(16)}other` as RowKey), true);
  });
});

function keyOf(random: Random, length: number): RowKey {
  return String.fromCharCode(...Array.from({ length }, () => random.below(256))) as RowKey;
}
