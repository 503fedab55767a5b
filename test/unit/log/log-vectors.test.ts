import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { type ErrorCode, isEngineError } from "../../../src/core/base/errors.ts";
import type { AccountId, DeviceId, EpochId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import { decodeBatch, encodeBatch, verifyBatch } from "../../../src/core/log/batch.ts";
import { extensionNodes, verifyExtension } from "../../../src/core/log/extension.ts";
import { decodeHeader, encodeHeader } from "../../../src/core/log/header.ts";
import { leafHash, perfectNodes } from "../../../src/core/log/tree.ts";
import { vectorPath } from "../../support/paths.ts";

interface BatchVectors {
  readonly account: AccountId;
  readonly author: DeviceId;
  readonly log: LogId;
  readonly vectors: readonly {
    readonly comment: string;
    readonly expect: "accept" | "refuse" | ErrorCode;
    readonly batch: string;
    readonly from?: number;
    readonly length?: number;
    readonly leaves?: readonly string[];
    readonly states?: readonly string[];
  }[];
}

interface HeaderVector {
  readonly comment: string;
  readonly version: number;
  readonly flags: number;
  readonly epoch: EpochId | null;
  readonly payloadLength: number;
  readonly payloadHash: string;
  readonly header: string;
  readonly leaf: string;
}

interface ExtensionVector {
  readonly comment: string;
  readonly expect: "accept" | "refuse";
  readonly m: number;
  readonly n: number;
  readonly knownPeaks: readonly string[];
  readonly nodes: readonly string[];
  readonly root: string;
  readonly newPeaks: readonly string[] | null;
}

interface NodesVector {
  readonly from: number;
  readonly to: number;
  readonly nodes: readonly (readonly [number, number])[];
}

const files = ["batches.json", "headers.json", "perfect-nodes.json", "extensions.json"] as const;
const textOf = (name: (typeof files)[number]): string => readFileSync(vectorPath(`log/${name}`), "utf8");
const hashes = (texts: readonly string[]): TreeHash[] => texts.map((text) => hexToBytes(text) as TreeHash);

const batches = JSON.parse(textOf("batches.json")) as BatchVectors;
const headers = JSON.parse(textOf("headers.json")) as readonly HeaderVector[];
const ranges = JSON.parse(textOf("perfect-nodes.json")) as readonly NodesVector[];
const extensions = JSON.parse(textOf("extensions.json")) as readonly ExtensionVector[];

describe("the vectors of docs/spec/log.md", () => {
  it("are what their script makes", () => {
    const folder = mkdtempSync(join(tmpdir(), "kinlog-vectors-"));
    try {
      const { status, stderr } = spawnSync(process.execPath, [vectorPath("make-log-vectors.mjs"), folder]);
      equal(status, 0, stderr.toString());
      for (const name of files) equal(readFileSync(join(folder, name), "utf8"), textOf(name), name);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are as many as there were, good and bad", () => {
    const good = batches.vectors.filter(({ expect }) => expect === "accept").length;
    deepEqual([good, batches.vectors.length - good], [10, 37]);
    deepEqual([headers.length, ranges.length, extensions.length], [5, 16, 10]);
  });

  for (const { comment, expect, batch: text, ...expected } of batches.vectors) {
    it(`batch, ${expect}: ${comment}`, () => {
      const bytes = hexToBytes(text);
      if (expect !== "accept" && expect !== "refuse") {
        throws(
          () => decodeBatch(bytes),
          (error) => isEngineError(error, expect),
        );
        return;
      }
      const batch = decodeBatch(bytes);
      equal(hex(encodeBatch(batch)), text);
      const verified = verifyBatch(batch, batches);
      equal(verified !== undefined, expect === "accept");
      if (verified === undefined) return;
      equal(verified.head.log, batches.log);
      equal(verified.head.length, expected.length);
      equal(verified.from, expected.from);
      deepEqual(verified.leaves.map(hex), expected.leaves);
      deepEqual(
        verified.entries.map(({ state }) => state),
        expected.states,
      );
    });
  }

  for (const vector of headers) {
    it(`header: ${vector.comment}`, () => {
      const { version, flags, epoch, payloadLength } = vector;
      const header = encodeHeader({ version, flags, epoch }, payloadLength, hexToBytes(vector.payloadHash));
      equal(hex(header), vector.header);
      equal(hex(leafHash(header)), vector.leaf);
      const decoded = decodeHeader(header);
      deepEqual(decoded.kind, { version, flags, epoch });
      equal(decoded.payloadLength, payloadLength);
      equal(hex(decoded.payloadHash), vector.payloadHash);
    });
  }

  for (const { from, to, nodes } of ranges) {
    it(`perfect nodes of [${from}, ${to})`, () => {
      deepEqual(
        perfectNodes(from, to),
        nodes.map(([level, index]) => ({ level, index })),
      );
    });
  }

  for (const { comment, expect, m, n, newPeaks, ...given } of extensions) {
    it(`extension from ${m} to ${n}, ${expect}: ${comment}`, () => {
      const head = {
        log: batches.log,
        length: n,
        root: hexToBytes(given.root) as TreeHash,
        signature: new Uint8Array(64),
      };
      const knownPeaks = hashes(given.knownPeaks);
      const peaks = verifyExtension({ knownPeaks, m, nodes: hashes(given.nodes), head });
      deepEqual(peaks?.map(hex) ?? null, newPeaks);
      if (expect === "accept") ok(extensionNodes(m, n).length === given.nodes.length);
    });
  }
});
