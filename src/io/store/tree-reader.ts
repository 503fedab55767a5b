/**
 * Hashes of nodes from what is stored: loads the tiles that src/core/log/tiles.ts asks for. Leaves of a tile that is not full
 * have no row; they are recomputed from the headers of its entries.
 * Spec: docs/spec/storage.md, "Trees". Tests: test/contracts/store.contract.ts.
 */
import type { TreeHash } from "../../core/base/ids.ts";
import { leavesOf } from "../../core/log/header.ts";
import {
  neededFor,
  type NodeSource,
  resolveNodes,
  TILE_BYTES,
  TILE_HASHES,
  type Tile,
  tileSpan,
} from "../../core/log/tiles.ts";
import { perfectNodes, TREE_HASH_BYTES } from "../../core/log/tree.ts";
import type { KnownNode, LogState, TreeNode } from "../../core/log/types.ts";
import type { EntryReader } from "./entry-reader.ts";
import { nodeOfKey, nodesOfTile, tileKey } from "./keys.ts";
import type { Database } from "./level-database.ts";
import type { Overlay } from "./overlay.ts";
import { bodyOf } from "./row-check.ts";
import {
  type Leaves,
  type LoadedTile,
  nodeName,
  noLeaves,
  tileName,
  type TreeMemory,
} from "./tree-memory.ts";

export class TreeReader {
  readonly #database: Database;
  readonly #overlay: Overlay;
  readonly #entries: EntryReader;
  readonly #memory: TreeMemory;

  constructor(parts: {
    readonly database: Database;
    readonly overlay: Overlay;
    readonly entries: EntryReader;
    readonly memory: TreeMemory;
  }) {
    this.#database = parts.database;
    this.#overlay = parts.overlay;
    this.#entries = parts.entries;
    this.#memory = parts.memory;
  }

  /**
   * Hashes of nodes, or undefined where one is not to be had. The peaks of the state are known without asking, so that an entry
   * that is damaged in the last tile keeps nothing else from being proved.
   */
  async nodes(
    logNumber: number,
    state: LogState | undefined,
    nodes: readonly TreeNode[],
  ): Promise<readonly TreeHash[] | undefined> {
    const peaks = new Map<string, TreeHash>();
    for (const [at, node] of perfectNodes(0, state?.head.length ?? 0).entries()) {
      peaks.set(nodeName(node), state!.peaks[at]!);
    }
    const others = nodes.filter((node) => !peaks.has(nodeName(node)));
    const found = resolveNodes(others, await this.source(logNumber, neededFor(others)));
    if (found === undefined) return undefined;
    let next = 0;
    return nodes.map((node) => peaks.get(nodeName(node)) ?? found[next++]!);
  }

  /** Loads tiles so that their nodes can be resolved. */
  async source(logNumber: number, tiles: readonly Tile[]): Promise<NodeSource> {
    const loaded = new Map<string, LoadedTile>();
    const leaves = new Map<string, Leaves>();
    for (const [at, tile] of (await this.#load(logNumber, tiles)).entries()) {
      const name = tileName(logNumber, tiles[at]!);
      loaded.set(name, tile);
      if (tile.kind === "partial" && tiles[at]!.level === 0) {
        leaves.set(name, await this.leavesOfTile(logNumber, tiles[at]!));
      }
    }
    return {
      tile: (tile) => {
        const found = loaded.get(tileName(logNumber, tile));
        return found?.kind === "full" ? found.bytes : undefined;
      },
      node: (node) => {
        for (const found of loaded.values()) {
          const hash = found.kind === "partial" ? found.nodes.get(nodeName(node)) : undefined;
          if (hash !== undefined) return hash;
        }
        if (node.level > 0) return undefined;
        const index = Math.floor(node.index / TILE_HASHES);
        return leaves.get(tileName(logNumber, { level: 0, index }))?.[node.index % TILE_HASHES];
      },
    };
  }

  /** The rows of nodes that a tile has while it is not full. */
  async nodeRows(
    logNumber: number,
    tile: Tile,
  ): Promise<readonly { readonly key: Uint8Array; readonly known: KnownNode }[]> {
    const rows: { readonly key: Uint8Array; readonly known: KnownNode }[] = [];
    for await (const chunk of this.#database.read(nodesOfTile(logNumber, tile))) {
      for (const [key, value] of chunk) {
        const body = bodyOf(key, value);
        if (body?.length !== TREE_HASH_BYTES) continue;
        rows.push({ key, known: [nodeOfKey(key), body as TreeHash] });
      }
    }
    return rows;
  }

  /** Leaves of what is stored of a tile, from memory or from its entries. */
  async leavesOfTile(logNumber: number, tile: Tile): Promise<Leaves> {
    const name = tileName(logNumber, tile);
    const known = this.#memory.leaves(name);
    if (known !== undefined) return known;
    const { changes } = this.#memory;
    const leaves = noLeaves();
    const span = tileSpan(tile);
    for (const { position, entry } of await this.#entries.readable(logNumber, span)) {
      leaves[position - span.from] = leavesOf([entry])[0];
    }
    if (changes === this.#memory.changes) this.#memory.keepLeaves(name, leaves);
    return leaves;
  }

  async #load(logNumber: number, tiles: readonly Tile[]): Promise<readonly LoadedTile[]> {
    const { changes } = this.#memory;
    const loaded = tiles.map((tile) => this.#fromMemory(logNumber, tile));
    const missing = [...tiles.keys()].filter((at) => loaded[at] === undefined);
    const keys = missing.map((at) => tileKey(logNumber, tiles[at]!));
    const values = keys.length === 0 ? [] : await this.#database.getMany(keys);
    for (const [n, at] of missing.entries()) {
      const value = values[n];
      const bytes = value === undefined ? undefined : bodyOf(keys[n]!, value);
      const found = bytes?.length === TILE_BYTES ? full(bytes) : await this.#loadNodes(logNumber, tiles[at]!);
      loaded[at] = found;
      if (changes === this.#memory.changes) this.#memory.keepTile(tileName(logNumber, tiles[at]!), found);
    }
    return loaded as readonly LoadedTile[];
  }

  #fromMemory(logNumber: number, tile: Tile): LoadedTile | undefined {
    const name = tileName(logNumber, tile);
    const bytes = this.#overlay.tile(name);
    return bytes === undefined ? this.#memory.tile(name) : full(bytes);
  }

  async #loadNodes(logNumber: number, tile: Tile): Promise<LoadedTile> {
    const nodes = new Map<string, TreeHash>();
    const inFlight = this.#overlay.nodesOfTile(tileName(logNumber, tile));
    const stored = (await this.nodeRows(logNumber, tile)).map(({ known }) => known);
    for (const [node, hash] of [...stored, ...inFlight]) nodes.set(nodeName(node), hash);
    return { kind: "partial", nodes };
  }
}

function full(bytes: Uint8Array): LoadedTile {
  return { kind: "full", bytes };
}
