import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { EpochId } from "../../../src/core/base/ids.ts";
import { decodeHeader, encodeHeader, headerWithoutHash, leavesOf } from "../../../src/core/log/header.ts";
import { leafHash } from "../../../src/core/log/tree.ts";
import type { BatchEntry, EntryKind } from "../../../src/core/log/types.ts";
import { sha256Reference } from "../../support/merkle-reference.ts";
import { clearKind, sealedKind } from "../../support/sample-log.ts";

const raw32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const epoch = fc.option(
  raw32.filter((bytes) => bytes.some((byte) => byte > 0)).map((bytes) => hex(bytes) as EpochId),
);
const kind = fc
  .tuple(fc.nat(255), fc.nat(255), epoch)
  .map(([version, flags, some]): EntryKind => ({ version, flags, epoch: some }));

describe("entry headers", () => {
  it("have the bytes of docs/spec/log.md", () => {
    const header = encodeHeader(sealedKind, 0x3fffe, new Uint8Array(32).fill(0xab));
    equal(hex(header), `0100${"e1".repeat(32)}00000003fffe${"ab".repeat(32)}`);
    const inTheClear = encodeHeader(clearKind, 5, new Uint8Array(32).fill(0xab));
    equal(hex(inTheClear), `0101${"00".repeat(32)}000000000005${"ab".repeat(32)}`);
    equal(hex(headerWithoutHash(sealedKind, 0x3fffe)), hex(header.subarray(0, 40)));
  });

  it("survive encoding and decoding, whatever their version and flags", () => {
    fc.assert(
      fc.property(kind, fc.nat(262_144), raw32, (headerKind, payloadLength, hash) => {
        const header = encodeHeader(headerKind, payloadLength, hash);
        equal(header.length, 72);
        const decoded = decodeHeader(header);
        deepEqual(decoded.kind, headerKind);
        equal(decoded.payloadLength, payloadLength);
        equal(hex(decoded.payloadHash), hex(hash));
      }),
    );
  });

  it("are refused with a byte too few or too many, or with a payload over the limit", () => {
    const header = encodeHeader(sealedKind, 1, new Uint8Array(32));
    throws(
      () => decodeHeader(header.subarray(1)),
      (error) => isEngineError(error, "WIRE_TRUNCATED"),
    );
    throws(
      () => decodeHeader(new Uint8Array(73)),
      (error) => isEngineError(error, "WIRE_TRAILING_BYTES"),
    );
    const long = hexToBytes(`0100${"00".repeat(32)}000000040001${"ab".repeat(32)}`);
    throws(
      () => decodeHeader(long),
      (error) => isEngineError(error, "WIRE_LIMIT_EXCEEDED"),
    );
    throws(() => encodeHeader(sealedKind, 262_145, new Uint8Array(32)), /invariant broken/);
    throws(() => encodeHeader({ ...sealedKind, flags: 256 }, 1, new Uint8Array(32)), /invariant broken/);
  });
});

describe("leaves of entries", () => {
  it("are the leaf hashes of their headers, one by one", () => {
    const entry = fc
      .record({
        kind,
        state: fc.constantFrom("present", "purged", "absent"),
        payload: fc.uint8Array({ maxLength: 300 }),
      })
      .map(({ kind: entryKind, state, payload }): BatchEntry => {
        const bytes = state === "present" ? payload : sha256Reference(payload);
        return { kind: entryKind, state, payloadLength: payload.length, bytes };
      });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (some) => {
        // Runs of one kind, and the same kinds again later.
        const entries = [...some, ...some];
        deepEqual(
          leavesOf(entries).map(hex),
          entries.map(({ kind: entryKind, state, payloadLength, bytes }) => {
            const hash = state === "present" ? sha256Reference(bytes) : bytes;
            return hex(leafHash(encodeHeader(entryKind, payloadLength, hash)));
          }),
        );
      }),
    );
  });

  it("do not change when a payload is purged or cannot be sent now", () => {
    const payload = Uint8Array.of(1, 2, 3);
    const present: BatchEntry = { kind: sealedKind, state: "present", payloadLength: 3, bytes: payload };
    const purged: BatchEntry = { ...present, state: "purged", bytes: sha256Reference(payload) };
    const [a, b, c] = leavesOf([present, purged, { ...purged, state: "absent" }]).map(hex);
    equal(a, b);
    equal(b, c);
  });

  it("commit to kind and length as well as to the payload", () => {
    const payload = Uint8Array.of(1, 2, 3);
    const purged: BatchEntry = {
      kind: sealedKind,
      state: "purged",
      payloadLength: 3,
      bytes: sha256Reference(payload),
    };
    const leaves = leavesOf([
      purged,
      { ...purged, payloadLength: 4 },
      { ...purged, kind: { ...sealedKind, flags: 2 } },
      { ...purged, kind: { ...sealedKind, version: 2 } },
      { ...purged, kind: clearKind },
      { ...purged, bytes: sha256Reference(payload, payload) },
    ]).map(hex);
    equal(new Set(leaves).size, leaves.length);
  });
});
