/** Fuzzed: opened payloads, and what people type. Format: docs/spec/inbox.md. */
import fc from "fast-check";
import { equalBytes, utf8 } from "../../../src/core/base/bytes.ts";
import { open, pad, seal, unpad } from "../../../src/core/crypto/seal.ts";
import {
  normaliseAddress,
  validateAddress,
  validateName,
  validateText,
} from "../../../src/core/inbox/address.ts";
import { contentHashOf, decodeOperation, encodeOperation } from "../../../src/core/inbox/operation.ts";
import { orderText, parseOrder } from "../../../src/core/inbox/stamp.ts";
import type { Operation } from "../../../src/core/inbox/types.ts";
import {
  collidingOperation,
  conversationIdAt,
  deviceOf,
  messageBody,
  operationOf,
  orderAt,
} from "../../support/operations.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { type Decoder, promise } from "../decoder.ts";
import { looseText } from "./membership.ts";

const logDevice = deviceOf(1);
const anyOperation = collidingOperation(() => conversationIdAt(3)).filter(
  ({ body }) => body.kind !== "unknown" && body.kind !== "later-message",
);
const full = operationOf(
  messageBody({
    sender: "Ana",
    replyTo: "ab".repeat(16) as never,
    receivedAtMs: 5,
    text: "Grüße \ud83d\ude00\0",
  }),
  { author: deviceOf(2) },
);

const encoded = (operation: Operation): Uint8Array => encodeOperation(operation, { logDevice });

const operation: Decoder = {
  name: "operation",
  group: "inbox",
  codes: ["WIRE_*", "TEXT_NOT_UTF8"],
  samples: (seed) => [encoded(full), ...fc.sample(anyOperation, { numRuns: 24, seed }).map(encoded)],
  read: (input) => {
    const decoded = decodeOperation(input, { logDevice });
    promise(contentHashOf(input, { logDevice }).length === 16, "every payload has a content hash");
    if (decoded.body.kind === "unknown" || decoded.body.kind === "later-message") return;
    promise(equalBytes(encodeOperation(decoded, { logDevice }), input), "an operation has one encoding");
  },
};

const padding: Decoder = {
  name: "padding",
  group: "inbox",
  codes: [],
  samples: (seed) => {
    const random = new Random(seed);
    return [0, 1, 5, 70, 200].map((size) => pad(random.bytes(size)));
  },
  read: (input) => {
    const plain = unpad(input);
    if (plain !== undefined) promise(equalBytes(pad(plain), input), "padding has one form");
  },
};

const key = new Uint8Array(32).fill(3);
const associated = utf8("a place");
const sealed = seal({ key, nonce: new Uint8Array(24).fill(4), plaintext: pad(encoded(full)), associated });

const sealedPayload: Decoder = {
  name: "sealed-payload",
  group: "inbox",
  codes: [],
  samples: () => [sealed],
  read: (input) => {
    const plaintext = open({ key, sealed: input, associated });
    promise(plaintext === undefined || equalBytes(input, sealed), "only what was sealed opens");
  },
};

const order: Decoder = {
  name: "order",
  group: "inbox",
  codes: ["WIRE_NOT_CANONICAL"],
  sizeMax: 128,
  samples: () => [
    utf8(orderText(orderAt(1_700_000_000_000, 5))),
    utf8(orderText(orderAt(2 ** 48 - 1, 0, 65_535))),
  ],
  read: (input) => {
    const text = looseText(input);
    promise(orderText(parseOrder(text)) === text, "an order has one text");
  },
};

const address: Decoder = {
  name: "address",
  group: "inbox",
  codes: ["NAME_INVALID", "TEXT_TOO_LONG", "TEXT_NOT_UTF8"],
  words: ["+49", "@", "(0)", "\u200b", "\u0301", "\u1e9b\u0323", "\u0130", "\ufdfa", "\u2066"],
  samples: () => ["+49 (30) 123-456", "Ana", "ana@Example.ORG", "e\u0301", "+1*#"].map(utf8),
  read: (input) => {
    const text = looseText(input);
    const normal = normaliseAddress(text);
    promise(normaliseAddress(normal) === normal, "normalising again changes nothing");
    promise(normal.length <= 20 * text.length, "normalising makes no text of another size");
    validateText(text);
    validateName(text);
    validateAddress(text);
  },
};

export const inboxDecoders: readonly Decoder[] = [operation, padding, sealedPayload, order, address];
