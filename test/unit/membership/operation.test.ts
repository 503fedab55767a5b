/** Control operations as bytes: the vectors of docs/spec/membership.md, and what no bytes may do to the decoder. */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { AccountId, ControlId, DeviceId, EpochId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import { createSigningKey } from "../../../src/core/crypto/sign.ts";
import {
  decodeControl,
  encodeControl,
  isSignedByRoot,
  rootSigningBytes,
  signByRoot,
  unreadableOperation,
} from "../../../src/core/membership/operation.ts";
import type { ControlBody, ControlOperation, Fence } from "../../../src/core/membership/types.ts";
import { bodies, deviceOf, rootKeyOf } from "../../support/membership.ts";
import { vectorPath } from "../../support/paths.ts";

interface OperationVectors {
  readonly account: AccountId;
  readonly author: DeviceId;
  readonly rootSign: string;
  readonly vectors: readonly {
    readonly comment: string;
    readonly payload: string;
    readonly expect: {
      readonly code?: "WIRE_TRUNCATED";
      readonly kind?: string;
      readonly number?: number;
      readonly parents?: readonly string[];
      readonly rootSigned?: boolean;
    };
  }[];
}

interface SigningVectors {
  readonly account: AccountId;
  readonly author: DeviceId;
  readonly rootSeed: string;
  readonly vectors: readonly {
    readonly comment: string;
    readonly payload: string;
    readonly bytes: string;
    readonly signed: string;
  }[];
}

const files = ["operations.json", "root-signing.json", "wraps.json"];
const textOf = (name: string): string => readFileSync(vectorPath(`membership/${name}`), "utf8");
const operations = JSON.parse(textOf("operations.json")) as OperationVectors;
const signing = JSON.parse(textOf("root-signing.json")) as SigningVectors;

const id = <Id>(size = 32): fc.Arbitrary<Id> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => hex(bytes) as Id);
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const position = fc.nat({ max: 2 ** 48 - 1 });
const ids = <Id extends string>(maxLength: number): fc.Arbitrary<Id[]> =>
  fc.uniqueArray(id<Id>(), { maxLength }).map((list) => list.toSorted());
const fences = (maxLength: number): fc.Arbitrary<Fence[]> =>
  fc
    .uniqueArray(
      fc.record({ log: id<LogId>(), length: position, root: bytes32.map((root) => root as TreeHash) }),
      {
        maxLength,
        selector: ({ log }) => log,
      },
    )
    .map((list) => list.toSorted((a, b) => (a.log < b.log ? -1 : 1)));
const sealed = fc.option(fc.uint8Array({ maxLength: 300 }));

const anyBody: fc.Arbitrary<ControlBody> = fc.oneof(
  fc.record({
    kind: fc.constant("genesis" as const),
    rootSign: bytes32,
    rootOpen: bytes32,
    device: id<DeviceId>(),
    openKey: bytes32,
    salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  }),
  fc
    .record({ device: id<DeviceId>(), openKey: bytes32, given: fc.tuple(ids<EpochId>(8), fc.array(sealed)) })
    .map(({ device, openKey, given: [epochs, wrapped] }) => ({
      kind: "admit" as const,
      device,
      openKey,
      epochs,
      wraps: epochs.flatMap((epoch, at) => {
        const wrap = wrapped[at] ?? null;
        return wrap === null ? [] : [{ epoch, sealed: wrap }];
      }),
    })),
  fc.record({ kind: fc.constant("revoke" as const), device: id<DeviceId>(), fences: fences(9) }),
  fc.record({ kind: fc.constant("set-recovery" as const), rootSign: bytes32, rootOpen: bytes32 }),
  fc.record({
    kind: fc.constant("epoch" as const),
    epoch: id<EpochId>(),
    custody: fc.constantFrom("synced" as const, "local" as const),
    tips: ids<EpochId>(8),
    recipients: fc
      .uniqueArray(fc.record({ device: id<DeviceId>(), sealed }), {
        maxLength: 8,
        selector: ({ device }) => device,
      })
      .map((list) => list.toSorted((a, b) => (a.device < b.device ? -1 : 1))),
    rootSealed: sealed,
  }),
  fc.record({
    kind: fc.constant("open-log" as const),
    incarnation: fc.nat({ max: 999 }),
    continues: fences(3),
  }),
  fc.record({
    kind: fc.constant("purge" as const),
    entries: fc
      .uniqueArray(fc.record({ log: id<LogId>(), position, leaf: bytes32.map((leaf) => leaf as TreeHash) }), {
        minLength: 1,
        maxLength: 9,
        selector: ({ log }) => log,
      })
      .map((list) => list.toSorted((a, b) => (a.log < b.log ? -1 : 1))),
  }),
  fc.record({ kind: fc.constantFrom("countersign" as const, "void" as const), operation: id<ControlId>() }),
  fc
    .option(fc.record({ address: fc.string({ unit: "grapheme", maxLength: 60 }), peerKey: bytes32 }))
    .map((cloud) => ({
      kind: "cloud" as const,
      address: cloud?.address ?? null,
      peerKey: cloud?.peerKey ?? null,
    })),
);
const anyOperation: fc.Arbitrary<ControlOperation> = fc.record({
  parents: ids<ControlId>(64),
  rootSignature: fc.option(fc.uint8Array({ minLength: 64, maxLength: 64 })),
  body: anyBody,
});

describe("the vectors of docs/spec/membership.md", () => {
  it("are what their script makes", () => {
    const folder = mkdtempSync(join(tmpdir(), "kinlog-vectors-"));
    try {
      const { status, stderr } = spawnSync(process.execPath, [
        vectorPath("make-membership-vectors.mjs"),
        folder,
      ]);
      equal(status, 0, stderr.toString());
      for (const name of files) equal(readFileSync(join(folder, name), "utf8"), textOf(name), name);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are as many as there were, good and bad", () => {
    const bad = operations.vectors.filter(({ expect }) => expect.code !== undefined).length;
    deepEqual([operations.vectors.length - bad, bad, signing.vectors.length], [17, 42, 2]);
  });

  for (const { comment, payload, expect } of operations.vectors) {
    it(`decodes, or refuses with ${expect.code ?? "nothing"}: ${comment}`, () => {
      const input = hexToBytes(payload);
      if (expect.code !== undefined) {
        throws(
          () => decodeControl(input),
          (error) => isEngineError(error, expect.code),
        );
        return;
      }
      const operation = decodeControl(input);
      equal(operation.body.kind, expect.kind);
      deepEqual(operation.parents, expect.parents);
      if (operation.body.kind === "unknown") equal(operation.body.number, expect.number);
      else equal(hex(encodeControl(operation)), payload);
      const { account, author } = operations;
      const isSigned = isSignedByRoot({ account, author, operation }, hexToBytes(operations.rootSign));
      equal(isSigned, expect.rootSigned ?? false);
    });
  }

  for (const { comment, payload, bytes, signed } of signing.vectors) {
    it(`are signed with the phrase byte for byte: ${comment}`, () => {
      const { account, author } = signing;
      const operation = decodeControl(hexToBytes(payload));
      equal(hex(rootSigningBytes({ account, author, operation })), bytes);
      const key = createSigningKey(hexToBytes(signing.rootSeed));
      equal(hex(encodeControl(signByRoot({ account, author, operation, key }))), signed);
    });
  }
});

describe("control operations", () => {
  it("U1: come back from their bytes as they went in", () => {
    fc.assert(
      fc.property(anyOperation, (operation) => {
        // Cloned, because generated records have no prototype.
        deepEqual(decodeControl(encodeControl(operation)), structuredClone(operation));
      }),
    );
  });

  it("U1: have one encoding each, and no bytes break the decoder", () => {
    const corrupted = fc
      .tuple(
        anyOperation,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
        fc.nat({ max: 4 }),
      )
      .map(([operation, changes, cut]) => {
        const payload = encodeControl(operation);
        for (const [at, value] of changes) payload[at % payload.length] = value;
        return payload.subarray(0, payload.length - cut);
      });
    fc.assert(
      fc.property(fc.oneof(corrupted, fc.uint8Array({ maxLength: 200 })), (payload) => {
        try {
          const operation = decodeControl(payload);
          if (operation.body.kind !== "unknown") equal(hex(encodeControl(operation)), hex(payload));
        } catch (error) {
          ok(isEngineError(error) && error.code.startsWith("WIRE_"), String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("are written the same whatever order their lists are given in", () => {
    const [x, y, z] = ["11", "22", "33"].map((digits) => digits.repeat(32)) as [string, string, string];
    const epoch = bodies.epoch("e", ["b", "a", "c"], { tips: ["u", "t"] });
    const given: ControlOperation = {
      parents: [z, x, y] as ControlId[],
      rootSignature: null,
      body: epoch,
    };
    const sorted: ControlOperation = {
      parents: [x, y, z] as ControlId[],
      rootSignature: null,
      body: { ...epoch, tips: epoch.tips.toReversed(), recipients: epoch.recipients.toReversed() },
    };
    equal(hex(encodeControl(given)), hex(encodeControl(sorted)));
  });

  it("C11: carry the phrase's signature for one account, author, kind, body and list of parents only", () => {
    const key = rootKeyOf("first");
    const account = "aa".repeat(32) as AccountId;
    const author = deviceOf("a");
    const plain: ControlOperation = {
      parents: [],
      rootSignature: null,
      body: { kind: "void", operation: "11".repeat(32) as ControlId },
    };
    const operation = signByRoot({ account, author, operation: plain, key });
    const isSigned = (change: object, by = key): boolean =>
      isSignedByRoot({ account, author, operation, ...change }, by.publicKey);
    ok(isSigned({}));
    ok(!isSigned({}, rootKeyOf("second")));
    ok(!isSigned({ account: "bb".repeat(32) }));
    ok(!isSigned({ author: deviceOf("b") }));
    ok(!isSigned({ operation: { ...operation, parents: ["22".repeat(32)] } }));
    ok(!isSigned({ operation: { ...operation, body: { kind: "countersign", operation: "11".repeat(32) } } }));
    ok(!isSigned({ operation: { ...operation, body: { kind: "void", operation: "33".repeat(32) } } }));
    ok(!isSigned({ operation: plain }));
    ok(!isSigned({ operation: { ...unreadableOperation, rootSignature: operation.rootSignature } }));
  });
});
