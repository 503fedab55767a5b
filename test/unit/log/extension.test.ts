import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import type { TreeHash } from "../../../src/core/base/ids.ts";
import { verifyBatch } from "../../../src/core/log/batch.ts";
import {
  extendFromBatch,
  extensionNodes,
  type HeadVerdict,
  verifyExtension,
} from "../../../src/core/log/extension.ts";
import { verifyFork } from "../../../src/core/log/fork.ts";
import { adopt } from "../../../src/core/log/state.ts";
import { nodesOf, perfectNodes } from "../../../src/core/log/tree.ts";
import type { LogState, VerifiedBatch } from "../../../src/core/log/types.ts";
import { nodeOfReference } from "../../support/merkle-reference.ts";
import { sampleContext, SampleLog } from "../../support/sample-log.ts";

const log = new SampleLog(90);

const stateAt = (of: SampleLog, length: number): LogState =>
  adopt(undefined, of.head(length), of.peaks(length));
const verified = (of: SampleLog, from: number, to: number, length: number): VerifiedBatch => {
  const batch = verifyBatch(of.batch(from, to, length), sampleContext);
  ok(batch !== undefined);
  return batch;
};
const ask = (known: LogState | undefined, batch: VerifiedBatch): HeadVerdict =>
  extendFromBatch({ known, batch });

/** A length known here, and a batch under any head. */
const meeting = fc
  .tuple(fc.integer({ min: 1, max: 90 }), fc.nat(89), fc.nat(89), fc.nat(89))
  .map(([known, ...rest]) => [known, ...rest.toSorted((a, b) => a - b)] as [number, number, number, number])
  .map(([known, from, to, length]) => ({ known, from, to: to + 1, length: length + 1 }));

describe("an extension", () => {
  it("of any length to any longer one is proved by the perfect nodes between, and by nothing else", () => {
    fc.assert(
      fc.property(fc.nat(90), fc.integer({ min: 1, max: 90 }), fc.nat(), fc.nat(255), (a, b, at, bit) => {
        const [m, n] = [Math.min(a, b), Math.max(a, b)];
        const head = log.head(n);
        const knownPeaks = log.peaks(m);
        const nodes = extensionNodes(m, n).map((node) => nodeOfReference(node, log.leaves));
        const reported: [string, string][] = [];
        const peaks = verifyExtension({ knownPeaks, m, nodes, head }, (node, hash) =>
          reported.push([hex(hash), hex(nodeOfReference(node, log.leaves))]),
        );
        ok(peaks !== undefined);
        deepEqual(peaks.map(hex), log.peaks(n).map(hex));
        for (const [hash, expected] of reported) equal(hash, expected);

        if (nodes.length === 0) return;
        const bent = nodes.map((hash) => hash.slice() as TreeHash);
        bent[at % bent.length]![Math.floor(bit / 8)]! ^= 2 ** (bit % 8);
        equal(verifyExtension({ knownPeaks, m, nodes: bent, head }), undefined);
        equal(verifyExtension({ knownPeaks, m, nodes: nodes.slice(1), head }), undefined);
        equal(verifyExtension({ knownPeaks, m, nodes: [...nodes, nodes[0]!], head }), undefined);
        equal(
          verifyExtension({ knownPeaks, m, nodes: nodes.with(0, nodes[0]!.subarray(1) as TreeHash), head }),
          undefined,
        );
      }),
    );
  });

  it("never leads to a shorter head", () => {
    equal(verifyExtension({ knownPeaks: log.peaks(9), m: 9, nodes: [], head: log.head(8) }), undefined);
  });

  it("does not join branches", () => {
    const other = new SampleLog(90, 40);
    const nodes = extensionNodes(50, 90).map((node) => nodeOfReference(node, other.leaves));
    const claim = { m: 50, nodes, head: other.head(90) };
    equal(verifyExtension({ ...claim, knownPeaks: log.peaks(50) }), undefined);
    ok(verifyExtension({ ...claim, knownPeaks: other.peaks(50) }) !== undefined);
  });
});

describe("a batch under another head", () => {
  it("gives the peaks of a log never seen", () => {
    const verdict = ask(undefined, verified(log, 13, 20, 77));
    equal(verdict.kind, "longer");
    deepEqual(verdict.kind === "longer" && verdict.peaks.map(hex), log.peaks(77).map(hex));
  });

  it("changes nothing under the head that is known", () => {
    equal(ask(stateAt(log, 77), verified(log, 13, 20, 77)).kind, "known");
  });

  it("of an honest log is decided rightly, always so where the known length lies in its range", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(meeting, ({ known, from, to, length }) => {
        const verdict = ask(stateAt(log, known), verified(log, from, to, length));
        kinds.add(`${verdict.kind} ${Math.sign(length - known)}`);
        switch (verdict.kind) {
          case "known":
            return ok(length <= known);
          case "longer":
            ok(length > known);
            return deepEqual(verdict.peaks.map(hex), log.peaks(length).map(hex));
          case "needs-proof": {
            equal(from <= known && known <= to, false);
            const m = Math.min(known, length);
            deepEqual([verdict.shorter.length, verdict.longer.length], [m, Math.max(known, length)]);
            // What decides it, wherever it comes from.
            const nodes = extensionNodes(m, verdict.longer.length).map((node) =>
              nodeOfReference(node, log.leaves),
            );
            return ok(
              verifyExtension({ knownPeaks: verdict.peaks, m, nodes, head: verdict.longer }) !== undefined,
            );
          }
          case "fork":
            return ok(false, "an honest log has no fork");
        }
      }),
      { numRuns: 1000 },
    );
    deepEqual([...kinds].toSorted(), ["known -1", "known 0", "longer 1", "needs-proof -1", "needs-proof 1"]);
  });

  it("is decided without a proof also where a node boundary lies at the known length", () => {
    // [0, 1005) is cut at 1000, so a batch that begins five entries later proves that nothing before changed.
    const long = new SampleLog(1010);
    equal(ask(stateAt(long, 1000), verified(long, 1005, 1010, 1010)).kind, "longer");
    equal(ask(stateAt(long, 1001), verified(long, 1005, 1010, 1010)).kind, "needs-proof");
    // 16 and 16 + 8 are cuts of [16, 28); 20 is none.
    equal(ask(stateAt(log, 24), verified(log, 10, 16, 28)).kind, "longer");
    equal(ask(stateAt(log, 20), verified(log, 10, 16, 28)).kind, "needs-proof");
  });

  it("L7, C2: that contradicts the known head is a fork, shown by both heads and the nodes", () => {
    fc.assert(
      fc.property(meeting, fc.nat(89), ({ known, from, to, length }, branchFrom) => {
        const other = new SampleLog(90, branchFrom);
        const state = stateAt(log, known);
        const verdict = ask(state, verified(other, from, to, length));
        const isHonest = Math.min(known, length) <= branchFrom;
        if (verdict.kind !== "fork") {
          // Either the branches agree up to there, or the batch alone does not show it.
          return ok(isHonest || verdict.kind === "needs-proof");
        }
        equal(isHonest, false);
        const { fork } = verdict;
        deepEqual(
          fork.heads.map((head) => head.length),
          [Math.min(known, length), Math.max(known, length)],
        );
        ok(verifyFork(fork, sampleContext));
        const author = length >= known ? other : log;
        const [m, n] = [fork.heads[0].length, fork.heads[1].length];
        const between = perfectNodes(m, n).map((node) => nodeOfReference(node, author.leaves));
        const nodes = m === n ? [] : [...nodesOf(author.leaves.slice(0, m), 0), ...between];
        deepEqual(fork.nodes.map(hex), nodes.map(hex));
      }),
      { numRuns: 500 },
    );
  });

  it("of the same length with another root is a fork wherever the batch lies", () => {
    const other = new SampleLog(50, 30);
    for (const [from, to] of [
      [0, 1],
      [29, 31],
      [49, 50],
    ] as const) {
      equal(ask(stateAt(log, 50), verified(other, from, to, 50)).kind, "fork");
    }
  });
});
