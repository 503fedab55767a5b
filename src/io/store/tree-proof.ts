/**
 * Which hashes of a tile follow from the head. Begins at nodes that are already proved and goes down: two children are proved when
 * they hash to their parent. Where a node has two hashes to choose from, its own row and the one made from below, either may be
 * the damaged one. Pure.
 * Spec: docs/spec/storage.md, "Verifying". Tests: test/integration/store/verify.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { TreeHash } from "../../core/base/ids.ts";
import { TILE_HEIGHT, type Tile } from "../../core/log/tiles.ts";
import { nodeHash } from "../../core/log/tree.ts";
import type { KnownNode, TreeNode } from "../../core/log/types.ts";
import { nodeName } from "./tree-memory.ts";

/** What is stored of a tile: its hashes, and nodes above them that have rows of their own. */
export type StoredHashes = ReadonlyMap<string, TreeHash>;

/** The hashes of the tile's own level that follow from `tops`, by the index of their node. */
export function proveTile(
  tile: Tile,
  tops: readonly KnownNode[],
  stored: StoredHashes,
): ReadonlyMap<number, TreeHash> {
  const level = tile.level * TILE_HEIGHT;
  const proved = new Map<number, TreeHash>();
  const made = new Map<string, TreeHash | undefined>();

  /** From the hashes of the tile alone, or from rows where those are missing. */
  const make = (node: TreeNode): TreeHash | undefined => {
    const name = nodeName(node);
    if (node.level === level) return stored.get(name);
    if (made.has(name)) return made.get(name);
    const [left, right] = childrenOf(node).map((child) => make(child) ?? stored.get(nodeName(child)));
    const hash = left === undefined || right === undefined ? undefined : nodeHash(left, right);
    made.set(name, hash);
    return hash;
  };
  const candidates = (node: TreeNode): readonly TreeHash[] =>
    [make(node), stored.get(nodeName(node))].filter((hash) => hash !== undefined);

  const prove = (node: TreeNode, hash: TreeHash): void => {
    if (node.level === level) {
      const own = stored.get(nodeName(node));
      if (own !== undefined && equalBytes(own, hash)) proved.set(node.index, hash);
      return;
    }
    const [left, right] = childrenOf(node);
    for (const leftHash of candidates(left)) {
      for (const rightHash of candidates(right)) {
        if (!equalBytes(nodeHash(leftHash, rightHash), hash)) continue;
        prove(left, leftHash);
        prove(right, rightHash);
        return;
      }
    }
  };
  for (const [node, hash] of tops) prove(node, hash);
  return proved;
}

export function childrenOf({ level, index }: TreeNode): readonly [TreeNode, TreeNode] {
  return [
    { level: level - 1, index: index * 2 },
    { level: level - 1, index: index * 2 + 1 },
  ];
}
