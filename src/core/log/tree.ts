/**
 * The Merkle tree of RFC 6962, section 2.1, and its compact ranges. Pure arithmetic and hashing; stores nothing, signs nothing.
 * A position is a number below 2^48, so no operator here cuts to 32 bits.
 * Format: docs/spec/log.md. Tests: test/unit/log/tree.test.ts.
 */
import { assert } from "../base/errors.ts";
import type { TreeHash } from "../base/ids.ts";
import { sha256 } from "../crypto/hash.ts";
import { type KnownNode, LOG_LENGTH_LIMIT, type TreeNode } from "./types.ts";

/** The hashes of the perfect nodes of `[from, to)`, leftmost first: what the literature calls a compact range. */
export interface CompactRange {
  readonly from: number;
  readonly to: number;
  readonly hashes: readonly TreeHash[];
}

/** Told of each perfect node at the moment it is completed, children before their parent. */
export type OnNode = (node: TreeNode, hash: TreeHash) => void;

export const TREE_HASH_BYTES = 32;

/** The root of a tree without leaves: SHA-256 of nothing (RFC 6962, 2.1). */
export const EMPTY_ROOT = sha256(new Uint8Array(0)) as TreeHash;

// One scratch buffer each: the hashes are most of the cost of taking in a batch, and joining their parts would double it.
const nodeInput = new Uint8Array(1 + 2 * TREE_HASH_BYTES);
nodeInput[0] = 0x01;

/** SHA-256(00 ‖ header): a leaf (RFC 6962, 2.1). `leavesOf` in header.ts is the fast way for many. */
export function leafHash(header: Uint8Array): TreeHash {
  const input = new Uint8Array(1 + header.length);
  input.set(header, 1);
  return sha256(input) as TreeHash;
}

/** SHA-256(01 ‖ left ‖ right): an inner node (RFC 6962, 2.1). */
export function nodeHash(left: TreeHash, right: TreeHash): TreeHash {
  // Another length would leave bytes of the previous call in the buffer.
  assert(left.length === TREE_HASH_BYTES && right.length === TREE_HASH_BYTES, "a tree hash has 32 bytes");
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + TREE_HASH_BYTES);
  return sha256(nodeInput) as TreeHash;
}

/**
 * The unique shortest list of perfect subtrees that covers `[from, to)`, leftmost first. Empty where `from` is `to`.
 * At most 2 · 48 nodes.
 */
export function perfectNodes(from: number, to: number): readonly TreeNode[] {
  assertRange(from, to);
  const nodes: TreeNode[] = [];
  for (let at = from; at < to;) {
    const level = levelAt(at, to);
    const size = 2 ** level;
    nodes.push({ level, index: at / size });
    at += size;
  }
  return nodes;
}

/** How many perfect nodes `[from, to)` has, without making them. */
export function perfectNodeCount(from: number, to: number): number {
  assertRange(from, to);
  let count = 0;
  for (let at = from; at < to; at += 2 ** levelAt(at, to)) count++;
  return count;
}

/** The positions under a node: `[from, to)`. */
export function spanOf(node: TreeNode): { readonly from: number; readonly to: number } {
  const size = 2 ** node.level;
  return { from: node.index * size, to: (node.index + 1) * size };
}

/**
 * The root of the tree of `length` leaves from its peaks, the perfect nodes of `[0, length)`: folded from the right, since
 * RFC 6962 splits at the largest power of two below the length.
 */
export function rootOf(peaks: readonly TreeHash[], length: number): TreeHash {
  assert(peaks.length === perfectNodeCount(0, length), "a tree has as many peaks as its length says");
  return length === 0 ? EMPTY_ROOT : foldRight(peaks);
}

/** The hash over neighbouring perfect nodes that grow smaller to the right: an RFC 6962 subtree that is not perfect. */
export function foldRight(hashes: readonly TreeHash[]): TreeHash {
  let hash = hashes.at(-1);
  assert(hash !== undefined, "there is something to fold");
  for (let at = hashes.length - 2; at >= 0; at--) hash = nodeHash(hashes[at]!, hash);
  return hash;
}

/**
 * The hashes of `perfectNodes(from, from + leaves.length)`, made from the leaves.
 * `onNode` is told of every inner node completed on the way, but not of the leaves.
 */
export function nodesOf(leaves: readonly TreeHash[], from: number, onNode?: OnNode): readonly TreeHash[] {
  const to = from + leaves.length;
  const hashes: TreeHash[] = [];
  for (const node of perfectNodes(from, to)) {
    const first = spanOf(node).from;
    const row = leaves.slice(first - from, first - from + 2 ** node.level);
    // Level by level in place: row[n] becomes the parent of row[2n] and row[2n + 1].
    for (let level = 1; level <= node.level; level++) {
      const size = 2 ** (node.level - level);
      const firstIndex = first / 2 ** level;
      for (let n = 0; n < size; n++) {
        const hash = nodeHash(row[2 * n]!, row[2 * n + 1]!);
        row[n] = hash;
        onNode?.({ level, index: firstIndex + n }, hash);
      }
    }
    hashes.push(row[0]!);
  }
  return hashes;
}

/**
 * The compact range of `a` followed by `b`, which must touch: at most one new node for every level.
 * `onNode` is told of every node completed by joining the two; not of those that were given.
 */
export function mergeRanges(a: CompactRange, b: CompactRange, onNode?: OnNode): readonly TreeHash[] {
  assert(a.to === b.from, "compact ranges touch");
  const stack = placed(a);
  for (const added of placed(b)) {
    let [node, hash] = added;
    // Whenever the two last nodes are siblings, their parent takes their place; so what stays is the shortest list.
    for (let top = stack.at(-1); top !== undefined && areSiblings(top[0], node); top = stack.at(-1)) {
      stack.pop();
      node = { level: node.level + 1, index: top[0].index / 2 };
      hash = nodeHash(top[1], hash);
      onNode?.(node, hash);
    }
    stack.push([node, hash]);
  }
  return stack.map(([, hash]) => hash);
}

/** The nodes of a compact range with their hashes. */
export function placed(range: CompactRange): KnownNode[] {
  const nodes = perfectNodes(range.from, range.to);
  assert(nodes.length === range.hashes.length, "a compact range has as many hashes as its ends say");
  return nodes.map((node, at) => [node, range.hashes[at]!]);
}

/** True where all are hashes by their size; for lists from outside. */
export function areHashes(hashes: readonly Uint8Array[]): hashes is readonly TreeHash[] {
  return hashes.every((hash) => hash.length === TREE_HASH_BYTES);
}

function areSiblings(left: TreeNode, right: TreeNode): boolean {
  return left.level === right.level && left.index % 2 === 0 && right.index === left.index + 1;
}

/** The level of the largest aligned subtree that begins at `at` and does not pass `to`. */
function levelAt(at: number, to: number): number {
  let level = 0;
  for (let size = 2; at % size === 0 && at + size <= to; size *= 2) level++;
  return level;
}

function assertRange(from: number, to: number): void {
  assert(
    Number.isSafeInteger(from) &&
      Number.isSafeInteger(to) &&
      0 <= from &&
      from <= to &&
      to < LOG_LENGTH_LIMIT,
    "a range of positions lies below 2^48",
  );
}
