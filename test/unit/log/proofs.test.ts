import { deepEqual, equal, throws } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import type { TreeHash } from "../../../src/core/base/ids.ts";
import {
  consistencyNodes,
  inclusionNodes,
  type ProofPart,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from "../../../src/core/log/proofs.ts";
import { foldRight, leafHash } from "../../../src/core/log/tree.ts";
import {
  consistencyReference,
  inclusionReference,
  nodeOfReference,
  nodeReference,
  rootReference,
} from "../../support/merkle-reference.ts";
import { vectorPath } from "../../support/paths.ts";

interface Probe {
  readonly desc: string;
  readonly wantErr: boolean;
  readonly proof: readonly string[] | null;
  readonly [field: string]: unknown;
}

const fromBase64 = (text: unknown): Uint8Array => new Uint8Array(Buffer.from(text as string, "base64"));

const answerByFolder: Readonly<Record<string, (probe: Probe, path: readonly Uint8Array[]) => boolean>> = {
  inclusion: (probe, path) =>
    verifyInclusion(
      {
        leaf: fromBase64(probe["leafHash"]),
        index: probe["leafIdx"] as number,
        length: probe["treeSize"] as number,
        root: fromBase64(probe["root"]),
      },
      path,
    ),
  consistency: (probe, path) =>
    verifyConsistency(
      {
        oldLength: probe["size1"] as number,
        oldRoot: fromBase64(probe["root1"]),
        newLength: probe["size2"] as number,
        newRoot: fromBase64(probe["root2"]),
      },
      path,
    ),
  subtreeinclusion: (probe, path) =>
    verifySubtreeInclusion(
      {
        leaf: fromBase64(probe["leafHash"]),
        index: probe["leafIdx"] as number,
        from: probe["start"] as number,
        to: probe["end"] as number,
        root: fromBase64(probe["root"]),
      },
      path,
    ),
  subtreeconsistency: (probe, path) =>
    verifySubtreeConsistency(
      {
        from: probe["start"] as number,
        to: probe["end"] as number,
        subtreeRoot: fromBase64(probe["root1"]),
        length: probe["size"] as number,
        root: fromBase64(probe["root2"]),
      },
      path,
    ),
};

const countByFolder = { inclusion: 98, consistency: 98, subtreeinclusion: 204, subtreeconsistency: 118 };

describe("the published probes", () => {
  for (const [folder, count] of Object.entries(countByFolder)) {
    it(`of ${folder}, ${count} in all, are answered as they ask`, () => {
      const place = vectorPath(`rfc6962/testdata/${folder}`);
      const names = readdirSync(place, { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".json"),
      );
      equal(names.length, count);
      const wrong = names.filter((name) => {
        const probe = JSON.parse(readFileSync(join(place, name), "utf8")) as Probe;
        return answerByFolder[folder]!(probe, (probe.proof ?? []).map(fromBase64)) === probe.wantErr;
      });
      deepEqual(wrong, []);
    });
  }
});

const numbered = (count: number): TreeHash[] =>
  Array.from({ length: count }, (_, n) => leafHash(Uint8Array.of(n % 256, Math.floor(n / 256))));

/** What a store does with `inclusionNodes` and `consistencyNodes`. */
const makeProof = (parts: readonly ProofPart[], leaves: readonly TreeHash[]): TreeHash[] =>
  parts.map((part) => foldRight(part.map((node) => nodeOfReference(node, leaves))));

describe("proofs of our own", () => {
  it("of inclusion are those of the RFC's recursion, for every leaf of every tree, and verify", () => {
    for (let length = 1; length <= 40; length++) {
      const leaves = numbered(length);
      const root = rootReference(leaves);
      for (let index = 0; index < length; index++) {
        const path = makeProof(inclusionNodes(index, length), leaves);
        deepEqual(path.map(hex), inclusionReference(index, leaves).map(hex));
        equal(verifyInclusion({ leaf: leaves[index]!, index, length, root }, path), true);
      }
    }
  });

  it("of consistency are those of the RFC's recursion, for every pair of lengths, and verify", () => {
    for (let newLength = 1; newLength <= 40; newLength++) {
      const leaves = numbered(newLength);
      const newRoot = rootReference(leaves);
      for (let oldLength = 1; oldLength <= newLength; oldLength++) {
        const path = makeProof(consistencyNodes(oldLength, newLength), leaves);
        deepEqual(path.map(hex), consistencyReference(oldLength, leaves).map(hex));
        const oldRoot = rootReference(leaves.slice(0, oldLength));
        equal(verifyConsistency({ oldLength, oldRoot, newLength, newRoot }, path), true);
      }
    }
  });

  it("of subtrees verify for every valid subtree of every tree", () => {
    for (let length = 1; length <= 20; length++) {
      const leaves = numbered(length);
      const root = rootReference(leaves);
      for (let from = 0; from < length; from++) {
        for (let to = from + 1; to <= length; to++) {
          if (from % 2 ** Math.ceil(Math.log2(to - from)) !== 0) continue;
          const subtreeRoot = rootReference(leaves.slice(from, to));
          const path = subtreeConsistencyReference(from, to, leaves);
          equal(verifySubtreeConsistency({ from, to, subtreeRoot, length, root }, path), true);
          const inside = inclusionReference(0, leaves.slice(from, to));
          equal(
            verifySubtreeInclusion({ leaf: leaves[from]!, index: from, from, to, root: subtreeRoot }, inside),
            true,
          );
        }
      }
    }
  });

  it("are refused with any other position, length, leaf, root or path", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.nat(),
        fc.nat(),
        fc.nat(255),
        (length, pick, at, flip) => {
          const leaves = numbered(length);
          const root = rootReference(leaves);
          const index = pick % length;
          const leaf = leaves[index]!;
          const path = inclusionReference(index, leaves);
          const check = (change: object, altered: readonly Uint8Array[] = path): boolean =>
            verifyInclusion({ leaf, index, length, root, ...change }, altered);
          equal(check({}), true);
          if (length > 1) equal(check({ index: (index + 1) % length }), false);
          equal(check({ leaf: nodeReference(leaf, leaf) }), false);
          equal(check({ root: nodeReference(leaf, root) }), false);
          equal(check({}, [...path, root]), false);
          if (path.length === 0) return;
          equal(check({}, path.slice(1)), false);
          equal(check({}, path.slice(0, -1)), false);
          const bent = path.map((hash) => hash.slice());
          bent[at % path.length]![at % 32]! ^= flip === 0 ? 1 : flip;
          equal(check({}, bent), false);
          equal(check({}, [path[0]!.subarray(1), ...path.slice(1)]), false);
        },
      ),
    );
  });

  it("answer for positions of any size, and refuse what is no position", () => {
    const [left, right] = numbered(2) as [TreeHash, TreeHash];
    // The tree of 2^47 + 1 leaves: the last leaf hangs beside the whole first half.
    const root = nodeReference(left, right);
    equal(verifyInclusion({ leaf: right, index: 2 ** 47, length: 2 ** 47 + 1, root }, [left]), true);
    const consistency = { oldLength: 2 ** 47, oldRoot: left, newLength: 2 ** 47 + 1, newRoot: root };
    equal(verifyConsistency(consistency, [right]), true);
    for (const index of [-1, 0.5, Number.NaN, 2 ** 48, 2 ** 60, Number.POSITIVE_INFINITY]) {
      equal(verifyInclusion({ leaf: right, index, length: 2 ** 60, root }, [left]), false);
      equal(verifyConsistency({ ...consistency, oldLength: index }, [right]), false);
      equal(
        verifySubtreeConsistency({ from: index, to: index, subtreeRoot: left, length: 1, root }, []),
        false,
      );
    }
    equal(inclusionNodes(2 ** 47, 2 ** 48 - 1).length, 48);
    throws(() => inclusionNodes(2, 2), /invariant broken/);
    throws(() => consistencyNodes(0, 2), /invariant broken/);
    throws(() => consistencyNodes(3, 2), /invariant broken/);
  });
});

/** SUBTREE_PROOF of Merkle Tree Certificates, 4.4.1, by recursion. */
function subtreeConsistencyReference(
  from: number,
  to: number,
  leaves: readonly TreeHash[],
  isWhole = true,
): TreeHash[] {
  const n = leaves.length;
  if (from === 0 && to === n) return isWhole ? [] : [rootReference(leaves)];
  let k = 1;
  while (k * 2 < n) k *= 2;
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  if (to <= k) return [...subtreeConsistencyReference(from, to, left, isWhole), rootReference(right)];
  if (k <= from)
    return [...subtreeConsistencyReference(from - k, to - k, right, isWhole), rootReference(left)];
  return [...subtreeConsistencyReference(0, to - k, right, false), rootReference(left)];
}
