/** Vectors of lengths by log, against plain maps. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { mergeVectors, VectorSpace, type LengthVector } from "../../../src/core/membership/length-vector.ts";

const SIZES = [1, 32, 33, 1_024, 1_025, 40_000];

describe("vectors of lengths by log", () => {
  it("hold the greater of what was merged, whatever their size", () => {
    const lengths = fc.array(fc.tuple(fc.nat({ max: 39_999 }), fc.integer({ min: 1, max: 2 ** 47 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.constantFrom(...SIZES), lengths, lengths, (size, left, right) => {
        const space = new VectorSpace(size);
        const expected = new Map<number, number>();
        const vectorOf = (items: readonly (readonly [number, number])[]): LengthVector => {
          let vector: LengthVector = null;
          for (const [log, length] of items) {
            expected.set(log % size, Math.max(length, expected.get(log % size) ?? 0));
            vector = mergeVectors(vector, space.single(log % size, length));
          }
          return vector;
        };
        const merged = mergeVectors(vectorOf(left), vectorOf(right));
        for (const [log, length] of expected) equal(space.lengthOf(merged, log), length);
        for (const log of [0, size - 1]) equal(space.lengthOf(merged, log), expected.get(log) ?? 0);
      }),
    );
  });

  it("stay the same object where nothing is new", () => {
    const space = new VectorSpace(5_000);
    const one = mergeVectors(space.single(7, 3), space.single(4_000, 1));
    equal(mergeVectors(one, space.single(7, 2)), one);
    equal(mergeVectors(one, null), one);
    equal(mergeVectors(null, one), one);
    ok(mergeVectors(one, space.single(7, 4)) !== one);
    deepEqual([space.lengthOf(null, 7), space.lengthOf(one, 8)], [0, 0]);
  });
});
