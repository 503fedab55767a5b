/** Fuzzed: entries, heads, batches and proofs. Format: docs/spec/log.md. */
import { equalBytes } from "../../../src/core/base/bytes.ts";
import type { TreeHash } from "../../../src/core/base/ids.ts";
import { decodeBatch, encodeBatch, verifyBatch } from "../../../src/core/log/batch.ts";
import { extendFromBatch, extensionNodes, verifyExtension } from "../../../src/core/log/extension.ts";
import { verifyHead } from "../../../src/core/log/head.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES } from "../../../src/core/log/header.ts";
import {
  inclusionNodes,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from "../../../src/core/log/proofs.ts";
import { NO_RANGES } from "../../../src/core/log/ranges.ts";
import { foldRight, nodesOf, rootOf, spanOf } from "../../../src/core/log/tree.ts";
import type { Head, LogState } from "../../../src/core/log/types.ts";
import { sampleContext, sampleLogId, SampleLog } from "../../support/sample-log.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { type Decoder, promise } from "../decoder.ts";
import { Tape } from "../tape.ts";

const log = new SampleLog(40);
/** Of the same author, and other from position 20 on: what a device writes whose disk was copied. */
const branch = new SampleLog(40, 20);

const header: Decoder = {
  name: "header",
  group: "log",
  codes: ["WIRE_*"],
  samples: () =>
    log.entries
      .slice(0, 12)
      .map(({ kind, payloadLength, bytes }) => encodeHeader(kind, payloadLength, paddedTo32(bytes))),
  read: (input) => {
    const { kind, payloadLength, payloadHash } = decodeHeader(input);
    promise(input.length === HEADER_BYTES, "a header has its size");
    promise(equalBytes(encodeHeader(kind, payloadLength, payloadHash), input), "a header has one encoding");
  },
};

const batch: Decoder = {
  name: "batch",
  group: "log",
  codes: ["WIRE_*"],
  samples: (seed) => {
    const random = new Random(seed);
    return Array.from({ length: 12 }, () => {
      const from = random.below(38);
      const cut = (random.chance(30) ? branch : log).batch(from, random.between(from + 1, 39), 40);
      const entries = cut.entries.map((entry, at) =>
        random.chance(90)
          ? entry
          : {
              ...entry,
              state: at % 2 === 0 ? ("purged" as const) : ("absent" as const),
              bytes: paddedTo32(entry.bytes),
            },
      );
      return encodeBatch({ ...cut, entries });
    });
  },
  read: (input) => {
    const decoded = decodeBatch(input);
    promise(equalBytes(encodeBatch(decoded), input), "a batch has one encoding");
    const verified = verifyBatch(decoded, sampleContext);
    if (verified === undefined) return;
    const truth = isOf(log, verified.head) ? log : branch;
    promise(isOf(truth, verified.head), "a head that was never signed is refused");
    promise(
      verified.leaves.every((leaf, at) => equalBytes(leaf, truth.leaves[verified.from + at]!)),
      "an entry that its author did not sign is refused",
    );
    const known: LogState = {
      head: log.head(25),
      peaks: log.peaks(25),
      held: NO_RANGES,
      prefix: { length: 0, root: rootOf([], 0) },
    };
    const verdict = extendFromBatch({ known, batch: verified });
    if (verdict.kind === "longer") promise(truth === log, "a branch does not continue the other");
  },
};

/** Which head, which length it is said to continue, then the nodes. */
const extension: Decoder = {
  name: "extension",
  group: "log",
  codes: [],
  samples: () =>
    [0, 1, 13, 20, 25, 39].map((m) =>
      Uint8Array.from([
        0,
        m,
        ...extensionNodes(m, 40).flatMap(({ level, index }) => [...nodeOf(level, index)]),
      ]),
    ),
  read: (input) => {
    const tape = new Tape(input);
    const head = tape.flag() ? branch.head(40) : log.head(40);
    const m = tape.below(41);
    const peaks = verifyExtension({ knownPeaks: log.peaks(m), m, nodes: hashesOf(tape), head });
    if (peaks === undefined) return;
    promise(equalBytes(rootOf(peaks, 40), head.root), "the peaks are those of the head");
    promise(m <= 20 || isOf(log, head), "a branch does not continue the other");
  },
};

/** Which kind of proof, its numbers, then the path. What is claimed is true of the sample or false. */
const proof: Decoder = {
  name: "proof",
  group: "log",
  codes: [],
  samples: () =>
    [0, 7, 20, 39].map((index) => {
      const path = inclusionNodes(index, 40).map((part) =>
        foldRight(part.map((node) => nodeOf(node.level, node.index))),
      );
      return Uint8Array.from([0, index, index, 40, ...path.flatMap((hash) => [...hash])]);
    }),
  read: (input) => {
    const tape = new Tape(input);
    const kind = tape.below(4);
    const [a, b, c] = [tape.position(), tape.position(), tape.position()];
    const leaf = log.leaves[a] ?? log.leaves[0]!;
    const path = hashesOf(tape);
    const root = log.head(40).root;
    switch (kind) {
      case 0: {
        const isIn = verifyInclusion({ leaf, index: b, length: c, root }, path);
        // A path says nothing of the length: its first leaf is the first of 41 as well. The length is what the head signs.
        return promise(!isIn || c !== 40 || equalBytes(log.leaves[b]!, leaf), "a false inclusion is refused");
      }
      case 1:
        return void verifySubtreeInclusion({ leaf, index: a, from: b, to: c, root }, path);
      case 2: {
        const oldRoot = branch.head(30).root;
        const isBegun = verifyConsistency({ oldLength: a, oldRoot, newLength: b, newRoot: root }, path);
        return promise(!isBegun, "a branch is no beginning of the other");
      }
      default:
        return void verifySubtreeConsistency({ from: a, to: b, subtreeRoot: leaf, length: c, root }, path);
    }
  },
};

const head: Decoder = {
  name: "head",
  group: "log",
  codes: [],
  samples: () =>
    [1, 20, 40].map((length) =>
      Uint8Array.from([length, 32, ...log.head(length).root, ...log.head(length).signature]),
    ),
  read: (input) => {
    const tape = new Tape(input);
    const length = tape.position();
    const root = tape.bytes(tape.below(34)) as TreeHash;
    const claimed = { log: sampleLogId, length, root, signature: tape.rest() };
    if (verifyHead(claimed, sampleContext))
      promise(equalBytes(root, log.head(length).root), "only what was signed is believed");
  },
};

function nodeOf(level: number, index: number): TreeHash {
  const { from, to } = spanOf({ level, index });
  return nodesOf(log.leaves.slice(from, to), from)[0]!;
}

function hashesOf(tape: Tape): readonly Uint8Array[] {
  const hashes: Uint8Array[] = [];
  while (tape.left > 0) hashes.push(tape.bytes(32));
  return hashes;
}

function isOf(of: SampleLog, { length, root }: Head): boolean {
  return length <= of.length && equalBytes(of.head(length).root, root);
}

function paddedTo32(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(32);
  padded.set(bytes.subarray(0, 32));
  return padded;
}

export const logDecoders: readonly Decoder[] = [header, batch, extension, proof, head];
