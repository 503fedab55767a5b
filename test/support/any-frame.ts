/** Frames of every kind for properties, within the limits of docs/spec/sync.md. */
import fc from "fast-check";
import { hex } from "../../src/core/base/bytes.ts";
import type { LogId, TreeHash } from "../../src/core/base/ids.ts";
import type { Ranges } from "../../src/core/log/ranges.ts";
import { perfectNodeCount } from "../../src/core/log/tree.ts";
import { encodeBatch } from "../../src/core/log/batch.ts";
import type { Head } from "../../src/core/log/types.ts";
import type { Frame, LogRanges } from "../../src/core/wire/frames.ts";
import { SampleLog } from "./sample-log.ts";

/** With the prototype of plain objects, so that they compare with what a decoder makes. */
function record<Of>(model: { [Key in keyof Of]: fc.Arbitrary<Of[Key]> }): fc.Arbitrary<Of> {
  return fc.record(model, { noNullPrototype: true });
}

const LENGTH_MAX = 2 ** 48 - 1;
const bytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
const hash = bytes(32).map((value) => value as TreeHash);
const log = bytes(32).map((value) => hex(value) as LogId);
const length = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: LENGTH_MAX }));

/** Sets of positions below `limit`, with few ranges. */
export function anyRanges(limit: number): fc.Arbitrary<Ranges> {
  return fc.uniqueArray(fc.integer({ min: 0, max: limit }), { maxLength: 12 }).map((ends) => {
    const sorted = ends.toSorted((a, b) => a - b);
    return Array.from({ length: Math.floor(sorted.length / 2) }, (_, n) => ({
      from: sorted[2 * n]!,
      to: sorted[2 * n + 1]!,
    }));
  });
}

const logRanges: fc.Arbitrary<LogRanges> = record({ log, ranges: anyRanges(LENGTH_MAX) });
const headOf = (id: LogId, of: number): fc.Arbitrary<Head> =>
  record({ log: fc.constant(id), length: fc.constant(of), root: hash, signature: bytes(64) });
const hello = record({
  version: fc.nat(255),
  features: fc.maxSafeNat(),
});

const frontier = length.chain((of) =>
  record({ log, length: fc.constant(of), root: hash, held: anyRanges(of) }),
);
const need = length.chain((headLength) =>
  record({
    log,
    knownLength: fc.nat(LENGTH_MAX),
    headLength: fc.constant(headLength),
    ranges: anyRanges(headLength),
  }),
);
const extension = fc
  .tuple(log, fc.nat(2_000), fc.integer({ min: 1, max: 2_000 }))
  .chain(([id, from, more]) => {
    const count = perfectNodeCount(from, from + more);
    return record({
      kind: fc.constant("extension" as const),
      from: fc.constant(from),
      head: headOf(id, from + more),
      nodes: fc.array(hash, { minLength: count, maxLength: count }),
    });
  });
const evidence = fc
  .tuple(log, length)
  .chain(([id, of]) =>
    record({ kind: fc.constant("evidence" as const), heads: fc.tuple(headOf(id, of), headOf(id, of)) }),
  );
const evidenceNodes = fc
  .tuple(log, fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 2_000 }))
  .chain(([id, of, more]) => {
    const count = perfectNodeCount(0, of) + perfectNodeCount(of, of + more);
    return record({
      kind: fc.constant("evidence-nodes" as const),
      heads: fc.tuple(headOf(id, of), headOf(id, of + more)),
      nodes: fc.array(hash, { minLength: count, maxLength: count }),
    });
  });

const sample = new SampleLog(40);
const batch = fc.tuple(fc.nat(38), fc.nat(38)).map(([a, b]): Frame => {
  const cut = sample.batch(Math.min(a, b), Math.max(a, b) + 1);
  return { kind: "batch", batch: cut, size: encodeBatch(cut).length };
});

/** Every kind that can be encoded. */
export const anyFrame: fc.Arbitrary<Exclude<Frame, { kind: "unknown" }>> = fc.oneof(
  record({ kind: fc.constant("hello-initiator" as const), hello, nonce: bytes(32), selector: bytes(32) }),
  record({ kind: fc.constant("hello-responder" as const), hello, nonce: bytes(32), tag: bytes(32) }),
  record({
    kind: fc.constant("proof-initiator" as const),
    tag: bytes(32),
    account: bytes(32),
    device: bytes(32),
    signature: bytes(64),
  }),
  record({ kind: fc.constant("proof-responder" as const), device: bytes(32), signature: bytes(64) }),
  record({ kind: fc.constant("held" as const), digest: bytes(32), complete: fc.boolean() }),
  record({
    kind: fc.constant("frontier" as const),
    last: fc.boolean(),
    logs: fc.array(frontier, { maxLength: 8 }),
  }),
  record({ kind: fc.constant("need" as const), logs: fc.array(need, { maxLength: 8 }) }),
  extension,
  batch as fc.Arbitrary<Extract<Frame, { kind: "batch" }>>,
  record({
    kind: fc.constant("ack" as const),
    dropped: fc.boolean(),
    logs: fc.array(logRanges, { maxLength: 8 }),
  }),
  record({ kind: fc.constant("beat" as const), digest: bytes(32), answerWanted: fc.boolean() }),
  record({
    kind: fc.constant("close" as const),
    reason: fc.constantFrom("done" as const, "revoked" as const, "limit" as const, "shutting-down" as const),
  }),
  evidence,
  evidenceNodes,
  record({ kind: fc.constant("absent" as const), logs: fc.array(logRanges, { maxLength: 8 }) }),
  record({
    kind: fc.constant("keep" as const),
    said: fc.oneof(
      record({ word: fc.constant("ask" as const), number: fc.integer({ min: 1, max: 2 ** 48 - 1 }) }),
      record({
        word: fc.constantFrom("promise" as const, "refuse" as const),
        number: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      }),
      record({ word: fc.constant("release" as const), number: fc.constant(0) }),
    ),
    logs: fc.array(
      logRanges.filter(({ ranges }) => ranges.length > 0),
      { minLength: 1, maxLength: 8 },
    ),
  }).map(({ said, ...frame }) => ({ ...frame, ...said })),
);
