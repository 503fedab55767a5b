/**
 * Whether one signed head continues another. A device adopts a longer head only with a proof that it continues the one it
 * knows; heads that contradict each other are a fork, which only the log's author can have made.
 * Format: docs/spec/log.md, "Extension". Tests: test/unit/log/extension.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import type { TreeHash } from "../base/ids.ts";
import { joinRanges } from "./batch.ts";
import type { Fork } from "./fork.ts";
import {
  areHashes,
  type CompactRange,
  mergeRanges,
  nodesOf,
  type OnNode,
  perfectNodeCount,
  perfectNodes,
  rootOf,
  spanOf,
} from "./tree.ts";
import type { Head, LogState, TreeNode, VerifiedBatch } from "./types.ts";

/** What a batch says about its head against the head known here. */
export type HeadVerdict =
  /** The batch's head is the known one, or provably a beginning of it: its entries may be taken in, the head stays. */
  | { readonly kind: "known" }
  /** The batch's head provably continues the known one: adopt it with these peaks. */
  | { readonly kind: "longer"; readonly peaks: readonly TreeHash[] }
  /**
   * Not decided by the batch alone. The perfect nodes of `[shorter.length, longer.length)` decide:
   * `verifyExtension({ knownPeaks: peaks, m: shorter.length, nodes, head: longer })`. Where the known head is the shorter one,
   * a peer is asked for them; where it is the longer one, this device's own store may have them. Until then the head is
   * unproven and nothing of the batch is taken in; it is nobody's fault.
   */
  | {
      readonly kind: "needs-proof";
      readonly shorter: Head;
      readonly longer: Head;
      readonly peaks: readonly TreeHash[];
    }
  /** Both heads are signed and contradict each other, which `fork` shows to anyone. */
  | { readonly kind: "fork"; readonly fork: Fork };

/** What proves that a head of length `n` continues one of length `m`; from 0 they are the peaks. */
export function extensionNodes(m: number, n: number): readonly TreeNode[] {
  return perfectNodes(m, n);
}

/**
 * The peaks of `[0, head.length)` where `nodes` prove that `head` continues the tree of `m` leaves with `knownPeaks`; else
 * undefined, which may be the peer's fault as well as a fork. The caller has verified the head's signature.
 * `onNode` is told of the nodes completed: a store keeps `placed({ from: m, to: n, hashes: nodes })` and what `keepInto` took.
 */
export function verifyExtension(
  claim: {
    readonly knownPeaks: readonly TreeHash[];
    readonly m: number;
    readonly nodes: readonly Uint8Array[];
    readonly head: Head;
  },
  onNode?: OnNode,
): readonly TreeHash[] | undefined {
  const { knownPeaks, m, nodes, head } = claim;
  const n = head.length;
  if (n < m || nodes.length !== perfectNodeCount(m, n) || !areHashes(nodes)) return undefined;
  const peaks = mergeRanges(
    { from: 0, to: m, hashes: knownPeaks },
    { from: m, to: n, hashes: nodes },
    onNode,
  );
  return equalBytes(rootOf(peaks, n), head.root) ? peaks : undefined;
}

/** Decides about the head of a verified batch from what is known of its log; `known` is of the same log. */
export function extendFromBatch(claim: {
  readonly known: LogState | undefined;
  readonly batch: VerifiedBatch;
}): HeadVerdict {
  const { known, batch } = claim;
  const { head } = batch;
  if (known !== undefined && known.head.length === head.length && equalBytes(known.head.root, head.root)) {
    return { kind: "known" };
  }
  const peaks = peaksOf(batch);
  if (known === undefined) return { kind: "longer", peaks };

  const knownIsShorter = known.head.length <= head.length;
  const [shorter, longer] = knownIsShorter ? [known.head, head] : [head, known.head];
  // Where a boundary between the longer head's nodes lies at the shorter length, the nodes before it make the shorter root.
  const before = knownIsShorter
    ? batchPeaksAt(batch, shorter.length)
    : peaksAt([{ from: 0, to: longer.length, hashes: known.peaks }], shorter.length);
  if (before === undefined) {
    return { kind: "needs-proof", shorter, longer, peaks: knownIsShorter ? known.peaks : peaks };
  }
  if (!equalBytes(rootOf(before, shorter.length), shorter.root)) {
    if (shorter.length === longer.length) {
      return { kind: "fork", fork: { log: head.log, heads: [shorter, longer], nodes: [] } };
    }
    const parts = knownIsShorter ? partsOf(batch) : [{ from: 0, to: longer.length, hashes: known.peaks }];
    const nodes = [...before, ...nodesBeyond(parts, shorter.length)];
    return { kind: "fork", fork: { log: head.log, heads: [shorter, longer], nodes } };
  }
  return knownIsShorter ? { kind: "longer", peaks } : { kind: "known" };
}

/** The perfect nodes of `[0, length)` under the batch's head. */
function peaksOf(batch: VerifiedBatch): readonly TreeHash[] {
  return joinRanges(batch, nodesOf(batch.leaves, batch.from));
}

/** The perfect nodes of `[0, length)` of the batch's tree, where it shows them: always for lengths in its own range. */
function batchPeaksAt(batch: VerifiedBatch, length: number): readonly TreeHash[] | undefined {
  const { from, leaves, left, right, head } = batch;
  const to = from + leaves.length;
  // The leaves up to the length as they are needed, since one compact range over all of them may hide the boundary.
  const inside = Math.min(Math.max(length, from), to);
  const middle = nodesOf(leaves.slice(0, inside - from), from);
  const parts: CompactRange[] = [
    { from: 0, to: from, hashes: left },
    { from, to: inside, hashes: middle },
  ];
  if (inside === to) parts.push({ from: to, to: head.length, hashes: right });
  return peaksAt(parts, length);
}

/** The whole of the batch's tree, each leaf by itself. */
function partsOf(batch: VerifiedBatch): readonly CompactRange[] {
  const { from, leaves, left, right, head } = batch;
  const to = from + leaves.length;
  return [
    { from: 0, to: from, hashes: left },
    ...leaves.map((leaf, at) => ({ from: from + at, to: from + at + 1, hashes: [leaf] })),
    { from: to, to: head.length, hashes: right },
  ];
}

/** The perfect nodes of `[length, end)` of the same parts, in which no node spans `length`. */
function nodesBeyond(parts: readonly CompactRange[], length: number): readonly TreeHash[] {
  let hashes: readonly TreeHash[] = [];
  let at = length;
  for (const part of parts) {
    if (part.to <= at) continue;
    const first = perfectNodes(part.from, part.to).findIndex((node) => spanOf(node).from >= at);
    hashes = mergeRanges(
      { from: length, to: at, hashes },
      { from: at, to: part.to, hashes: part.hashes.slice(first) },
    );
    at = part.to;
  }
  return hashes;
}

/** The perfect nodes of `[0, length)` from touching compact ranges that begin at 0; undefined where one node spans `length`. */
function peaksAt(parts: readonly CompactRange[], length: number): readonly TreeHash[] | undefined {
  let peaks: readonly TreeHash[] = [];
  let at = 0;
  for (const part of parts) {
    const nodes = perfectNodes(part.from, part.to);
    const count = nodes.findLastIndex((node) => spanOf(node).to <= length) + 1;
    const end = count === 0 ? part.from : spanOf(nodes[count - 1]!).to;
    peaks = mergeRanges(
      { from: 0, to: at, hashes: peaks },
      { from: at, to: end, hashes: part.hashes.slice(0, count) },
    );
    at = end;
    if (end < part.to) break;
  }
  return at === length ? peaks : undefined;
}
