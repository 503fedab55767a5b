import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import type { TreeHash } from "../../../src/core/base/ids.ts";
import { decodeBatch, encodeBatch, verifyBatch } from "../../../src/core/log/batch.ts";
import { extendFromBatch, extensionNodes, verifyExtension } from "../../../src/core/log/extension.ts";
import { contains, prefixOf, type Ranges, rangeOf, union } from "../../../src/core/log/ranges.ts";
import { adopt, prefixLengthWith, withHeld } from "../../../src/core/log/state.ts";
import {
  fullTilesIn,
  keepInto,
  neededFor,
  nodesInTile,
  type NodeSource,
  resolveNode,
  resolveNodes,
  type Tile,
  tileBytes,
  tileOf,
  tileSpan,
} from "../../../src/core/log/tiles.ts";
import { perfectNodes, placed, rootOf, spanOf } from "../../../src/core/log/tree.ts";
import type { KnownNode, LogState, TreeNode, VerifiedBatch } from "../../../src/core/log/types.ts";
import { nodeOfReference } from "../../support/merkle-reference.ts";
import { sampleContext, SampleLog } from "../../support/sample-log.ts";

const keyOf = ({ level, index }: Tile | TreeNode): string => `${level}/${index}`;

/** Keeps exactly what tiles.ts says that a store keeps, and shows no more of it than `neededFor` named. */
class ModelStore {
  readonly #leaves = new Map<number, TreeHash>();
  readonly #nodes = new Map<string, KnownNode>();
  readonly #tiles = new Map<string, Uint8Array>();
  #held: Ranges = [];

  get tileCount(): number {
    return this.#tiles.size;
  }

  /** Single rows: nodes that lie in no full tile. */
  get rowCount(): number {
    return this.#nodes.size;
  }

  keep(nodes: readonly KnownNode[]): void {
    for (const [node, hash] of nodes) {
      if (!this.#tiles.has(keyOf(tileOf(node)))) this.#nodes.set(keyOf(node), [node, hash]);
    }
  }

  take(from: number, leaves: readonly TreeHash[]): void {
    const touched = { from, to: from + leaves.length };
    for (const [at, leaf] of leaves.entries()) this.#leaves.set(from + at, leaf);
    this.#held = union(this.#held, [touched]);
    const whole = this.#held.find((range) => range.from <= from && from < range.to)!;
    for (const tile of fullTilesIn(whole.from, whole.to, touched)) {
      const bytes = tileBytes(tile, this.#load([tile]));
      ok(bytes !== undefined, `tile ${keyOf(tile)} is full, so its hashes are known`);
      this.#tiles.set(keyOf(tile), bytes);
      for (const [key, [node]] of this.#nodes)
        if (keyOf(tileOf(node)) === keyOf(tile)) this.#nodes.delete(key);
      const { from: first, to } = tileSpan(tile);
      if (tile.level === 0) for (let at = first; at < to; at++) this.#leaves.delete(at);
    }
  }

  resolve(nodes: readonly TreeNode[]): readonly TreeHash[] | undefined {
    return resolveNodes(nodes, this.#load(neededFor(nodes)));
  }

  #load(tiles: readonly Tile[]): NodeSource {
    const loaded = new Set(tiles.map(keyOf));
    const assertLoaded = (tile: Tile): void =>
      ok(loaded.has(keyOf(tile)), `tile ${keyOf(tile)} was named as needed`);
    return {
      tile: (tile) => {
        assertLoaded(tile);
        return this.#tiles.get(keyOf(tile));
      },
      node: (node) => {
        assertLoaded(tileOf(node));
        return node.level === 0
          ? (this.#leaves.get(node.index) ?? this.#nodes.get(keyOf(node))?.[1])
          : this.#nodes.get(keyOf(node))?.[1];
      },
    };
  }
}

const position = fc.oneof(
  fc.nat({ max: 200_000 }),
  fc.maxSafeNat().map((n) => n % (2 ** 48 - 2 ** 20)),
);

describe("tiles", () => {
  it("hold 256 hashes of every eighth level", () => {
    deepEqual(tileOf({ level: 0, index: 255 }), { level: 0, index: 0 });
    deepEqual(tileOf({ level: 0, index: 256 }), { level: 0, index: 1 });
    deepEqual(tileOf({ level: 7, index: 1 }), { level: 0, index: 0 });
    deepEqual(tileOf({ level: 8, index: 1 }), { level: 1, index: 0 });
    deepEqual(tileOf({ level: 40, index: 255 }), { level: 5, index: 0 });
    deepEqual(tileOf({ level: 0, index: 2 ** 40 + 5 }), { level: 0, index: 2 ** 32 });
    deepEqual(tileSpan({ level: 1, index: 2 }), { from: 131_072, to: 196_608 });
    deepEqual(nodesInTile({ level: 1, index: 2 })[3], { level: 8, index: 515 });
  });

  it("span every node that they answer, at any position", () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        for (const node of perfectNodes(Math.min(a, b), Math.max(a, b))) {
          const [span, inside] = [tileSpan(tileOf(node)), spanOf(node)];
          ok(span.from <= inside.from && inside.to <= span.to);
          ok(node.level - tileOf(node).level * 8 < 8);
        }
      }),
    );
  });

  it("that lie whole in a range and touch a part of it are all found, on every level", () => {
    fc.assert(
      fc.property(position, fc.nat(2 ** 20), fc.nat(2 ** 20), fc.nat(2 ** 20), (start, size, a, b) => {
        const to = start + size;
        const touched = { from: start + Math.min(a, b, size), to: start + Math.min(Math.max(a, b), size) };
        const expected: string[] = [];
        for (let level = 0; level < 3; level++) {
          const width = 256 ** (level + 1);
          for (let index = Math.floor(start / width); index * width < to; index++) {
            const { from: first, to: end } = tileSpan({ level, index });
            const isWhole = start <= first && end <= to;
            if (isWhole && first < touched.to && touched.from < end) expected.push(keyOf({ level, index }));
          }
        }
        if (touched.from < touched.to) deepEqual(fullTilesIn(start, to, touched).map(keyOf), expected);
      }),
      { numRuns: 50 },
    );
    deepEqual(fullTilesIn(0, 0), []);
    deepEqual(fullTilesIn(255, 511).map(keyOf), []);
    deepEqual(fullTilesIn(255, 512).map(keyOf), ["0/1"]);
    equal(fullTilesIn(0, 65_536).length, 257);
  });

  it("give the nodes between their levels, and nothing where a hash is missing", () => {
    const leaves = new SampleLog(256).leaves;
    const bytes = new Uint8Array(8192);
    for (const [at, leaf] of leaves.entries()) bytes.set(leaf, at * 32);
    const full: NodeSource = { tile: () => bytes, node: () => undefined };
    for (const node of [
      { level: 0, index: 200 },
      { level: 3, index: 17 },
      { level: 7, index: 1 },
    ]) {
      equal(hex(resolveNode(node, full)!), hex(nodeOfReference(node, leaves)));
    }
    const partial: NodeSource = {
      tile: () => undefined,
      node: ({ level, index }) => (level === 0 && index !== 9 ? leaves[index] : undefined),
    };
    equal(resolveNode({ level: 3, index: 1 }, partial), undefined);
    equal(
      hex(resolveNode({ level: 3, index: 2 }, partial)!),
      hex(nodeOfReference({ level: 3, index: 2 }, leaves)),
    );
    equal(
      resolveNodes(
        [
          { level: 0, index: 8 },
          { level: 0, index: 9 },
        ],
        partial,
      ),
      undefined,
    );
  });
});

describe("a store that keeps what tiles.ts says", () => {
  const log = new SampleLog(1100);
  /** Batches in any order, each under a head of some length; what they need is asked of the log's author. */
  const arrival = fc
    .tuple(fc.nat(1099), fc.integer({ min: 1, max: 400 }), fc.nat(1099))
    .map(([from, size, more]) => {
      const to = Math.min(from + size, 1100);
      return { from, to, length: Math.min(to + (more % 300), 1100) };
    });

  it("serves whatever it holds, though batches came in any order under heads of any length", () => {
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 1, maxLength: 7 }), fc.nat(), fc.nat(), (arrivals, a, b) => {
        const store = new ModelStore();
        let state: LogState | undefined;
        for (const { from, to, length } of arrivals) {
          const batch = verifyBatch(log.batch(from, to, length), sampleContext);
          ok(batch !== undefined);
          state = takeIn(store, state, batch, log);
          serveAll(store, state, log, a, b);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("ends with full tiles and a handful of rows, once it holds everything", () => {
    const store = new ModelStore();
    let state: LogState | undefined;
    for (let from = 1000; from >= 0; from -= 100) {
      const batch = verifyBatch(log.batch(from, from + 100), sampleContext);
      state = takeIn(store, state, batch!, log);
    }
    equal(state?.prefix.length, 1100);
    equal(store.tileCount, 4);
    // Four of level 8, and what proofs had brought of the last 76 entries.
    ok(store.rowCount < 4 + 2 * 8, `${store.rowCount} rows`);
  });

  it("fills tiles of level 8 as well, in a log of 66,000", () => {
    const long = new SampleLog(66_000);
    const store = new ModelStore();
    let state: LogState | undefined;
    // Newest first, as a cold copy comes in.
    for (let to = long.length; to > 0; to -= 3_300) {
      const batch = verifyBatch(long.batch(to - 3_300, to), { ...sampleContext, knownHead: long.head() });
      state = takeIn(store, state, batch!, long);
    }
    equal(store.tileCount, Math.floor(66_000 / 256) + 1);
    const nodes = [...perfectNodes(0, 65_535), ...perfectNodes(65_535, 66_000)];
    deepEqual(
      store.resolve(nodes)?.map(hex),
      nodes.map((node) => hex(nodeOfReference(node, long.leaves))),
    );
  });
});

/** One turn as a device does it: decide about the head, ask for a proof where one is needed, keep, hold. */
function takeIn(
  store: ModelStore,
  known: LogState | undefined,
  batch: VerifiedBatch,
  author: SampleLog,
): LogState {
  const to = batch.from + batch.entries.length;
  const verdict = extendFromBatch({ known, batch });
  ok(verdict.kind !== "fork");
  let state = known;
  if (verdict.kind === "longer") state = adopt(known, batch.head, verdict.peaks);
  if (verdict.kind === "needs-proof") {
    const { shorter, longer, peaks } = verdict;
    const between = extensionNodes(shorter.length, longer.length);
    // For an older head the own store is asked first, else the author.
    const own = longer === batch.head ? undefined : store.resolve(between);
    const nodes = own ?? between.map((node) => nodeOfReference(node, author.leaves));
    const kept = placed({ from: shorter.length, to: longer.length, hashes: nodes });
    const proved = verifyExtension(
      { knownPeaks: peaks, m: shorter.length, nodes, head: longer },
      keepInto(kept),
    );
    ok(proved !== undefined);
    store.keep(kept);
    if (longer === batch.head) state = adopt(known, longer, proved);
  }
  ok(state !== undefined);
  store.keep(batch.nodes);
  store.take(batch.from, batch.leaves);
  const added = rangeOf(batch.from, to);
  const length = prefixLengthWith(state, added);
  const prefixPeaks = store.resolve(perfectNodes(0, length));
  ok(prefixPeaks !== undefined);
  return withHeld(state, added, rootOf(prefixPeaks, length));
}

/** Every held range, whole and cut at random, makes a batch under the head that verifies. */
function serveAll(store: ModelStore, state: LogState, author: SampleLog, a: number, b: number): void {
  for (const range of state.held) {
    const size = range.to - range.from;
    const cuts = [a % size, b % size].toSorted((x, y) => x - y) as [number, number];
    for (const [from, to] of [
      [range.from, range.to],
      [range.from + cuts[0], range.from + cuts[1] + 1],
    ] as const) {
      const left = store.resolve(perfectNodes(0, from));
      const right = store.resolve(perfectNodes(to, state.head.length));
      ok(left !== undefined && right !== undefined, `[${from}, ${to}) can be proved`);
      const batch = { head: state.head, from, entries: author.entries.slice(from, to), left, right };
      ok(
        verifyBatch(decodeBatch(encodeBatch(batch)), { ...sampleContext, knownHead: state.head }) !==
          undefined,
      );
    }
  }
  equal(prefixOf(state.held), state.prefix.length);
  equal(contains(state.held, state.head.length), false);
}
