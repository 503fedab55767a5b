/** Two signed heads that cannot both be, as evidence for anyone who has the public key. docs/spec/log.md, "Fork". */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import type { TreeHash } from "../../../src/core/base/ids.ts";
import { type Fork, isContradiction, readFork, verifyFork, writeFork } from "../../../src/core/log/fork.ts";
import { perfectNodes } from "../../../src/core/log/tree.ts";
import type { Head } from "../../../src/core/log/types.ts";
import { checkEvidence, type EvidenceInHex } from "../../support/evidence-reference.ts";
import { nodeOfReference } from "../../support/merkle-reference.ts";
import { sampleContext, SampleLog, sampleLogId } from "../../support/sample-log.ts";
import { assertCode } from "../../support/assert-code.ts";

const LENGTH = 70;
const one = new SampleLog(LENGTH);

/** What a device that knows one branch to `m` and has all of `longer` says; true evidence only where they part before `m`. */
function forkOf(shorter: SampleLog, longer: SampleLog, m: number, n: number): Fork {
  const places = m === n ? [] : [...perfectNodes(0, m), ...perfectNodes(m, n)];
  const nodes = places.map((node) => nodeOfReference(node, longer.leaves));
  return { log: sampleLogId, heads: [shorter.head(m), longer.head(n)], nodes };
}

function inHex({ log, heads, nodes }: Fork): EvidenceInHex {
  const { account, author } = sampleContext;
  const signed = heads.map(({ length, root, signature }) => ({
    length,
    root: hex(root),
    signature: hex(signature),
  }));
  return { account, device: author, log, heads: signed, nodes: nodes.map(hex) };
}

const lengths = fc
  .tuple(fc.integer({ min: 1, max: LENGTH }), fc.integer({ min: 1, max: LENGTH }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

describe("a fork", () => {
  it("L7, C2: is shown for any two lengths where the branches part before the shorter one ends, and never else", () => {
    fc.assert(
      fc.property(lengths, fc.nat(LENGTH - 1), fc.boolean(), ([m, n], partedAt, isOtherLonger) => {
        const other = new SampleLog(LENGTH, partedAt);
        const fork = isOtherLonger ? forkOf(one, other, m, n) : forkOf(other, one, m, n);
        equal(verifyFork(fork, sampleContext), partedAt < m);
        equal(checkEvidence(inHex(fork)), partedAt < m, "a second program comes to the same");
      }),
    );
  });

  it("L7: nobody can show one of an honest log, whatever nodes are made up", () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes as TreeHash);
    fc.assert(
      fc.property(lengths, fc.array(fc.tuple(fc.nat(200), hash), { maxLength: 4 }), ([m, n], changes) => {
        const fork = forkOf(one, one, m, n);
        const nodes = [...fork.nodes];
        for (const [at, made] of changes) if (nodes.length > 0) nodes[at % nodes.length] = made;
        equal(isContradiction({ ...fork, nodes }), false);
      }),
    );
  });

  it("C9: needs both signatures of the log's device", () => {
    const fork = forkOf(one, new SampleLog(LENGTH, 5), 20, 33);
    ok(verifyFork(fork, sampleContext));
    for (const at of [0, 1] as const) {
      const forged = { ...fork.heads[at], signature: new Uint8Array(64) };
      const heads = fork.heads.with(at, forged) as [Head, Head];
      equal(verifyFork({ ...fork, heads }, sampleContext), false);
    }
  });

  it("is not believed with nodes missing, too many, of another size, or heads in the wrong order", () => {
    const fork = forkOf(one, new SampleLog(LENGTH, 5), 20, 33);
    const { heads, nodes } = fork;
    for (const bent of [
      { ...fork, nodes: nodes.slice(1) },
      { ...fork, nodes: [...nodes, nodes[0]!] },
      { ...fork, nodes: nodes.with(0, nodes[0]!.subarray(1) as TreeHash) },
      { ...fork, heads: [heads[1], heads[0]] as const },
      { ...fork, log: "77".repeat(32) as Fork["log"] },
    ]) {
      equal(isContradiction(bent), false);
    }
  });

  it("is written and read back the same, and refused with its heads in the wrong order", () => {
    fc.assert(
      fc.property(lengths, ([m, n]) => {
        const fork = forkOf(one, new SampleLog(LENGTH, 0), m, n);
        const reader = new ByteReader(writeFork(new ByteWriter(), fork).finish());
        deepEqual(readFork(reader), fork);
        reader.end();
      }),
    );
    const { log, heads } = forkOf(one, new SampleLog(LENGTH, 5), 20, 33);
    const bytes = writeFork(new ByteWriter(), { log, heads: [heads[1], heads[0]], nodes: [] }).finish();
    assertCode(() => readFork(new ByteReader(bytes)), "WIRE_NOT_CANONICAL");
  });
});
