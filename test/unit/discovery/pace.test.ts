/** Counting per key in windows of time. */
import { deepEqual, equal } from "node:assert/strict";
import { Pace } from "../../../src/io/discovery/pace.ts";

describe("a pace", () => {
  it("allows so many for each key in each window", () => {
    let now = 0;
    const pace = new Pace({ max: 2, windowMs: 1_000 }, () => now);
    deepEqual(
      ["a", "a", "a", "b"].map((key) => pace.allows(key)),
      [true, true, false, true],
    );
    now = 999;
    equal(pace.allows("a"), false);
    now = 1_000;
    equal(pace.allows("a"), true);
  });

  it("N6: remembers 256 keys at most, and those it remembers go on", () => {
    const pace = new Pace({ max: 2, windowMs: 1_000 }, () => 0);
    const allowed = Array.from({ length: 10_000 }, (_, n) => pace.allows(`key ${n}`)).filter(Boolean);
    equal(allowed.length, 256);
    equal(pace.allows("key 0"), true);
  });
});
