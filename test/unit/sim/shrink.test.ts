/** The shrinker of failing seeds, with failures that are made up. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { shrink } from "../../../simulations/sim/shrink.ts";

describe("the shrinker", () => {
  it("keeps exactly the steps that a failure needs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat(59), { maxLength: 5 }),
        async (count, some) => {
          const needed = new Set(some.filter((at) => at < count));
          const fails = (dropped: readonly number[]): Promise<boolean> =>
            Promise.resolve(!dropped.some((at) => needed.has(at)));
          const dropped = await shrink(count, fails);
          deepEqual(
            dropped,
            Array.from({ length: count }, (_, at) => at).filter((at) => !needed.has(at)),
          );
        },
      ),
    );
  });

  it("keeps one of two steps that serve as well, and asks few questions", async () => {
    let asked = 0;
    const dropped = await shrink(64, (without) => {
      asked++;
      return Promise.resolve(!(without.includes(10) && without.includes(50)));
    });
    equal(dropped.length, 63);
    equal(asked < 200, true);
  });
});
