/** Groups of a graph that depend on nothing outside, against reachability. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { findClosedGroups } from "../../../src/core/membership/cycles.ts";

const sorted = (groups: readonly (readonly number[])[]): unknown =>
  groups.map((group) => group.toSorted((a, b) => a - b)).toSorted((a, b) => a[0]! - b[0]!);

describe("groups that depend on nothing outside", () => {
  it("are found in small graphs", () => {
    deepEqual(findClosedGroups([]), []);
    deepEqual(sorted(findClosedGroups([[1], [0], [0]])), [[0, 1]]);
    deepEqual(sorted(findClosedGroups([[1], [2], [0, 3], [4], [3]])), [[3, 4]]);
    deepEqual(sorted(findClosedGroups([[], [1], [0, 1]])), [[0], [1]]);
  });

  it("are those whose every node reaches all that any of them reaches", () => {
    const graphs = fc
      .integer({ min: 1, max: 9 })
      .chain((size) =>
        fc.array(fc.array(fc.nat({ max: size - 1 }), { maxLength: 4 }), { minLength: size, maxLength: size }),
      );
    fc.assert(
      fc.property(graphs, (edges) => {
        const reach = edges.map((_, start) => {
          const found = new Set([start]);
          for (const node of found) for (const to of edges[node]!) found.add(to);
          return found;
        });
        const closed = edges.map((_, node) => [...reach[node]!].every((other) => reach[other]!.has(node)));
        const expected = new Map<string, number[]>();
        for (const [node, is] of closed.entries()) {
          const group = [...reach[node]!].toSorted((a, b) => a - b);
          if (is) expected.set(group.join(), group);
        }
        deepEqual(sorted(findClosedGroups(edges)), sorted([...expected.values()]));
      }),
    );
  });

  it("are found in a graph too deep for recursion", () => {
    const size = 100_000;
    const circle = Array.from({ length: size }, (_, node) => [(node + 1) % size]);
    equal(findClosedGroups(circle)[0]?.length, size);
    const line = Array.from({ length: size }, (_, node) => (node + 1 < size ? [node + 1] : []));
    deepEqual(findClosedGroups(line), [[size - 1]]);
  });
});
