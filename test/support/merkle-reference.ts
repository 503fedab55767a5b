/**
 * RFC 6962, section 2.1, as the RFC writes it: recursive, slow and obvious. Shares no code with src/core/log, which is tested
 * against it.
 */
import { createHash } from "node:crypto";
import type { TreeHash } from "../../src/core/base/ids.ts";
import type { TreeNode } from "../../src/core/log/types.ts";

export function sha256Reference(...parts: readonly Uint8Array[]): TreeHash {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest()) as TreeHash;
}

export function nodeReference(left: Uint8Array, right: Uint8Array): TreeHash {
  return sha256Reference(Uint8Array.of(1), left, right);
}

/** MTH(D[n]), from leaf hashes. */
export function rootReference(leaves: readonly TreeHash[]): TreeHash {
  if (leaves.length === 0) return sha256Reference();
  if (leaves.length === 1) return leaves[0]!;
  const k = splitReference(leaves.length);
  return nodeReference(rootReference(leaves.slice(0, k)), rootReference(leaves.slice(k)));
}

/** PATH(m, D[n]). */
export function inclusionReference(m: number, leaves: readonly TreeHash[]): readonly TreeHash[] {
  if (leaves.length === 1) return [];
  const k = splitReference(leaves.length);
  return m < k
    ? [...inclusionReference(m, leaves.slice(0, k)), rootReference(leaves.slice(k))]
    : [...inclusionReference(m - k, leaves.slice(k)), rootReference(leaves.slice(0, k))];
}

/** PROOF(m, D[n]). */
export function consistencyReference(m: number, leaves: readonly TreeHash[]): readonly TreeHash[] {
  return subproofReference(m, leaves, true);
}

/** The hash of a perfect node of the tree over `leaves`. */
export function nodeOfReference({ level, index }: TreeNode, leaves: readonly TreeHash[]): TreeHash {
  const size = 2 ** level;
  return rootReference(leaves.slice(index * size, (index + 1) * size));
}

/** The perfect nodes of `[from, to)` by descending from a root above all positions. */
export function perfectNodesReference(from: number, to: number): readonly TreeNode[] {
  const found: TreeNode[] = [];
  const visit = (level: number, index: number): void => {
    const first = index * 2 ** level;
    const end = first + 2 ** level;
    if (end <= from || first >= to) return;
    if (from <= first && end <= to) {
      found.push({ level, index });
      return;
    }
    visit(level - 1, index * 2);
    visit(level - 1, index * 2 + 1);
  };
  visit(48, 0);
  return found;
}

function subproofReference(m: number, leaves: readonly TreeHash[], isWhole: boolean): readonly TreeHash[] {
  const n = leaves.length;
  if (m === n) return isWhole ? [] : [rootReference(leaves)];
  const k = splitReference(n);
  return m <= k
    ? [...subproofReference(m, leaves.slice(0, k), isWhole), rootReference(leaves.slice(k))]
    : [...subproofReference(m - k, leaves.slice(k), false), rootReference(leaves.slice(0, k))];
}

/** The largest power of two smaller than n. */
function splitReference(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
