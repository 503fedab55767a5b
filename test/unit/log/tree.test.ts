import { deepEqual, equal, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import type { TreeHash } from "../../../src/core/base/ids.ts";
import {
  EMPTY_ROOT,
  leafHash,
  mergeRanges,
  nodeHash,
  nodesOf,
  perfectNodeCount,
  perfectNodes,
  placed,
  rootOf,
  spanOf,
} from "../../../src/core/log/tree.ts";
import type { TreeNode } from "../../../src/core/log/types.ts";
import {
  nodeOfReference,
  nodeReference,
  perfectNodesReference,
  rootReference,
  sha256Reference,
} from "../../support/merkle-reference.ts";
import { vectorPath } from "../../support/paths.ts";

interface Roots {
  readonly leaves: readonly string[];
  readonly rootsBySize: readonly string[];
}

const roots = JSON.parse(readFileSync(vectorPath("rfc6962/roots.json"), "utf8")) as Roots;

const numbered = (count: number): TreeHash[] =>
  Array.from({ length: count }, (_, n) => leafHash(Uint8Array.of(Math.floor(n / 256), n % 256)));

/** Two positions, the smaller first, anywhere below 2^48 and often close to powers of two. */
const position = fc.oneof(
  fc.nat({ max: 2000 }),
  fc.tuple(fc.integer({ min: 0, max: 47 }), fc.integer({ min: -9, max: 9 })).map(([level, near]) => {
    return Math.min(Math.max(2 ** level + near, 0), 2 ** 48 - 1);
  }),
  fc.maxSafeNat().map((n) => n % 2 ** 48),
);
const ends = fc.tuple(position, position).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

describe("tree hashes", () => {
  it("are those of RFC 6962 for the published trees of 0 to 8 leaves", () => {
    equal(roots.rootsBySize.length, 9);
    for (const [size, root] of roots.rootsBySize.entries()) {
      const leaves = roots.leaves.slice(0, size).map((input) => leafHash(hexToBytes(input)));
      equal(hex(rootOf(nodesOf(leaves, 0), size)), root);
    }
  });

  it("tell a leaf from a node and nothing from an empty leaf", () => {
    equal(hex(EMPTY_ROOT), hex(sha256Reference()));
    equal(hex(leafHash(new Uint8Array(0))), hex(sha256Reference(Uint8Array.of(0))));
    const [a, b] = numbered(2) as [TreeHash, TreeHash];
    equal(hex(nodeHash(a, b)), hex(nodeReference(a, b)));
    equal(hex(nodeHash(b, a)), hex(nodeReference(b, a)));
  });

  it("are refused where they do not have 32 bytes, so that no call sees bytes of the one before", () => {
    const good = numbered(1)[0]!;
    throws(() => nodeHash(good.subarray(1) as TreeHash, good), /invariant broken/);
    throws(() => nodeHash(good, new Uint8Array(33) as TreeHash), /invariant broken/);
  });
});

describe("perfect nodes", () => {
  it("are those found by descending from the top, at any positions below 2^48", () => {
    fc.assert(
      fc.property(ends, ({ from, to }) => {
        deepEqual(perfectNodes(from, to), perfectNodesReference(from, to));
        equal(perfectNodeCount(from, to), perfectNodes(from, to).length);
      }),
      { numRuns: 500 },
    );
  });

  it("cover the range without gap or overlap, and no two of them are siblings", () => {
    fc.assert(
      fc.property(ends, ({ from, to }) => {
        let at = from;
        let before: TreeNode | undefined;
        for (const node of perfectNodes(from, to)) {
          equal(spanOf(node).from, at);
          at = spanOf(node).to;
          const isSibling =
            before !== undefined && before.level === node.level && before.index === node.index - 1;
          equal(isSibling && node.index % 2 === 1, false);
          before = node;
        }
        equal(at, to);
      }),
    );
  });

  it("of [0, length) number as many as the length has ones in binary", () => {
    for (const length of [0, 1, 2, 3, 1000, 2 ** 31, 2 ** 32 - 1, 2 ** 40 + 5, 2 ** 48 - 1]) {
      equal(perfectNodeCount(0, length), length.toString(2).replaceAll("0", "").length);
    }
  });

  it("keep their places at 2^40", () => {
    deepEqual(perfectNodes(2 ** 40 - 1, 2 ** 40 + 3), [
      { level: 0, index: 2 ** 40 - 1 },
      { level: 1, index: 2 ** 39 },
      { level: 0, index: 2 ** 40 + 2 },
    ]);
    deepEqual(spanOf({ level: 8, index: 2 ** 32 }), { from: 2 ** 40, to: 2 ** 40 + 256 });
  });

  it("exist only for ranges below 2^48", () => {
    for (const [from, to] of [
      [1, 0],
      [-1, 1],
      [0, 2 ** 48],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      throws(() => perfectNodes(from, to), /invariant broken/);
      throws(() => perfectNodeCount(from, to), /invariant broken/);
    }
  });
});

describe("compact ranges", () => {
  it("of any leaves at any place hash to the reference's subtrees", () => {
    fc.assert(
      fc.property(fc.nat({ max: 300 }), fc.nat({ max: 300 }), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const leaves = numbered(to);
        const reported: string[] = [];
        const hashes = nodesOf(leaves.slice(from), from, (node, hash) => {
          equal(hex(hash), hex(nodeOfReference(node, leaves)));
          reported.push(`${node.level} ${node.index}`);
        });
        deepEqual(
          hashes.map(hex),
          perfectNodes(from, to).map((node) => hex(nodeOfReference(node, leaves))),
        );
        // Every inner node of the perfect subtrees, each once.
        equal(new Set(reported).size, reported.length);
        equal(reported.length, to - from - hashes.length);
      }),
    );
  });

  it("cut anywhere and merged in any order give the same range, and report every node that joins parts", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 200 }), { minLength: 2, maxLength: 8 }),
        fc.nat(),
        (cuts, pick) => {
          const bounds = cuts.toSorted((a, b) => a - b);
          const leaves = numbered(bounds.at(-1)!);
          const known = new Set<string>();
          const note = (node: TreeNode, hash: TreeHash): void => {
            equal(hex(hash), hex(nodeOfReference(node, leaves)));
            equal(known.has(`${node.level} ${node.index}`), false);
            known.add(`${node.level} ${node.index}`);
          };
          const parts = bounds.slice(1).map((to, at) => {
            const from = bounds[at]!;
            return { from, to, hashes: nodesOf(leaves.slice(from, to), from, note) };
          });
          while (parts.length > 1) {
            const at = pick % (parts.length - 1);
            const [a, b] = [parts[at]!, parts[at + 1]!];
            parts.splice(at, 2, { from: a.from, to: b.to, hashes: mergeRanges(a, b, note) });
          }
          const [{ from, to, hashes }] = parts as [(typeof parts)[0]];
          deepEqual(hashes.map(hex), nodesOf(leaves.slice(from, to), from).map(hex));
          equal(known.size, to - from - hashes.length);
        },
      ),
    );
  });

  it("from 0 fold to the root of RFC 6962", () => {
    fc.assert(
      fc.property(fc.nat({ max: 400 }), (length) => {
        const leaves = numbered(length);
        equal(hex(rootOf(nodesOf(leaves, 0), length)), hex(rootReference(leaves)));
      }),
    );
  });

  it("merge at 2^40 as they do at 0, up to the nodes that reach further left", () => {
    const far = 2 ** 40;
    const leaves = numbered(21);
    const a = { from: far, to: far + 13, hashes: nodesOf(leaves.slice(0, 13), far) };
    const b = { from: far + 13, to: far + 21, hashes: nodesOf(leaves.slice(13), far + 13) };
    deepEqual(mergeRanges(a, b).map(hex), nodesOf(leaves, 0).map(hex));
    const whole = { from: 0, to: far, hashes: [leaves[0]!] };
    const merged = mergeRanges(whole, { from: far, to: far + 21, hashes: nodesOf(leaves, far) });
    equal(merged.length, 1 + 3);
    // A second half of 2^40 leaves completes the node above both.
    const above = mergeRanges(whole, { from: far, to: 2 * far, hashes: [leaves[1]!] });
    deepEqual(above.map(hex), [hex(nodeReference(leaves[0]!, leaves[1]!))]);
  });

  it("must touch, and have as many hashes as their ends say", () => {
    const [a, b, c] = numbered(3) as [TreeHash, TreeHash, TreeHash];
    throws(() => mergeRanges({ from: 0, to: 1, hashes: [a] }, { from: 2, to: 3, hashes: [c] }), /touch/);
    throws(() => placed({ from: 0, to: 3, hashes: [a, b, c] }), /as many hashes/);
    throws(() => rootOf([a, b], 2), /as many peaks/);
    deepEqual(placed({ from: 0, to: 3, hashes: [a, c] }), [
      [{ level: 1, index: 0 }, a],
      [{ level: 0, index: 2 }, c],
    ]);
  });
});
