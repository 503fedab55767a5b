/** Values of the store's rows: checks, entries, kinds and states of logs. */
import { deepEqual, equal, notDeepEqual } from "node:assert/strict";
import fc from "fast-check";
import { concat, hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import type { EpochId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import type { Ranges } from "../../../src/core/log/ranges.ts";
import { perfectNodeCount } from "../../../src/core/log/tree.ts";
import {
  type BatchEntry,
  type EntryKind,
  type LogState,
  PAYLOAD_BYTES_MAX,
} from "../../../src/core/log/types.ts";
import { decodeEntry, entrySizeMax, KindTable, putEntry } from "../../../src/io/store/entry-codec.ts";
import { entryKey } from "../../../src/io/store/keys.ts";
import { decodeLogState, encodeLogState } from "../../../src/io/store/log-state-codec.ts";
import { bodyOf, checkedBody, withCheck } from "../../../src/io/store/row-check.ts";
import { assertCode } from "../../support/assert-code.ts";

/** Plain objects, as `deepEqual` compares prototypes too. */
const record = <Model>(model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> }): fc.Arbitrary<Model> =>
  fc.record(model, { noNullPrototype: true });

const bytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
const byte = fc.integer({ min: 0, max: 255 });
const kind: fc.Arbitrary<EntryKind> = record({
  version: byte,
  flags: byte,
  epoch: fc.option(
    bytes(32)
      .map((raw) => hex(raw) as EpochId)
      .filter((id) => !/^0*$/.test(id)),
  ),
});
const present = record({ kind, bytes: fc.uint8Array({ maxLength: 300 }) }).map(
  ({ kind: k, bytes: payload }): BatchEntry => ({
    kind: k,
    state: "present",
    payloadLength: payload.length,
    bytes: payload,
  }),
);
const bodiless = record({
  kind,
  state: fc.constantFrom("purged" as const, "absent" as const),
  payloadLength: fc.integer({ min: 0, max: PAYLOAD_BYTES_MAX }),
  bytes: bytes(32),
});
const entry: fc.Arbitrary<BatchEntry> = fc.oneof(present, bodiless);

function encode(stored: BatchEntry, kinds: KindTable): Uint8Array {
  const target = new Uint8Array(entrySizeMax(stored));
  return target.subarray(0, putEntry(target, 0, stored, kinds.numberOf(stored.kind)));
}

describe("values of the store", () => {
  it("are those of docs/spec/storage.md", () => {
    const kinds = new KindTable();
    const body = encode(
      {
        kind: { version: 1, flags: 0, epoch: null },
        state: "present",
        payloadLength: 2,
        bytes: hexToBytes("6869"),
      },
      kinds,
    );
    equal(hex(withCheck(entryKey(3, 258), body)), "0068693cd1fae8");
  });

  it("are refused when one bit of value or key is another", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.uint8Array(), fc.nat(), (key, body, pick) => {
        const value = withCheck(key, body);
        deepEqual(bodyOf(key, value), body);
        const both = concat(key, value);
        const bit = pick % (both.length * 8);
        both[Math.floor(bit / 8)]! ^= 1 << (bit % 8);
        equal(bodyOf(both.subarray(0, key.length), both.subarray(key.length)), undefined);
      }),
    );
    assertCode(() => checkedBody(new Uint8Array(1), new Uint8Array(3)), "STORE_DAMAGED");
  });

  it("are plain arrays and never Buffers, whose slices would share memory", () => {
    const body = bodyOf(new Uint8Array(1), Buffer.from(withCheck(new Uint8Array(1), new Uint8Array(5))));
    equal(Object.getPrototypeOf(body), Uint8Array.prototype);
  });

  it("give entries back, of every kind and state", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const kinds = new KindTable();
        const bodies = entries.map((stored) => encode(stored, kinds));
        const reopened = new KindTable();
        reopened.load(kinds.takeUnstored().map(([, row]) => row));
        deepEqual(
          bodies.map((body) => decodeEntry(body, reopened)),
          entries,
        );
      }),
    );
  });

  it("give the largest entry of the highest kind number back", () => {
    const kinds = new KindTable();
    for (let n = 0; n < 600_000; n++)
      kinds.numberOf({ version: 1, flags: 0, epoch: n.toString(16).padStart(64, "1") as EpochId });
    const last: EntryKind = { version: 255, flags: 255, epoch: null };
    const stored: BatchEntry = {
      kind: last,
      state: "present",
      payloadLength: PAYLOAD_BYTES_MAX,
      bytes: new Uint8Array(PAYLOAD_BYTES_MAX),
    };
    deepEqual(decodeEntry(encode(stored, kinds), kinds), stored);
  });

  it("never break the decoder of entries, and are one of an entry or nothing", () => {
    const kinds = new KindTable();
    kinds.numberOf({ version: 1, flags: 0, epoch: null });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        const decoded = decodeEntry(body, kinds);
        if (decoded?.state === "present") equal(decoded.payloadLength, decoded.bytes.length);
        else if (decoded !== undefined) equal(decoded.bytes.length, 32);
      }),
      { numRuns: 1000 },
    );
  });

  it("U1: have one encoding: padded and cut numbers are no entry", () => {
    const kinds = new KindTable();
    kinds.numberOf({ version: 1, flags: 0, epoch: null });
    const hash = "07".repeat(32);
    const isRead = (body: string): boolean => decodeEntry(hexToBytes(body), kinds) !== undefined;
    // Kind 0 and its state, then the length of what is purged.
    equal(isRead(`01${"05"}${hash}`), true);
    equal(isRead(`01${"8001"}${hash}`), true);
    for (const padded of [
      `8100${"05"}${hash}`,
      `818000${"05"}${hash}`,
      `01${"8500"}${hash}`,
      `01${"858000"}${hash}`,
    ])
      equal(isRead(padded), false, padded);
    for (const cut of [`01${"85"}${hash}`, `01${"0505"}${hash}`, `01${"8585"}${hash}`])
      equal(isRead(cut), false, cut);
  });

  it("number each kind once, and go on behind those that are stored", () => {
    const kinds = new KindTable();
    const a: EntryKind = { version: 1, flags: 0, epoch: null };
    equal(kinds.numberOf(a), 0);
    equal(kinds.numberOf({ ...a }), 0);
    equal(kinds.numberOf({ ...a, flags: 1 }), 1);
    const rows = kinds.takeUnstored();
    deepEqual(
      rows.map(([number]) => number),
      [0, 1],
    );
    deepEqual(kinds.takeUnstored(), []);
    // A write failed: the first kind is on the disk, the second is not, and an entry that waits for its retry names it.
    kinds.load([rows[0]![1]]);
    deepEqual(
      kinds.takeUnstored().map(([number]) => number),
      [1],
    );
    const other = new KindTable();
    other.numberOf({ ...a, flags: 7 });
    assertCode(() => other.load([rows[0]![1]]), "STORE_DAMAGED");
  });

  it("give the state of a log back", () => {
    const log = "0b".repeat(32) as LogId;
    const hash = bytes(32) as fc.Arbitrary<TreeHash>;
    const state = fc.integer({ min: 0, max: 2 ** 48 - 1 }).chain((length) => {
      const peaks = perfectNodeCount(0, length);
      return record({
        head: record({
          log: fc.constant(log),
          length: fc.constant(length),
          root: hash,
          signature: bytes(64),
        }),
        peaks: fc.array(hash, { minLength: peaks, maxLength: peaks }),
        held: fc.uniqueArray(fc.integer({ min: 0, max: length }), { maxLength: 12 }).map(toRanges),
        prefix: record({ length: fc.integer({ min: 0, max: length }), root: hash }),
      });
    });
    fc.assert(
      fc.property(state, (made: LogState) => {
        const body = encodeLogState(made);
        deepEqual(decodeLogState(log, body), made);
        for (const other of [body.subarray(1), concat(body, Uint8Array.of(0)), body.subarray(0, -1)]) {
          try {
            notDeepEqual(decodeLogState(log, other), made);
          } catch (error) {
            assertCode(() => {
              throw error as Error;
            }, "STORE_DAMAGED");
          }
        }
      }),
    );
  });
});

/** Ends of ranges that neither touch nor are empty. */
function toRanges(borders: readonly number[]): Ranges {
  const sorted = borders.toSorted((a, b) => a - b);
  return Array.from({ length: Math.floor(sorted.length / 2) }, (_, at) => ({
    from: sorted[2 * at]!,
    to: sorted[2 * at + 1]!,
  }));
}
