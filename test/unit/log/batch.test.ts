import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { equalBytes, hex } from "../../../src/core/base/bytes.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { AccountId, EpochId, TreeHash } from "../../../src/core/base/ids.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import { decodeBatch, encodeBatch, verifyBatch } from "../../../src/core/log/batch.ts";
import { encodeHeader } from "../../../src/core/log/header.ts";
import { leafHash, perfectNodes } from "../../../src/core/log/tree.ts";
import type { Batch, BatchEntry, EntryKind } from "../../../src/core/log/types.ts";
import { nodeOfReference, nodeReference, sha256Reference } from "../../support/merkle-reference.ts";
import { presentEntry, sampleContext, SampleLog, sealedKind, signSample } from "../../support/sample-log.ts";

const log = new SampleLog(120);

/** `[from, to)` of the sample log under a head of any length. */
const cut = fc
  .tuple(fc.nat(119), fc.nat(119), fc.nat(119))
  .map((numbers) => numbers.toSorted((a, b) => a - b) as [number, number, number])
  .map(([from, to, length]) => ({ from, to: to + 1, length: length + 1 }));

const withoutPayload = (entry: BatchEntry, state: "purged" | "absent"): BatchEntry => ({
  ...entry,
  state,
  bytes: sha256Reference(entry.bytes),
});

/** The batch of a cut, with some payloads left out. */
const batchOf = ({ from, to, length }: { from: number; to: number; length: number }, gaps: number): Batch => {
  const batch = log.batch(from, to, length);
  const states = ["present", "purged", "absent"] as const;
  const entries = batch.entries.map((entry, n) => {
    const state = states[Math.floor(gaps / 3 ** (n % 10)) % 3]!;
    return state === "present" ? entry : withoutPayload(entry, state);
  });
  return { ...batch, entries };
};
const anyBatch = fc.tuple(cut, fc.nat(3 ** 10 - 1)).map(([place, gaps]) => batchOf(place, gaps));

/** True where the two say the same about every entry; who lacks a payload may say why as it likes. */
function hasSameContent(a: Batch, b: Batch): boolean {
  const contentOf = ({ head, from, left, right, entries }: Batch): string =>
    JSON.stringify([
      [head.log, head.length, hex(head.root), hex(head.signature), from],
      left.map(hex),
      right.map(hex),
      entries.map((entry) => [
        entry.kind,
        entry.payloadLength,
        hex(entry.state === "present" ? sha256Reference(entry.bytes) : entry.bytes),
      ]),
    ]);
  return contentOf(a) === contentOf(b);
}

describe("batches on the wire", () => {
  it("survive encoding and decoding, and have one encoding each", () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const bytes = encodeBatch(batch);
        const decoded = decodeBatch(bytes);
        ok(hasSameContent(decoded, batch));
        deepEqual(
          decoded.entries.map(({ state }) => state),
          batch.entries.map(({ state }) => state),
        );
        equal(hex(encodeBatch(decoded)), hex(bytes));
      }),
    );
  });

  it("hold payloads as views of what was received", () => {
    const bytes = encodeBatch(log.batch(3, 40));
    for (const entry of decodeBatch(bytes).entries) equal(entry.bytes.buffer, bytes.buffer);
  });

  it("name each kind once, in the order of first use, whoever made the kind objects", () => {
    const batch = log.batch(0, 30);
    const copies = {
      ...batch,
      entries: batch.entries.map((entry) => ({ ...entry, kind: { ...entry.kind } })),
    };
    equal(hex(encodeBatch(copies)), hex(encodeBatch(batch)));
  });

  it("decode or fail with a WIRE code, whatever the bytes", () => {
    const start = encodeBatch(log.batch(3, 9, 11)).subarray(0, 200);
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 200 }).map((end) => Uint8Array.from([...start, ...end])),
    );
    fc.assert(
      fc.property(hostile, (bytes) => {
        let decoded: Batch | undefined;
        try {
          decoded = decodeBatch(bytes);
        } catch (error) {
          ok(isEngineError(error) && error.code.startsWith("WIRE_"), String(error));
          return;
        }
        equal(hex(encodeBatch(decoded)), hex(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("are refused cut off at any byte, or with a byte more", () => {
    const bytes = encodeBatch(log.batch(5, 12, 29));
    for (let size = 0; size < bytes.length; size++) {
      throws(
        () => decodeBatch(bytes.subarray(0, size)),
        (error) => isEngineError(error, "WIRE_TRUNCATED"),
      );
    }
    throws(
      () => decodeBatch(Uint8Array.from([...bytes, 0])),
      (error) => isEngineError(error, "WIRE_TRAILING_BYTES"),
    );
  });

  it("are refused by counts before anything is read that they would ask for", () => {
    const start = (from: number, count: number, length: number): Uint8Array =>
      new ByteWriter().raw(new Uint8Array(32)).uint(from).uint(count).uint(length).finish();
    const code = (bytes: Uint8Array): string => {
      try {
        decodeBatch(bytes);
      } catch (error) {
        if (isEngineError(error)) return error.code;
      }
      return "none";
    };
    equal(code(start(0, 0, 5)), "WIRE_NOT_CANONICAL");
    equal(code(start(0, 4097, 5000)), "WIRE_LIMIT_EXCEEDED");
    equal(code(start(3, 3, 5)), "WIRE_LIMIT_EXCEEDED");
    equal(code(start(2 ** 48, 1, 2 ** 48 + 1)), "WIRE_LIMIT_EXCEEDED");
    equal(code(start(0, 1, 2 ** 48)), "WIRE_LIMIT_EXCEEDED");
    equal(code(start(2 ** 48 - 2, 1, 2 ** 48 - 1)), "WIRE_TRUNCATED");
  });

  it("keep the limits when they are encoded", () => {
    const many = Array.from({ length: 65 }, (_, n): EntryKind => ({ ...sealedKind, version: n }));
    const batch = log.batch(0, 65);
    const entries = batch.entries.map((entry, n) => ({ ...entry, kind: many[n]! }));
    throws(() => encodeBatch({ ...batch, entries }), /entry kinds/);
    equal(
      decodeBatch(
        encodeBatch({ ...batch, entries: entries.map((entry, n) => ({ ...entry, kind: many[n % 64]! })) }),
      ).entries.length,
      65,
    );
    throws(() => encodeBatch({ ...batch, from: 1 }), /keeps the limits/);
    throws(() => encodeBatch({ ...batch, entries: [] }), /keeps the limits/);
  });
});

describe("batches", () => {
  it("of a log verify each alone, in any order, under any head, with payloads left out", () => {
    fc.assert(
      fc.property(fc.array(anyBatch, { minLength: 1, maxLength: 6 }), (batches) => {
        for (const batch of batches) {
          const verified = verifyBatch(decodeBatch(encodeBatch(batch)), sampleContext);
          ok(verified !== undefined);
          deepEqual(
            verified.leaves.map(hex),
            log.leaves.slice(batch.from, batch.from + batch.entries.length).map(hex),
          );
        }
      }),
    );
  });

  it("bring along what a store keeps: proof nodes and completed nodes of level 8", () => {
    const long = new SampleLog(1000);
    const verified = verifyBatch(long.batch(200, 600), sampleContext);
    ok(verified !== undefined);
    for (const [node, hash] of verified.nodes) equal(hex(hash), hex(nodeOfReference(node, long.leaves)));
    const named = verified.nodes.map(([{ level, index }]) => `${level}/${index}`);
    const proof = [...perfectNodes(0, 200), ...perfectNodes(600, 1000)];
    deepEqual(
      named.slice(0, proof.length),
      proof.map(({ level, index }) => `${level}/${index}`),
    );
    // [0, 256) and [512, 768) with the proof's help, [256, 512) from leaves alone.
    deepEqual(named.slice(proof.length).toSorted(), ["8/0", "8/1", "8/2"]);
  });

  it("are never accepted with other content after one bit was turned", () => {
    fc.assert(
      fc.property(anyBatch, fc.nat(), fc.nat(7), (batch, at, bit) => {
        const bytes = encodeBatch(batch);
        bytes[at % bytes.length]! ^= 2 ** bit;
        let decoded: Batch;
        try {
          decoded = decodeBatch(bytes);
        } catch (error) {
          ok(isEngineError(error) && error.code.startsWith("WIRE_"), String(error));
          return;
        }
        equal(verifyBatch(decoded, sampleContext), undefined);
      }),
      { numRuns: 1000 },
    );
  });

  it("are refused with any field changed", () => {
    fc.assert(
      fc.property(cut, fc.nat(), ({ from, to, length }, pick) => {
        const batch = log.batch(from, to, length);
        const entry = pick % batch.entries.length;
        const replaced = (change: Partial<BatchEntry>): Batch => ({
          ...batch,
          entries: batch.entries.with(entry, { ...batch.entries[entry]!, ...change }),
        });
        const other = presentEntry(1000, 1, sealedKind);
        const hash = sha256Reference(Uint8Array.of(pick % 256));
        const changed: Batch[] = [
          { ...batch, from: from + 1 },
          { ...batch, head: { ...batch.head, length: length + 1 } },
          { ...batch, head: { ...batch.head, root: hash } },
          { ...batch, head: signSample(length, hash) },
          { ...batch, entries: batch.entries.slice(1) },
          { ...batch, entries: [...batch.entries, other] },
          { ...batch, left: [...batch.left, hash] },
          { ...batch, right: [...batch.right, hash] },
          replaced(other),
          replaced({ kind: { ...batch.entries[entry]!.kind, version: 77 } }),
          replaced({ kind: { ...batch.entries[entry]!.kind, epoch: hex(hash) as EpochId } }),
          replaced({ payloadLength: batch.entries[entry]!.payloadLength + 1 }),
          replaced({ state: "purged" }),
          replaced({ state: "purged", bytes: hash }),
          replaced({ state: "absent", bytes: hash.subarray(1) }),
          { ...batch, from: Number.NaN },
          { ...batch, from: -1 },
        ];
        for (const side of ["left", "right"] as const) {
          if (batch[side].length === 0) continue;
          changed.push({ ...batch, [side]: batch[side].slice(1) });
          changed.push({ ...batch, [side]: batch[side].with(-1, hash) });
          changed.push({ ...batch, [side]: batch[side].with(0, hash.subarray(1) as TreeHash) });
        }
        if (batch.entries.length > 1) {
          changed.push({ ...batch, entries: batch.entries.toReversed() });
        }
        for (const [n, altered] of changed.entries()) {
          equal(verifyBatch(altered, sampleContext), undefined, `change ${n}`);
        }
      }),
    );
  });

  it("are refused where the author's header lies about the payload's length", () => {
    const lying: BatchEntry = {
      kind: sealedKind,
      state: "present",
      payloadLength: 9,
      bytes: Uint8Array.of(1, 2, 3),
    };
    const root = leafHash(encodeHeader(sealedKind, 9, sha256Reference(lying.bytes)));
    const batch: Batch = { head: signSample(1, root), from: 0, entries: [lying], left: [], right: [] };
    equal(verifyBatch(batch, sampleContext), undefined);
    throws(() => encodeBatch(batch), /keeps the limits/);
    ok(verifyBatch({ ...batch, entries: [withoutPayload(lying, "purged")] }, sampleContext) !== undefined);
  });

  it("verify at 2^40 as they do at 0", () => {
    const from = 2 ** 40 - 3;
    const length = 2 ** 41 + 2 ** 33 + 1;
    const entries = log.entries.slice(0, 5);
    const fake = (node: { level: number; index: number }): TreeHash =>
      sha256Reference(Buffer.from(`${node.level}/${node.index}`));
    const left = perfectNodes(0, from).map(fake);
    const right = perfectNodes(from + 5, length).map(fake);
    // By hand: the leaves at 2^40 - 3 to 2^40 + 1, joined upwards on each side of 2^40, which halves the first 2^41 leaves.
    const leaves = entries.map((entry) =>
      leafHash(encodeHeader(entry.kind, entry.payloadLength, sha256Reference(entry.bytes))),
    );
    let before = nodeReference(
      nodeReference(left.at(-1)!, leaves[0]!),
      nodeReference(leaves[1]!, leaves[2]!),
    );
    for (const hash of left.slice(0, -1).toReversed()) before = nodeReference(hash, before);
    let after = nodeReference(leaves[3]!, leaves[4]!);
    for (const hash of right.slice(0, -2)) after = nodeReference(after, hash);
    const root = nodeReference(nodeReference(before, after), nodeReference(right.at(-2)!, right.at(-1)!));
    const batch: Batch = { head: signSample(length, root), from, entries, left, right };
    equal(left.length, 39);
    ok(verifyBatch(decodeBatch(encodeBatch(batch)), sampleContext) !== undefined);
    equal(verifyBatch({ ...batch, right: right.with(0, root) }, sampleContext), undefined);
  });

  it("verify for their author only, unless the very same head was verified before", () => {
    const batch = log.batch(4, 9, 20);
    const stranger = { ...sampleContext, account: "b2".repeat(32) as AccountId };
    equal(verifyBatch(batch, stranger), undefined);
    ok(verifyBatch(batch, { ...stranger, knownHead: log.head(20) }) !== undefined);
    equal(verifyBatch(batch, { ...stranger, knownHead: log.head(21) }), undefined);
    const signature = batch.head.signature.slice();
    signature[9]! ^= 1;
    equal(verifyBatch(batch, { ...stranger, knownHead: { ...batch.head, signature } }), undefined);
    // A known head spares the signature, never the hashes.
    const lying = { ...batch, entries: batch.entries.with(0, presentEntry(1000, 1, sealedKind)) };
    equal(verifyBatch(lying, { ...stranger, knownHead: log.head(20) }), undefined);
  });

  it("keep their proof when payloads are purged", () => {
    const batch = log.batch(4, 40, 90);
    const purged = { ...batch, entries: batch.entries.map((entry) => withoutPayload(entry, "purged")) };
    const [a, b] = [verifyBatch(batch, sampleContext), verifyBatch(purged, sampleContext)];
    ok(a !== undefined && b !== undefined);
    ok(a.leaves.every((leaf, n) => equalBytes(leaf, b.leaves[n]!)));
  });
});
