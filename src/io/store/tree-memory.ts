/**
 * What is kept in memory of the trees, so that appending and serving seldom read: leaves of tiles that are not full, rows of
 * tiles read lately. Everything in it could be read again; nothing is true because it is here.
 * Tests: test/contracts/store.contract.ts.
 */
import type { TreeHash } from "../../core/base/ids.ts";
import { TILE_HASHES, type Tile } from "../../core/log/tiles.ts";
import type { TreeNode } from "../../core/log/types.ts";

/** By place in the tile; undefined where nothing is held. */
export type Leaves = (TreeHash | undefined)[];

/** A tile as its rows give it: whole, or the nodes that have a row of their own. */
export type LoadedTile =
  | { readonly kind: "full"; readonly bytes: Uint8Array }
  | { readonly kind: "partial"; readonly nodes: Map<string, TreeHash> };

/** The growing ends of logs, and tiles with holes: 8 KiB each. */
const LEAF_TILES_MAX = 64;
const LOADED_TILES_MAX = 64;
/** Names of nodes that are known to be stored, so that proofs do not bring them again with every batch. */
const SEEN_NODES_MAX = 8192;

export class TreeMemory {
  readonly #leaves = new Map<string, Leaves>();
  readonly #tiles = new Map<string, LoadedTile>();
  readonly #seen = new Set<string>();
  #changes = 0;

  /** Differs after every change: what was read before one may not be kept after it. */
  get changes(): number {
    return this.#changes;
  }

  changed(): void {
    this.#changes++;
  }

  /** True the first time; false where the node is stored, or on its way. */
  isNew(logNumber: number, node: TreeNode): boolean {
    const name = `${logNumber}/${nodeName(node)}`;
    if (this.#seen.has(name)) return false;
    if (this.#seen.size >= SEEN_NODES_MAX) this.#seen.clear();
    this.#seen.add(name);
    return true;
  }

  isSeen(logNumber: number, node: TreeNode): boolean {
    return this.#seen.has(`${logNumber}/${nodeName(node)}`);
  }

  leaves(tile: string): Leaves | undefined {
    return this.#leaves.get(tile);
  }

  keepLeaves(tile: string, leaves: Leaves): void {
    makeRoom(this.#leaves, LEAF_TILES_MAX);
    this.#leaves.set(tile, leaves);
  }

  dropLeaves(tile: string): void {
    this.#leaves.delete(tile);
  }

  tile(tile: string): LoadedTile | undefined {
    return this.#tiles.get(tile);
  }

  keepTile(tile: string, loaded: LoadedTile): void {
    makeRoom(this.#tiles, LOADED_TILES_MAX);
    this.#tiles.set(tile, loaded);
  }

  /** A node is on its way to the disk: a tile that was read before must show it. */
  addNode(tile: string, node: TreeNode, hash: TreeHash): void {
    const loaded = this.#tiles.get(tile);
    if (loaded?.kind === "partial") loaded.nodes.set(nodeName(node), hash);
  }

  clear(): void {
    this.#leaves.clear();
    this.#tiles.clear();
    this.#seen.clear();
    this.#changes++;
  }
}

export function noLeaves(): Leaves {
  return Array.from({ length: TILE_HASHES }, () => undefined);
}

export function nodeName({ level, index }: TreeNode): string {
  return `${level}/${index}`;
}

export function tileName(logNumber: number, tile: Tile): string {
  return `${logNumber}/${tile.level}/${tile.index}`;
}

/** The oldest goes: maps keep the order of insertion. */
function makeRoom<Value>(map: Map<string, Value>, sizeMax: number): void {
  if (map.size < sizeMax) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
