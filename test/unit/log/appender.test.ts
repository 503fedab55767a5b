import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import { batchOfAppend, LogAppender } from "../../../src/core/log/appender.ts";
import { verifyBatch } from "../../../src/core/log/batch.ts";
import { adopt } from "../../../src/core/log/state.ts";
import { EMPTY_ROOT, perfectNodeCount } from "../../../src/core/log/tree.ts";
import { nodeOfReference, rootReference, sha256Reference } from "../../support/merkle-reference.ts";
import { sampleContext, SampleLog } from "../../support/sample-log.ts";

const log = new SampleLog(700);

describe("a log appender", () => {
  it("begins with the empty tree, or where the log stands", () => {
    equal(hex(LogAppender.at(undefined).root), hex(EMPTY_ROOT));
    const state = adopt(undefined, log.head(37), log.peaks(37));
    const appender = LogAppender.at(state);
    equal(appender.length, 37);
    equal(hex(appender.root), hex(state.head.root));
  });

  it("comes to the RFC's root however the entries are split into appends", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 5 }), (sizes) => {
        let appender = LogAppender.at(undefined);
        const kept = new Map<string, string>();
        for (const size of sizes) {
          const before = hex(appender.root);
          const appended = appender.append(log.leaves.slice(appender.length, appender.length + size));
          equal(hex(appender.root), before);
          for (const [{ level, index }, hash] of appended.nodes) kept.set(`${level}/${index}`, hex(hash));
          appender = appended.next;
        }
        const leaves = log.leaves.slice(0, appender.length);
        equal(hex(appender.root), hex(rootReference(leaves)));
        deepEqual(appender.peaks.map(hex), log.peaks(appender.length).map(hex));
        const full = Math.floor(appender.length / 256);
        deepEqual(
          [...kept],
          Array.from({ length: full }, (_, index) => [
            `8/${index}`,
            hex(nodeOfReference({ level: 8, index }, leaves)),
          ]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("gives a batch that verifies like one from a peer", () => {
    const appended = LogAppender.at(adopt(undefined, log.head(250), log.peaks(250))).append(
      log.leaves.slice(250, 300),
    );
    const batch = batchOfAppend(appended, log.head(300), log.entries.slice(250, 300));
    const verified = verifyBatch(batch, sampleContext);
    ok(verified !== undefined);
    deepEqual(verified.leaves.map(hex), batch.leaves.map(hex));
    throws(() => batchOfAppend(appended, log.head(301), log.entries.slice(250, 300)), /invariant broken/);
    throws(() => batchOfAppend(appended, log.head(300), log.entries.slice(250, 299)), /invariant broken/);
    const other = { ...log.head(300), root: log.head(299).root };
    throws(() => batchOfAppend(appended, other, log.entries.slice(250, 300)), /invariant broken/);
  });

  it("goes on beyond 2^40", () => {
    const length = 2 ** 40 + 2 ** 20 + 1;
    const peaks = [1, 2, 3].map((n) => sha256Reference(Uint8Array.of(n)));
    const { next } = new LogAppender(length, peaks).append(log.leaves.slice(0, 3));
    equal(next.length, length + 3);
    equal(next.peaks.length, perfectNodeCount(0, length + 3));
    equal(hex(next.peaks[0]!), hex(peaks[0]!));
  });

  it("appends something", () => {
    throws(() => LogAppender.at(undefined).append([]), /invariant broken/);
  });
});
