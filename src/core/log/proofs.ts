/**
 * Audit proofs as RFC 6962 (2.1.1, 2.1.2) and RFC 9162 (2.1.3, 2.1.4) define them, and their form for subtrees (Merkle Tree
 * Certificates, section 4). Batches do not need them: they serve evidence of forks, and published probes can check them.
 * A false proof is an answer, not an exception. Tests: test/unit/log/proofs.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";
import type { TreeHash } from "../base/ids.ts";
import { areHashes, EMPTY_ROOT, nodeHash, perfectNodes, TREE_HASH_BYTES } from "./tree.ts";
import { LOG_LENGTH_LIMIT, type TreeNode } from "./types.ts";

/** That `leaf` stands at position `index` of the tree of `length` leaves under `root`. */
export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly length: number;
  readonly root: Uint8Array;
}

/** The same within the subtree over `[from, to)`; `index` counts from the beginning of the log. */
export interface SubtreeInclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly root: Uint8Array;
}

/** That the tree of `newLength` leaves begins with that of `oldLength`. */
export interface ConsistencyClaim {
  readonly oldLength: number;
  readonly oldRoot: Uint8Array;
  readonly newLength: number;
  readonly newRoot: Uint8Array;
}

/** That the subtree over `[from, to)` with hash `subtreeRoot` lies in the tree of `length` leaves. */
export interface SubtreeConsistencyClaim {
  readonly from: number;
  readonly to: number;
  readonly subtreeRoot: Uint8Array;
  readonly length: number;
  readonly root: Uint8Array;
}

/** One hash of a proof: that of one perfect node, or of several folded by `foldRight` (RFC 6962 subtrees at the right border). */
export type ProofPart = readonly TreeNode[];

/** RFC 9162, 2.1.3.2. */
export function verifyInclusion(claim: InclusionClaim, path: readonly Uint8Array[]): boolean {
  const { leaf, index, length, root } = claim;
  if (!isPosition(index) || !isPosition(length) || index >= length) return false;
  if (leaf.length !== TREE_HASH_BYTES || !areHashes(path)) return false;
  let hash = leaf as TreeHash;
  let node = index;
  let last = length - 1;
  for (const sibling of path) {
    if (last === 0) return false; // The path is longer than the tree is high.
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      // At the right border a node without a sibling rises unchanged.
      while (node % 2 === 0 && node !== 0) {
        node = parentOf(node);
        last = parentOf(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = parentOf(node);
    last = parentOf(last);
  }
  return last === 0 && equalBytes(hash, root);
}

/** Merkle Tree Certificates, 4.3: inclusion in the tree over the subtree's own leaves. */
export function verifySubtreeInclusion(claim: SubtreeInclusionClaim, path: readonly Uint8Array[]): boolean {
  const { leaf, index, from, to, root } = claim;
  if (!isSubtree(from, to)) return false;
  return verifyInclusion({ leaf, index: index - from, length: to - from, root }, path);
}

/**
 * RFC 9162, 2.1.4.2. A tree without leaves is consistent with everything, so a proof from it says nothing and is refused.
 */
export function verifyConsistency(claim: ConsistencyClaim, path: readonly Uint8Array[]): boolean {
  const { oldLength, oldRoot, newLength, newRoot } = claim;
  if (oldLength === 0) return false;
  return verifySubtreeConsistency(
    { from: 0, to: oldLength, subtreeRoot: oldRoot, length: newLength, root: newRoot },
    path,
  );
}

/** Merkle Tree Certificates, 4.4.3. Of a subtree without leaves only its own hash and an empty path are checked. */
export function verifySubtreeConsistency(
  claim: SubtreeConsistencyClaim,
  path: readonly Uint8Array[],
): boolean {
  const { from, to, subtreeRoot, length, root } = claim;
  if (!isPosition(length) || !isSubtree(from, to) || to > length || !areHashes(path)) return false;
  if (from === to) return path.length === 0 && equalBytes(subtreeRoot, EMPTY_ROOT);
  if (from === 0 && to === length) return path.length === 0 && equalBytes(subtreeRoot, root);

  let first = from;
  let last = to - 1;
  let end = length - 1;
  function rise(): void {
    first = parentOf(first);
    last = parentOf(last);
    end = parentOf(end);
  }
  // Rise to the largest perfect node at the subtree's right end, or to the subtree itself where that is a node of the tree.
  if (last === end) while (first !== last) rise();
  else while (first !== last && last % 2 === 1) rise();

  const whole = first === last;
  const seed = whole ? subtreeRoot : path[0];
  if (seed === undefined || seed.length !== TREE_HASH_BYTES) return false;
  let subtreeHash = seed as TreeHash;
  let treeHash = seed as TreeHash;
  for (const hash of whole ? path : path.slice(1)) {
    if (end === 0) return false; // The path is longer than the tree is high.
    if (last % 2 === 1 || last === end) {
      if (first < last) subtreeHash = nodeHash(hash, subtreeHash);
      treeHash = nodeHash(hash, treeHash);
      while (last % 2 === 0 && last !== 0) rise();
    } else {
      treeHash = nodeHash(treeHash, hash);
    }
    rise();
  }
  return end === 0 && equalBytes(subtreeHash, subtreeRoot) && equalBytes(treeHash, root);
}

/** What makes the inclusion proof of a position, lowest first: PATH(m, D[n]) of RFC 6962, 2.1.1. */
export function inclusionNodes(index: number, length: number): readonly ProofPart[] {
  assert(isPosition(index) && isPosition(length) && index < length, "the position is in the tree");
  const path: ProofPart[] = [];
  let from = 0;
  let to = length;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.push(perfectNodes(middle, to));
      to = middle;
    } else {
      path.push(perfectNodes(from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** What makes the consistency proof between two lengths: PROOF(m, D[n]) of RFC 6962, 2.1.2. Empty where they are equal. */
export function consistencyNodes(oldLength: number, newLength: number): readonly ProofPart[] {
  assert(
    isPosition(oldLength) && isPosition(newLength) && 0 < oldLength && oldLength <= newLength,
    "the shorter tree has leaves",
  );
  const path: ProofPart[] = [];
  let from = 0;
  let to = newLength;
  while (oldLength !== to) {
    const middle = from + splitOf(to - from);
    if (oldLength <= middle) {
      path.push(perfectNodes(middle, to));
      to = middle;
    } else {
      path.push(perfectNodes(from, middle));
      from = middle;
    }
  }
  // The subtree both share at last; the verifier knows it already where it is the whole old tree.
  if (from > 0) path.push(perfectNodes(from, to));
  return path.reverse();
}

/** The largest power of two below `length`, which is at least 2: `k` of RFC 6962, 2.1. */
function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}

/** Merkle Tree Certificates, 4.1: a subtree begins at a multiple of the smallest power of two that is not below its size. */
function isSubtree(from: number, to: number): boolean {
  if (!isPosition(from) || !isPosition(to) || from > to) return false;
  let size = 1;
  while (size < to - from) size *= 2;
  return from % size === 0;
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < LOG_LENGTH_LIMIT;
}

function parentOf(index: number): number {
  return Math.floor(index / 2);
}
