/**
 * What a commit brings of the trees: tiles that it fills, nodes of level 8, 16, … and proof nodes. What is kept, and why that is
 * enough, says src/core/log/tiles.ts.
 * Spec: docs/spec/storage.md, "Trees". Tests: test/contracts/store.contract.ts.
 */
import type { TreeHash } from "../../core/base/ids.ts";
import { covers, intersect, type Range, type Ranges } from "../../core/log/ranges.ts";
import {
  fullTilesIn,
  neededFor,
  resolveNodes,
  TILE_BYTES,
  TILE_HASHES,
  TILE_HEIGHT,
  type Tile,
  tileBytes,
  tileOf,
  tileSpan,
} from "../../core/log/tiles.ts";
import { nodeHash, nodesOf, spanOf, TREE_HASH_BYTES } from "../../core/log/tree.ts";
import type { KnownNode, TreeNode } from "../../core/log/types.ts";
import type { LogWrite } from "../../core/sync/ports.ts";
import { nodeKey } from "./keys.ts";
import type { Overlay, TreeChange } from "./overlay.ts";
import { nodeName, noLeaves, tileName, type TreeMemory } from "./tree-memory.ts";
import { childrenOf } from "./tree-proof.ts";
import type { TreeReader } from "./tree-reader.ts";

/** One write to one log, and what was held of the log before it. */
export interface TreeWrite {
  readonly logNumber: number;
  readonly heldBefore: Ranges;
  readonly log: LogWrite;
}

export class TreeWriter {
  readonly #overlay: Overlay;
  readonly #reader: TreeReader;
  readonly #memory: TreeMemory;

  constructor(parts: {
    readonly overlay: Overlay;
    readonly reader: TreeReader;
    readonly memory: TreeMemory;
  }) {
    this.#overlay = parts.overlay;
    this.#reader = parts.reader;
    this.#memory = parts.memory;
  }

  /** Adds to `change` what the write brings. Writes are given in the order of their commits. */
  async prepare(change: TreeChange, write: TreeWrite): Promise<void> {
    const { log } = write;
    this.#memory.changed();
    const touched = this.#keepGiven(change, write);
    if (log.entries.length > 0) await this.#fillTiles(change, write);
    await this.#closeTiles(change, write, touched);
  }

  /** Tiles of which the write brings the last leaves. */
  async #fillTiles(change: TreeChange, write: TreeWrite): Promise<void> {
    const { logNumber, heldBefore, log } = write;
    const added = { from: log.from, to: log.from + log.entries.length };
    this.#rememberLeaves(write, added);
    const around = log.state.held.find((range) => range.from <= added.from && added.to <= range.to);
    if (around === undefined) return;
    for (const tile of fullTilesIn(around.from, around.to, added)) {
      if (covers(heldBefore, [tileSpan(tile)])) continue;
      const bytes =
        tile.level === 0
          ? await this.#leafTile(logNumber, tile, log)
          : await this.#nodeTile(change, logNumber, tile);
      if (bytes === undefined) continue;
      const name = tileName(logNumber, tile);
      change.tiles.set(name, { logNumber, tile, bytes });
      this.#memory.keepTile(name, { kind: "full", bytes });
      const root = rootNodeOf(tile);
      // Nearly always the proof brought it.
      if (this.#memory.isNew(logNumber, root)) this.#keep(change, logNumber, [root, rootOfTile(bytes)]);
    }
  }

  /**
   * Of the nodes that came with the write those that its own leaves will not give. Returns the tiles that they lie in.
   */
  #keepGiven(change: TreeChange, { logNumber, heldBefore, log }: TreeWrite): readonly Tile[] {
    const fresh: TreeNode[] = [];
    for (const [node, hash] of log.nodes) {
      const span = [spanOf(node)];
      if (covers(heldBefore, span)) continue;
      const isTileHash = node.level > 0 && node.level % TILE_HEIGHT === 0;
      if (!isTileHash && covers(log.state.held, span)) continue;
      if (!this.#memory.isNew(logNumber, node)) continue;
      this.#keep(change, logNumber, [node, hash]);
      fresh.push(node);
    }
    return neededFor(fresh);
  }

  /**
   * The node above a tile may follow from proof nodes and leaves together. Whoever verified the proof nearly always gives it; what
   * nobody gave is found here, since later no other tile is searched for it.
   */
  async #closeTiles(change: TreeChange, write: TreeWrite, touched: readonly Tile[]): Promise<void> {
    const { logNumber, log } = write;
    const open = [...touched];
    for (let tile = open.shift(); tile !== undefined; tile = open.shift()) {
      const root = rootNodeOf(tile);
      if (tileSpan(tile).to > log.state.head.length || this.#memory.isSeen(logNumber, root)) continue;
      const stored = await this.#reader.source(logNumber, [tile]);
      const fresh = new Map(
        change.nodes.get(tileName(logNumber, tile))?.known.map(([node, hash]) => [nodeName(node), hash]),
      );
      const source = {
        tile: stored.tile,
        node: (node: TreeNode) => fresh.get(nodeName(node)) ?? stored.node(node),
      };
      const children = resolveNodes(childrenOf(root), source);
      if (children === undefined) continue;
      this.#memory.isNew(logNumber, root);
      this.#keep(change, logNumber, [root, nodeHash(children[0]!, children[1]!)]);
      open.push(tileOf(root));
    }
  }

  #keep(change: TreeChange, logNumber: number, known: KnownNode): void {
    const [node, hash] = known;
    const name = tileName(logNumber, tileOf(node));
    const group = change.nodes.get(name);
    if (group === undefined) change.nodes.set(name, { logNumber, known: [known] });
    else group.known.push(known);
    this.#memory.addNode(name, node, hash);
  }

  /** The row of a tile of leaves that the write fills. */
  async #leafTile(logNumber: number, tile: Tile, write: LogWrite): Promise<Uint8Array | undefined> {
    const { from, to } = tileSpan(tile);
    const bytes = new Uint8Array(TILE_BYTES);
    const isWhole = write.from <= from && to <= write.from + write.leaves.length;
    const others = isWhole ? [] : await this.#reader.leavesOfTile(logNumber, tile);
    for (let at = 0; at < TILE_HASHES; at++) {
      const leaf = write.leaves[from + at - write.from] ?? others[at];
      if (leaf === undefined) return undefined;
      bytes.set(leaf, at * TREE_HASH_BYTES);
    }
    this.#memory.dropLeaves(tileName(logNumber, tile));
    return bytes;
  }

  /** The row of a tile of nodes, which from then on stands for their own rows. */
  async #nodeTile(change: TreeChange, logNumber: number, tile: Tile): Promise<Uint8Array | undefined> {
    const name = tileName(logNumber, tile);
    const rows = await this.#reader.nodeRows(logNumber, tile);
    const fresh = [...this.#overlay.nodesOfTile(name), ...(change.nodes.get(name)?.known ?? [])];
    const hashes = new Map<string, TreeHash>();
    const stored = rows.map(({ known }) => known);
    for (const [node, hash] of [...stored, ...fresh]) hashes.set(nodeName(node), hash);
    const bytes = tileBytes(tile, { tile: () => undefined, node: (node) => hashes.get(nodeName(node)) });
    if (bytes === undefined) return undefined;
    change.gone.push(...rows.map(({ key }) => key), ...fresh.map(([node]) => nodeKey(logNumber, node)));
    return bytes;
  }

  /** Keeps the leaves of tiles that stay unfilled in memory, where all earlier ones are there or there are none. */
  #rememberLeaves({ logNumber, heldBefore, log }: TreeWrite, added: Range): void {
    const last = Math.floor((added.to - 1) / TILE_HASHES);
    for (let index = Math.floor(added.from / TILE_HASHES); index <= last; index++) {
      const tile = { level: 0, index };
      const span = tileSpan(tile);
      const [inTile] = intersect([added], [span]);
      if (inTile === undefined || inTile.to - inTile.from === TILE_HASHES) continue;
      const name = tileName(logNumber, tile);
      let leaves = this.#memory.leaves(name);
      if (leaves === undefined) {
        if (intersect(heldBefore, [span]).length > 0) continue;
        leaves = noLeaves();
        this.#memory.keepLeaves(name, leaves);
      }
      for (let at = inTile.from; at < inTile.to; at++) leaves[at - span.from] = log.leaves[at - log.from];
    }
  }
}

/** The node above all of a tile: a hash of the next tile. */
function rootNodeOf(tile: Tile): TreeNode {
  return { level: (tile.level + 1) * TILE_HEIGHT, index: tile.index };
}

/** The node above the 256 hashes of a tile, of whatever level they are. */
export function rootOfTile(bytes: Uint8Array): TreeHash {
  const hashes = Array.from(
    { length: TILE_HASHES },
    (_, at) => bytes.subarray(at * TREE_HASH_BYTES, (at + 1) * TREE_HASH_BYTES) as TreeHash,
  );
  return nodesOf(hashes, 0)[0]!;
}
