/** Operations as bytes: the vectors of docs/spec/inbox.md, and what no bytes may do to the decoder. Threats U1, U3, U4, U11. */
import { deepEqual, equal, notDeepEqual, ok, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { type ErrorCode, isEngineError } from "../../../src/core/base/errors.ts";
import type { ControlId, ConversationId, DeviceId, LogId, MessageId } from "../../../src/core/base/ids.ts";
import {
  contentHashOf,
  decodeOperation,
  encodeOperation,
  logClassOf,
} from "../../../src/core/inbox/operation.ts";
import {
  DELIVERY_STATES,
  type NamedMessage,
  type Operation,
  type OperationBody,
  type OrderKey,
  type Stamp,
} from "../../../src/core/inbox/types.ts";
import { assertCode } from "../../support/assert-code.ts";
import {
  conversationIdAt,
  deviceOf,
  idOf,
  inNamedOrder,
  laterMessage,
  messageBody,
  operationOf,
  purgeOf,
} from "../../support/operations.ts";
import { vectorPath } from "../../support/paths.ts";

interface Vectors {
  readonly logDevice: DeviceId;
  readonly id: MessageId;
  readonly good: readonly {
    readonly comment: string;
    readonly payload: string;
    readonly id?: MessageId;
    readonly author: DeviceId;
    readonly stamp: Stamp;
    readonly body: OperationBody;
  }[];
  readonly bad: readonly { readonly comment: string; readonly payload: string; readonly code: ErrorCode }[];
  readonly contentHash: { readonly ownPayload: string; readonly writtenOut: string; readonly expect: string };
}

const files = ["operations.json", "taken-in.json"];
const textOf = (name: string): string => readFileSync(vectorPath(`inbox/${name}`), "utf8");
const vectors = JSON.parse(textOf("operations.json")) as Vectors;
const { logDevice } = vectors;

const noNullPrototype = true;
const bytes = (size: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map(hex);
const shortId = bytes(16) as fc.Arbitrary<string & MessageId & ConversationId>;
const device = bytes(32) as fc.Arbitrary<DeviceId>;
const ms = fc.maxSafeNat().map((value) => value % 2 ** 48);
const stamp: fc.Arbitrary<Stamp> = fc.record({ ms, counter: fc.nat(65_535) }, { noNullPrototype });
const order: fc.Arbitrary<OrderKey> = fc.record({ stamp, id: shortId }, { noNullPrototype });
const text = (bytesMax: number): fc.Arbitrary<string> =>
  fc.string({ unit: "grapheme", maxLength: 60 }).filter((some) => Buffer.byteLength(some) <= bytesMax);
const named: fc.Arbitrary<NamedMessage> = fc.record(
  {
    message: shortId,
    contentHash: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    stamp,
    flags: fc.nat(31).map((flags) => flags & ~8),
    log: bytes(32) as fc.Arbitrary<LogId>,
    position: ms,
  },
  { noNullPrototype },
);
const body: fc.Arbitrary<OperationBody> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("message" as const),
      conversation: text(1_024),
      direction: fc.constantFrom("in" as const, "out" as const),
      service: fc.constantFrom("kinlog" as const, "sms" as const, "mms" as const),
      sender: fc.option(text(1_024)),
      text: text(65_536),
      sentAtMs: ms,
      receivedAtMs: fc.option(ms),
      replyTo: fc.option(shortId),
      takenIn: fc.boolean(),
      readAtSource: fc.boolean(),
    },
    { noNullPrototype },
  ),
  fc.record(
    {
      kind: fc.constantFrom("delete" as const, "restore" as const),
      conversation: shortId,
      messages: fc.array(shortId, { minLength: 1, maxLength: 20 }),
    },
    { noNullPrototype },
  ),
  fc.record({ kind: fc.constant("read" as const), conversation: shortId, upTo: order }, { noNullPrototype }),
  fc.record({ kind: fc.constant("unread" as const), conversation: shortId }, { noNullPrototype }),
  fc.record(
    { kind: fc.constant("title" as const), conversation: shortId, title: text(1_024) },
    { noNullPrototype },
  ),
  fc.record({ kind: fc.constant("device-name" as const), device, name: text(256) }, { noNullPrototype }),
  fc.record(
    { kind: fc.constant("edit" as const), conversation: shortId, message: shortId, text: text(65_536) },
    { noNullPrototype },
  ),
  fc.record(
    { kind: fc.constant("unsend" as const), conversation: shortId, message: shortId },
    { noNullPrototype },
  ),
  fc.record(
    {
      kind: fc.constant("reaction" as const),
      conversation: shortId,
      message: shortId,
      sender: fc.option(text(1_024)),
      emoji: text(64),
      removed: fc.boolean(),
    },
    { noNullPrototype },
  ),
  fc.record(
    {
      kind: fc.constant("delivery" as const),
      conversation: shortId,
      message: shortId,
      state: fc.constantFrom(...DELIVERY_STATES),
    },
    { noNullPrototype },
  ),
  fc.record(
    { kind: fc.constant("pin" as const), conversation: shortId, on: fc.boolean(), rank: ms },
    { noNullPrototype },
  ),
  fc.record({ kind: fc.constant("mute" as const), conversation: shortId, untilMs: ms }, { noNullPrototype }),
  fc.record(
    { kind: fc.constant("archive" as const), conversation: shortId, on: fc.boolean() },
    { noNullPrototype },
  ),
  fc.record(
    { kind: fc.constant("draft" as const), conversation: shortId, text: text(65_536) },
    { noNullPrototype },
  ),
  fc.record(
    { kind: fc.constant("setting" as const), name: text(64), value: text(1_024) },
    { noNullPrototype },
  ),
  fc.record(
    {
      kind: fc.constant("tombstone" as const),
      purge: bytes(32) as fc.Arbitrary<ControlId>,
      conversation: text(1_024),
      named: fc.array(named, { minLength: 1, maxLength: 5 }).map(inNamedOrder),
    },
    { noNullPrototype },
  ),
  fc.record(
    {
      kind: fc.constant("participants" as const),
      conversation: shortId,
      participants: fc.array(text(1_024), { maxLength: 5 }),
    },
    { noNullPrototype },
  ),
);
const operation: fc.Arbitrary<Operation> = fc.record(
  { id: shortId, author: fc.oneof(device, fc.constant(logDevice)), stamp, body },
  { noNullPrototype },
);

describe("operation vectors", () => {
  for (const { comment, payload, id, author, stamp: at, body: expected } of vectors.good) {
    it(`decode ${comment}`, () => {
      const decoded = decodeOperation(hexToBytes(payload), { logDevice });
      deepEqual(inJson(decoded), { id: id ?? vectors.id, author, stamp: at, body: expected });
      if (isWritten(expected)) equal(hex(encodeOperation(decoded, { logDevice })), payload);
    });
  }

  for (const { comment, payload, code } of vectors.bad) {
    it(`refuse ${comment}`, () => {
      assertCode(() => decodeOperation(hexToBytes(payload), { logDevice }), code);
    });
  }

  it("give one content hash for one operation, in whichever log it stands", () => {
    const { ownPayload, writtenOut, expect } = vectors.contentHash;
    equal(hex(contentHashOf(hexToBytes(ownPayload), { logDevice })), expect);
    equal(hex(contentHashOf(hexToBytes(writtenOut), { logDevice: deviceOf(2) })), expect);
  });

  it("are what their script makes of the specification", () => {
    const folder = mkdtempSync(join(tmpdir(), "kinlog-vectors-"));
    try {
      const { status, stderr } = spawnSync(process.execPath, [vectorPath("make-inbox-vectors.mjs"), folder]);
      equal(status, 0, stderr.toString());
      for (const name of files) equal(readFileSync(join(folder, name), "utf8"), textOf(name), name);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are as many as there were, good and bad", () => {
    deepEqual([vectors.good.length, vectors.bad.length], [45, 42]);
  });
});

describe("operations", () => {
  it("come back from their bytes, in a log of their author and of another device", () => {
    fc.assert(
      fc.property(operation, (one) => {
        const payload = encodeOperation(one, { logDevice });
        deepEqual(decodeOperation(payload, { logDevice }), one);
        deepEqual(encodeOperation(decodeOperation(payload, { logDevice }), { logDevice }), payload);
      }),
    );
  });

  it("have a content hash that changes with everything they say, and with nothing else", () => {
    fc.assert(
      fc.property(operation, operation, (a, b) => {
        const hashIn = (one: Operation, log: DeviceId): string =>
          hex(contentHashOf(encodeOperation(one, { logDevice: log }), { logDevice: log }));
        equal(hashIn(a, logDevice), hashIn(a, a.author));
        equal(hashIn(a, logDevice), hashIn(a, deviceOf(5)));
        if (!isSame(a, b)) notDeepEqual(hashIn(a, logDevice), hashIn(b, logDevice));
      }),
    );
  });

  it("U1: no bytes do more to the decoder than be refused, and what it takes is canonical", () => {
    const mutated = fc.tuple(operation, fc.nat(), fc.nat(255)).map(([one, at, byte]) => {
      const payload = encodeOperation(one, { logDevice });
      payload[at % payload.length] = byte;
      return payload;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (payload) => {
        let decoded: Operation;
        try {
          decoded = decodeOperation(payload, { logDevice });
        } catch (error) {
          ok(isEngineError(error) && (error.code.startsWith("WIRE_") || error.code === "TEXT_NOT_UTF8"));
          return;
        }
        if (isWritten(decoded.body)) deepEqual(encodeOperation(decoded, { logDevice }), payload);
      }),
      { numRuns: 2_000 },
    );
  });

  it("U3: texts named after what objects inherit are texts", () => {
    for (const name of ["__proto__", "constructor", "toString", "0"]) {
      const one = operationOf(messageBody({ conversation: name, text: name, sender: name }));
      deepEqual(decodeOperation(encodeOperation(one, { logDevice }), { logDevice }), one);
    }
    equal(Object.hasOwn(Object.prototype, "kind"), false);
  });

  it("U4: keep NUL, noncharacters and what looks like a byte order mark, and refuse half a pair", () => {
    for (const kept of ["\u0000", "\ufffe\uffff", "\ufeffhi", "\ufffd"]) {
      const one = operationOf(messageBody({ text: kept }));
      deepEqual(decodeOperation(encodeOperation(one, { logDevice }), { logDevice }), one);
    }
    for (const half of ["\ud83d", "x".repeat(200) + "\ude00"]) {
      assertCode(
        () => encodeOperation(operationOf(messageBody({ text: half })), { logDevice }),
        "TEXT_NOT_UTF8",
      );
    }
  });

  it("U11: are refused over their limits, and taken at them", () => {
    const longest = operationOf(messageBody({ text: "€".repeat(21_845), conversation: "x".repeat(1_024) }));
    deepEqual(decodeOperation(encodeOperation(longest, { logDevice }), { logDevice }), longest);
    for (const fields of [
      { text: "x".repeat(65_537) },
      { text: "€".repeat(21_846) },
      { conversation: "x".repeat(1_025) },
      { sender: "x".repeat(1_025) },
    ]) {
      assertCode(() => encodeOperation(operationOf(messageBody(fields)), { logDevice }), "TEXT_TOO_LONG");
    }
    const conversation = conversationIdAt(1);
    for (const count of [0, 1_001]) {
      const messages = Array.from({ length: count }, (_, n) => idOf(n));
      throws(
        () => encodeOperation(operationOf({ kind: "delete", conversation, messages }), { logDevice }),
        /invariant broken/,
      );
    }
  });

  it("U11: name participants of 65,536 bytes together, and no byte more", () => {
    const conversation = conversationIdAt(1);
    const many = Array.from({ length: 64 }, () => "x".repeat(1_024));
    const most = operationOf({ kind: "participants", conversation, participants: many });
    const payload = encodeOperation(most, { logDevice });
    deepEqual(decodeOperation(payload, { logDevice }), most);
    const more: OperationBody = { kind: "participants", conversation, participants: [...many, "x"] };
    assertCode(() => encodeOperation(operationOf(more), { logDevice }), "TEXT_TOO_LONG");
    // One more than the 64 of which the list tells, and their text behind them.
    const at = payload.length - 64 * (2 + 1_024) - 1;
    equal(payload[at], 64);
    const bytesOfMore = Uint8Array.of(...payload.subarray(0, at), 65, ...payload.subarray(at + 1), 1, 0x78);
    assertCode(() => decodeOperation(bytesOfMore, { logDevice }), "WIRE_LIMIT_EXCEEDED");
  });

  it("L15: of a later kind of message are placed by what stands in front, whatever follows", () => {
    const front = encodeOperation(operationOf(messageBody({ text: "" })), { logDevice });
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 127 }), fc.uint8Array({ maxLength: 100 }), (number, rest) => {
        const payload = Uint8Array.of(...front.subarray(0, -1), ...rest);
        payload[1] = number;
        const { id: decodedId, body: decoded } = decodeOperation(payload, { logDevice });
        equal(decodedId, idOf(1));
        deepEqual(decoded, laterMessage({ number }));
        equal(logClassOf(decoded), "messages");
      }),
    );
  });

  it("L15: of a later kind of message are out, taken in or read as a message with these flags is", () => {
    for (const direction of ["in", "out"] as const)
      for (const takenIn of [true, false])
        for (const readAtSource of [true, false]) {
          const known = messageBody({ text: "", direction, takenIn, readAtSource });
          const payload = encodeOperation(operationOf(known), { logDevice });
          payload[1] = 64;
          deepEqual(
            decodeOperation(payload, { logDevice }).body,
            laterMessage({ direction, takenIn, readAtSource }),
          );
        }
  });

  it("keep nothing of the bytes that they were read from, which the next ones are read into", () => {
    fc.assert(
      fc.property(operation, (one) => {
        const encoded = encodeOperation(one, { logDevice }).slice();
        const decoded = decodeOperation(encoded, { logDevice });
        const before = JSON.stringify(inJson(decoded));
        encoded.fill(0xaa);
        equal(JSON.stringify(inJson(decoded)), before);
      }),
    );
  });

  it("go into the state log unless they are messages", () => {
    equal(logClassOf(messageBody()), "messages");
    equal(logClassOf({ kind: "unread", conversation: conversationIdAt(1) }), "state");
    equal(logClassOf({ kind: "tombstone", purge: purgeOf(1), conversation: "+4930123", named: [] }), "state");
    equal(logClassOf({ kind: "device-name", device: deviceOf(1), name: "x" }), "state");
  });
});

/** Bytes within a body as the vectors write them: in hex. */
function inJson(one: Operation): unknown {
  const json = JSON.stringify(one, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value));
  return JSON.parse(json);
}

/** The others are kept as they came. */
function isWritten({ kind }: OperationBody): boolean {
  return kind !== "unknown" && kind !== "later-message";
}

function isSame(a: Operation, b: Operation): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
