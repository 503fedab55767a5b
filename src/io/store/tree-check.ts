/**
 * Proved hashes of a log's tiles, from the head down, for verifying: loads what is stored and, where that is damaged, makes it
 * again from what is below. Nothing that was read with an error is taken for true; nothing is written here.
 * Spec: docs/spec/storage.md, "Verifying". Tests: test/integration/store/verify.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { TreeHash } from "../../core/base/ids.ts";
import { covers, type Ranges } from "../../core/log/ranges.ts";
import {
  nodesInTile,
  TILE_BYTES,
  TILE_HASHES,
  TILE_HEIGHT,
  type Tile,
  tileSpan,
} from "../../core/log/tiles.ts";
import { perfectNodes, rootOf, spanOf, TREE_HASH_BYTES } from "../../core/log/tree.ts";
import type { KnownNode, LogState } from "../../core/log/types.ts";
import { nodeOfKey, nodesOfTile, tileKey } from "./keys.ts";
import type { Database } from "./level-database.ts";
import { bodyOf, readable } from "./row-check.ts";
import { nodeName } from "./tree-memory.ts";
import { proveTile } from "./tree-proof.ts";
import { rootOfTile } from "./tree-writer.ts";

/** By index of the node. */
export type ProvedHashes = ReadonlyMap<number, TreeHash>;

/** A tile whose row is not what it should be, with what it should be. */
export interface TileRepair {
  readonly tile: Tile;
  readonly bytes: Uint8Array;
}

export class TreeCheck {
  readonly #database: Database;
  readonly #logNumber: number;
  readonly #state: LogState;
  readonly #isRooted: boolean;
  /** The last tile of each level: tiles are asked for in order. */
  readonly #last = new Map<number, { readonly index: number; readonly proved: ProvedHashes }>();
  readonly tileRepairs: TileRepair[] = [];
  readonly nodeRepairs: KnownNode[] = [];

  constructor(parts: { readonly database: Database; readonly logNumber: number; readonly state: LogState }) {
    this.#database = parts.database;
    this.#logNumber = parts.logNumber;
    this.#state = parts.state;
    const { peaks, head } = this.#state;
    this.#isRooted = equalBytes(rootOf(peaks, head.length), head.root);
  }

  /** The proved leaves of a tile, given those that its entries have. */
  async leaves(index: number, ofEntries: ReadonlyMap<number, TreeHash>): Promise<ProvedHashes> {
    const tile = { level: 0, index };
    const tops = await this.#topsOf(tile);
    const row = await this.#tileRow(tile);
    if (row !== undefined) {
      const proved = proveTile(tile, tops, hashesOfRow(tile, row));
      if (proved.size === TILE_HASHES) return proved;
    }
    // A tile that is not full, or whose row is damaged: leaves of entries and rows of proof nodes.
    const hashes = await this.#nodeRows(tile);
    for (const [position, leaf] of ofEntries) hashes.set(nodeName({ level: 0, index: position }), leaf);
    const proved = proveTile(tile, tops, hashes);
    this.#repairTile(tile, proved);
    return proved;
  }

  /**
   * Nodes of tiles without a row that some of `dropped` lie in: without their leaves nobody could compute what is above them.
   */
  async proofsAround(dropped: Ranges): Promise<readonly KnownNode[]> {
    const proofs: KnownNode[] = [];
    for (const range of dropped) {
      for (let index = Math.floor(range.from / TILE_HASHES); index * TILE_HASHES < range.to; index++) {
        proofs.push(...(await this.#topsOf({ level: 0, index })));
      }
    }
    return proofs;
  }

  /** Tiles of leaves at which a check would find the same rows to repair again. */
  repairedLeafTiles(): readonly number[] {
    const spans = [
      ...this.tileRepairs.map(({ tile }) => tileSpan(tile)),
      ...this.nodeRepairs.map(([node]) => spanOf(node)),
    ];
    return spans.map(({ from }) => Math.floor(from / TILE_HASHES));
  }

  /** The proved hashes of a tile above the leaves. */
  async #hashes(tile: Tile): Promise<ProvedHashes> {
    const last = this.#last.get(tile.level);
    if (last?.index === tile.index) return last.proved;
    const proved = await this.#prove(tile);
    this.#last.set(tile.level, { index: tile.index, proved });
    return proved;
  }

  async #prove(tile: Tile): Promise<ProvedHashes> {
    const tops = await this.#topsOf(tile);
    const row = await this.#tileRow(tile);
    const rows = row === undefined ? await this.#nodeRows(tile) : hashesOfRow(tile, row);
    const proved = proveTile(tile, tops, rows);
    if (this.#isEnough(tile, proved)) return proved;
    // Hashes that are missing or damaged are made again from the tiles below.
    const made: KnownNode[] = [];
    for (const node of nodesInTile(tile)) {
      if (proved.has(node.index) || !covers(this.#state.held, [spanOf(node)])) continue;
      const below = await this.#tileRow({ level: tile.level - 1, index: node.index });
      if (below === undefined) continue;
      made.push([node, rootOfTile(below)]);
      rows.set(nodeName(node), rootOfTile(below));
    }
    const again = proveTile(tile, tops, rows);
    if (!this.#repairTile(tile, again)) {
      for (const [node, hash] of made) {
        if (!proved.has(node.index) && again.has(node.index)) this.nodeRepairs.push([node, hash]);
      }
    }
    return again;
  }

  /** The nodes above a tile that are proved already. */
  async #topsOf(tile: Tile): Promise<readonly KnownNode[]> {
    if (!this.#isRooted) return [];
    const { head, peaks } = this.#state;
    const span = tileSpan(tile);
    const tops: KnownNode[] = [];
    const peakNames = perfectNodes(0, head.length).map(nodeName);
    for (const node of perfectNodes(span.from, Math.min(span.to, head.length))) {
      // At the end of the log there are peaks below the tile's own level: they belong to tiles further down.
      if (node.level < tile.level * TILE_HEIGHT) continue;
      const peak = peaks[peakNames.indexOf(nodeName(node))];
      const hash = peak ?? (await this.#hashes(parentTileOf(tile))).get(node.index);
      if (hash !== undefined) tops.push([node, hash]);
    }
    return tops;
  }

  /** True where every hash is proved that something held lies below. */
  #isEnough(tile: Tile, proved: ProvedHashes): boolean {
    const { head, held } = this.#state;
    return nodesInTile(tile).every((node) => {
      const { from, to } = spanOf(node);
      return (
        proved.has(node.index) ||
        to > head.length ||
        !held.some((range) => range.from < to && from < range.to)
      );
    });
  }

  /** Notes that the row of a tile that should be full is to be written again; false where it should not be full. */
  #repairTile(tile: Tile, proved: ProvedHashes): boolean {
    if (proved.size < TILE_HASHES || !covers(this.#state.held, [tileSpan(tile)])) return false;
    const bytes = new Uint8Array(TILE_BYTES);
    for (const [at, node] of nodesInTile(tile).entries())
      bytes.set(proved.get(node.index)!, at * TREE_HASH_BYTES);
    this.tileRepairs.push({ tile, bytes });
    return true;
  }

  async #tileRow(tile: Tile): Promise<Uint8Array | undefined> {
    const key = tileKey(this.#logNumber, tile);
    const value = await readable(async () => (await this.#database.getMany([key]))[0]);
    const bytes = value === undefined ? undefined : bodyOf(key, value);
    return bytes?.length === TILE_BYTES ? bytes : undefined;
  }

  async #nodeRows(tile: Tile): Promise<Map<string, TreeHash>> {
    const rows = new Map<string, TreeHash>();
    await readable(async () => {
      for await (const chunk of this.#database.read(nodesOfTile(this.#logNumber, tile))) {
        for (const [key, value] of chunk) {
          const body = bodyOf(key, value);
          if (body?.length === TREE_HASH_BYTES) rows.set(nodeName(nodeOfKey(key)), body as TreeHash);
        }
      }
    });
    return rows;
  }
}

function parentTileOf(tile: Tile): Tile {
  return { level: tile.level + 1, index: Math.floor(tile.index / TILE_HASHES) };
}

function hashesOfRow(tile: Tile, bytes: Uint8Array): Map<string, TreeHash> {
  const level = tile.level * TILE_HEIGHT;
  const hashes = new Map<string, TreeHash>();
  for (let at = 0; at < TILE_HASHES; at++) {
    const hash = bytes.subarray(at * TREE_HASH_BYTES, (at + 1) * TREE_HASH_BYTES) as TreeHash;
    hashes.set(nodeName({ level, index: tile.index * TILE_HASHES + at }), hash);
  }
  return hashes;
}
