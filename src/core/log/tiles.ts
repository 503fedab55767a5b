/**
 * Where tree hashes lie at rest: tiles of 256 hashes, as in C2SP tlog-tiles ("Merkle Tree"). Tile (0, i) holds the leaves from
 * 256 · i on, tile (k, i) the nodes of level 8k. Pure arithmetic and lookups; the rows are the store's.
 *
 * What a store keeps, so that `resolveNode` never needs a row of another tile:
 * - a tile as one row, once all its 256 hashes are known here;
 * - until then, as a row each: every completed node of level 8, 16, … and every proof node that came with a batch or
 *   an extension (`VerifiedBatch.nodes`, `keepInto`). Keyed by `tileOf(node)` first, all of one tile are one range read.
 * Leaves of a tile that is not full have no row: they are recomputed from the headers of its entries, at most 255.
 *
 * Reading takes two steps, so that waiting stays outside: `neededFor(nodes)` names the tiles, the store loads them into a
 * `NodeSource`, `resolveNodes` answers. Tests: test/unit/log/tiles.test.ts.
 */
import { assert } from "../base/errors.ts";
import type { TreeHash } from "../base/ids.ts";
import type { Range } from "./ranges.ts";
import { nodeHash, type OnNode, spanOf, TREE_HASH_BYTES } from "./tree.ts";
import type { KnownNode, TreeNode } from "./types.ts";

/** 256 hashes of level `8 * level`, the first at `256 * index` of that level. */
export interface Tile {
  readonly level: number;
  readonly index: number;
}

/** What a store has loaded of the tiles that `neededFor` named. */
export interface NodeSource {
  /** The 8,192 bytes of a full tile. */
  readonly tile: (tile: Tile) => Uint8Array | undefined;
  /** A node that has a row of its own, or a leaf recomputed from its entry. */
  readonly node: (node: TreeNode) => TreeHash | undefined;
}

export const TILE_HEIGHT = 8;
export const TILE_HASHES = 256;
export const TILE_BYTES = TILE_HASHES * TREE_HASH_BYTES;

/** The tile from which a node is answered: the highest whose hashes are not above it. */
export function tileOf(node: TreeNode): Tile {
  const level = Math.floor(node.level / TILE_HEIGHT);
  const width = 2 ** (node.level - level * TILE_HEIGHT);
  return { level, index: Math.floor((node.index * width) / TILE_HASHES) };
}

/** The positions under a tile. */
export function tileSpan(tile: Tile): Range {
  return spanOf({ level: (tile.level + 1) * TILE_HEIGHT, index: tile.index });
}

/** The 256 nodes whose hashes make the tile, in order. */
export function nodesInTile(tile: Tile): readonly TreeNode[] {
  const level = tile.level * TILE_HEIGHT;
  return Array.from({ length: TILE_HASHES }, (_, n) => ({ level, index: tile.index * TILE_HASHES + n }));
}

/**
 * The tiles of every level that lie wholly in `[from, to)` and hold a position of `touched`, lowest level first.
 * With the range that is held as the first and what was just added as the second, those are the tiles that became full.
 */
export function fullTilesIn(from: number, to: number, touched: Range = { from, to }): readonly Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; ; level++) {
    const size = 2 ** ((level + 1) * TILE_HEIGHT);
    const first = Math.max(Math.ceil(from / size), Math.floor(touched.from / size));
    const end = Math.min(Math.floor(to / size), Math.ceil(touched.to / size));
    // What holds no whole tile of this level holds none of a higher one.
    if (Math.ceil(from / size) >= Math.floor(to / size)) return tiles;
    for (let index = first; index < end; index++) tiles.push({ level, index });
  }
}

/** The tiles to load before `resolveNodes(nodes, …)`, each once. */
export function neededFor(nodes: readonly TreeNode[]): readonly Tile[] {
  const tiles: Tile[] = [];
  for (const node of nodes) {
    const tile = tileOf(node);
    // Perfect nodes of a range come grouped by tile, and there are few.
    if (!tiles.some((other) => other.level === tile.level && other.index === tile.index)) tiles.push(tile);
  }
  return tiles;
}

/**
 * A node's hash from the rows of its tile, or undefined where they do not give it: then it cannot be proved from here now.
 * Costs at most 255 lookups and hashes.
 */
export function resolveNode(node: TreeNode, source: NodeSource): TreeHash | undefined {
  return resolveWithin(node, tileOf(node), source);
}

/** All of them, or undefined where one is missing. */
export function resolveNodes(
  nodes: readonly TreeNode[],
  source: NodeSource,
): readonly TreeHash[] | undefined {
  const hashes: TreeHash[] = [];
  for (const node of nodes) {
    const hash = resolveNode(node, source);
    if (hash === undefined) return undefined;
    hashes.push(hash);
  }
  return hashes;
}

/** A tile's row, where all its 256 hashes are known. */
export function tileBytes(tile: Tile, source: NodeSource): Uint8Array | undefined {
  const stored = source.tile(tile);
  if (stored !== undefined) return stored;
  const bytes = new Uint8Array(TILE_BYTES);
  for (const [at, node] of nodesInTile(tile).entries()) {
    const hash = source.node(node);
    if (hash === undefined) return undefined;
    bytes.set(hash, at * TREE_HASH_BYTES);
  }
  return bytes;
}

/** An `OnNode` that collects what a store keeps of the completed nodes. */
export function keepInto(nodes: KnownNode[]): OnNode {
  return (node, hash) => {
    if (node.level % TILE_HEIGHT === 0) nodes.push([node, hash]);
  };
}

function resolveWithin(node: TreeNode, tile: Tile, source: NodeSource): TreeHash | undefined {
  const own = source.node(node);
  if (own !== undefined) return own;
  if (node.level === tile.level * TILE_HEIGHT) return hashInTile(node, tile, source);
  const left = resolveWithin({ level: node.level - 1, index: node.index * 2 }, tile, source);
  if (left === undefined) return undefined;
  const right = resolveWithin({ level: node.level - 1, index: node.index * 2 + 1 }, tile, source);
  return right === undefined ? undefined : nodeHash(left, right);
}

function hashInTile(node: TreeNode, tile: Tile, source: NodeSource): TreeHash | undefined {
  const bytes = source.tile(tile);
  if (bytes === undefined) return undefined;
  assert(bytes.length === TILE_BYTES, "a full tile has 256 hashes");
  const at = (node.index - tile.index * TILE_HASHES) * TREE_HASH_BYTES;
  return bytes.subarray(at, at + TREE_HASH_BYTES) as TreeHash;
}
