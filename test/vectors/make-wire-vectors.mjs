/**
 * Makes test/vectors/wire/*.json from docs/spec/sync.md alone: imports nothing of src, so that both can be wrong only apart.
 * Run: node test/vectors/make-wire-vectors.mjs [folder]. The same output every time.
 */
/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- Plain JavaScript on purpose: it runs without the compiler. */
import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? join(import.meta.dirname, "wire");

const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
const hex = (buffer) => buffer.toString("hex");
const filled = (byte, size = 32) => Buffer.alloc(size, byte);
const sha256 = (...parts) => createHash("sha256").update(bytes(...parts)).digest();
const hmac = (key, ...parts) => createHmac("sha256", key).update(bytes(...parts)).digest();
const label = (text) => bytes(text.length, Buffer.from(text));

function u64(value) {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer;
}

/** Unsigned LEB128, padded with zeroes to at least `size` bytes, which no decoder may accept. */
function uint(value, size = 1) {
  const digits = [];
  let rest = BigInt(value);
  do {
    digits.push(Number(rest % 128n));
    rest /= 128n;
  } while (rest > 0n);
  while (digits.length < size) digits.push(0);
  return Buffer.from(digits.map((digit, at) => (at < digits.length - 1 ? digit + 128 : digit)));
}

const blob = (content) => bytes(uint(content.length), content);
const list = (items) => bytes(uint(items.length), ...items);

/** Ranges as pairs of positions; gaps and sizes are taken as they come, so that bad ones can be written as well. */
function ranges(pairs) {
  let end = 0;
  return list(
    pairs.map(([from, to]) => {
      const item = bytes(uint(from - end), uint(to - from));
      end = to;
      return item;
    }),
  );
}

const logA = filled(0xab);
const logB = filled(0x0c);
const root = filled(0x11);
const otherRoot = filled(0x22);
const signature = filled(0x33, 64);
const digest = filled(0x44);

const frames = [];
const accept = (comment, kind, body, frame) =>
  frames.push({ comment, expect: "accept", bytes: hex(bytes(kind, body)), frame });
const refuse = (comment, expect, ...parts) => frames.push({ comment, expect, bytes: hex(bytes(...parts)) });

const hello = bytes(1, uint(300));
accept("hello of the initiator, with features", 1, bytes(hello, filled(1), filled(2)), {
  kind: "hello-initiator",
  hello: { version: 1, features: 300 },
  nonce: hex(filled(1)),
  selector: hex(filled(2)),
});
accept("hello of the responder", 2, bytes(1, uint(0), filled(1), filled(2)), {
  kind: "hello-responder",
  hello: { version: 1, features: 0 },
  nonce: hex(filled(1)),
  tag: hex(filled(2)),
});
accept("proof of the initiator", 3, bytes(filled(1), filled(2), filled(3), signature), {
  kind: "proof-initiator",
  tag: hex(filled(1)),
  account: hex(filled(2)),
  device: hex(filled(3)),
  signature: hex(signature),
});
accept("proof of the responder", 4, bytes(filled(3), signature), {
  kind: "proof-responder",
  device: hex(filled(3)),
  signature: hex(signature),
});
accept("held, complete", 16, bytes(digest, 1), { kind: "held", digest: hex(digest), complete: true });
accept("held, something missing", 16, bytes(digest, 0), { kind: "held", digest: hex(digest), complete: false });
accept("frontier of nothing", 17, bytes(1, list([])), { kind: "frontier", last: true, logs: [] });
accept(
  "frontier of two logs, one with a hole and one of which nothing is held",
  17,
  bytes(0, list([
    bytes(logA, uint(300), root, ranges([[0, 3], [5, 300]])),
    bytes(logB, uint(2 ** 48 - 1), otherRoot, ranges([])),
  ])),
  {
    kind: "frontier",
    last: false,
    logs: [
      { log: hex(logA), length: 300, root: hex(root), held: [{ from: 0, to: 3 }, { from: 5, to: 300 }] },
      { log: hex(logB), length: 2 ** 48 - 1, root: hex(otherRoot), held: [] },
    ],
  },
);
const needBody = list([bytes(logA, uint(3), uint(300), ranges([[0, 3], [5, 300]]))]);
accept("need: the example of docs/spec/sync.md", 18, needBody, {
  kind: "need",
  logs: [{ log: hex(logA), knownLength: 3, headLength: 300, ranges: [{ from: 0, to: 3 }, { from: 5, to: 300 }] }],
});
accept("need of a head alone", 18, list([bytes(logA, uint(0), uint(1), ranges([]))]), {
  kind: "need",
  logs: [{ log: hex(logA), knownLength: 0, headLength: 1, ranges: [] }],
});
accept("extension from 3 to 7: nodes of [3, 4), [4, 6), [6, 7)", 19, bytes(logA, uint(3), uint(7), root, signature, filled(5), filled(6), filled(7)), {
  kind: "extension",
  from: 3,
  head: { log: hex(logA), length: 7, root: hex(root), signature: hex(signature) },
  nodes: [hex(filled(5)), hex(filled(6)), hex(filled(7))],
});
accept("ack of two logs", 21, bytes(0, list([bytes(logA, ranges([[0, 128]])), bytes(logB, ranges([[7, 8]]))])), {
  kind: "ack",
  dropped: false,
  logs: [
    { log: hex(logA), ranges: [{ from: 0, to: 128 }] },
    { log: hex(logB), ranges: [{ from: 7, to: 8 }] },
  ],
});
accept("ack that disclaims", 21, bytes(1, list([bytes(logA, ranges([[1, 2]]))])), {
  kind: "ack",
  dropped: true,
  logs: [{ log: hex(logA), ranges: [{ from: 1, to: 2 }] }],
});
accept("beat", 22, bytes(digest, 1), { kind: "beat", digest: hex(digest), answerWanted: true });
accept("close, shutting down", 23, bytes(13), { kind: "close", reason: "shutting-down" });
accept("close, revoked", 23, bytes(2), { kind: "close", reason: "revoked" });
accept("evidence", 24, bytes(logA, uint(9), root, signature, otherRoot, signature), {
  kind: "evidence",
  heads: [
    { log: hex(logA), length: 9, root: hex(root), signature: hex(signature) },
    { log: hex(logA), length: 9, root: hex(otherRoot), signature: hex(signature) },
  ],
});
accept("absent", 25, list([bytes(logA, ranges([[4, 6]]))]), {
  kind: "absent",
  logs: [{ log: hex(logA), ranges: [{ from: 4, to: 6 }] }],
});
accept("an unknown kind that may be skipped", 64, Buffer.from("whatever"), { kind: "unknown", number: 64 });
accept(
  "evidence with nodes",
  65,
  bytes(logA, uint(3), root, signature, uint(300), otherRoot, signature, ...Array.from({ length: 12 }, (_, n) => filled(n + 1))),
  {
    kind: "evidence-nodes",
    heads: [
      { log: hex(logA), length: 3, root: hex(root), signature: hex(signature) },
      { log: hex(logA), length: 300, root: hex(otherRoot), signature: hex(signature) },
    ],
    nodes: Array.from({ length: 12 }, (_, n) => hex(filled(n + 1))),
  },
);
const keepNumbers = [1, 300, 0, 0];
for (const [at, word] of ["ask", "promise", "refuse", "release"].entries()) {
  accept(`keep: ${word}`, 67, bytes(at + 1, uint(keepNumbers[at]), list([bytes(logA, ranges([[0, 3], [5, 300]])), bytes(logB, ranges([[7, 8]]))])), {
    kind: "keep",
    word,
    number: keepNumbers[at],
    logs: [
      { log: hex(logA), ranges: [{ from: 0, to: 3 }, { from: 5, to: 300 }] },
      { log: hex(logB), ranges: [{ from: 7, to: 8 }] },
    ],
  });
}
accept("the last kind", 255, Buffer.alloc(0), { kind: "unknown", number: 255 });

refuse("no kind", "WIRE_TRUNCATED");
refuse("kind 0", "WIRE_UNKNOWN_KIND", 0);
refuse("an unknown kind below 64", "WIRE_UNKNOWN_KIND", 63);
refuse("a reserved kind", "WIRE_UNKNOWN_KIND", 26, digest);
refuse("held, a byte short", "WIRE_TRUNCATED", 16, digest);
refuse("held, a byte more", "WIRE_TRAILING_BYTES", 16, digest, 1, 0);
refuse("a flag of 2", "WIRE_NOT_CANONICAL", 16, digest, 2);
refuse("features over 2^53 - 1", "WIRE_LIMIT_EXCEEDED", 1, 1, uint(2n ** 53n), filled(1), filled(2));
refuse("a count padded with zeroes", "WIRE_NOT_CANONICAL", 25, uint(0, 2));
refuse("2,049 logs in a frontier", "WIRE_LIMIT_EXCEEDED", 17, 1, uint(2049));
refuse("257 logs in a need", "WIRE_LIMIT_EXCEEDED", 18, uint(257));
refuse("257 logs in an ack", "WIRE_LIMIT_EXCEEDED", 21, 0, uint(257));
refuse("257 logs in absent", "WIRE_LIMIT_EXCEEDED", 25, uint(257));
refuse("more logs than bytes", "WIRE_TRUNCATED", 25, uint(256), logA);
refuse("1,025 ranges", "WIRE_LIMIT_EXCEEDED", 25, uint(1), logA, uint(1025));
refuse("an empty range", "WIRE_NOT_CANONICAL", 25, list([bytes(logA, ranges([[3, 3]]))]));
refuse("ranges that touch", "WIRE_NOT_CANONICAL", 25, list([bytes(logA, ranges([[0, 3], [3, 5]]))]));
refuse("positions beyond 2^48", "WIRE_LIMIT_EXCEEDED", 25, list([bytes(logA, uint(1), uint(2 ** 48 - 2), uint(2))]));
refuse("held beyond the length", "WIRE_LIMIT_EXCEEDED", 17, 1, list([bytes(logA, uint(5), root, ranges([[0, 6]]))]));
refuse("wanted beyond the length of the head", "WIRE_LIMIT_EXCEEDED", 18, list([bytes(logA, uint(0), uint(5), ranges([[5, 6]]))]));
refuse("a length of 0 in a frontier", "WIRE_NOT_CANONICAL", 17, 1, list([bytes(logA, uint(0), root, ranges([]))]));
refuse("a length of 2^48", "WIRE_LIMIT_EXCEEDED", 17, 1, list([bytes(logA, uint(2 ** 48), root, ranges([]))]));
refuse("an extension to the same length", "WIRE_NOT_CANONICAL", 19, logA, uint(7), uint(7), root, signature);
refuse("an extension backwards", "WIRE_NOT_CANONICAL", 19, logA, uint(8), uint(7), root, signature);
refuse("an extension with a node too few", "WIRE_TRUNCATED", 19, logA, uint(3), uint(7), root, signature, filled(5), filled(6));
refuse("an extension with a node too many", "WIRE_TRAILING_BYTES", 19, logA, uint(3), uint(4), root, signature, filled(5), filled(6));
refuse("evidence with nodes for one length", "WIRE_NOT_CANONICAL", 65, logA, uint(9), root, signature, uint(9), otherRoot, signature);
refuse("evidence with nodes, the longer head first", "WIRE_NOT_CANONICAL", 65, logA, uint(4), root, signature, uint(3), otherRoot, signature);
refuse("evidence with a node too few", "WIRE_TRUNCATED", 65, logA, uint(1), root, signature, uint(2), otherRoot, signature, filled(5));
refuse("keep, a word that does not exist", "WIRE_UNKNOWN_KIND", 67, 5, 1, list([bytes(logA, ranges([[1, 2]]))]));
refuse("keep, word 0", "WIRE_UNKNOWN_KIND", 67, 0, 1, list([bytes(logA, ranges([[1, 2]]))]));
refuse("keep of no log", "WIRE_NOT_CANONICAL", 67, 1, 1, list([]));
refuse("keep, an ask without a number", "WIRE_NOT_CANONICAL", 67, 1, 0, list([bytes(logA, ranges([[1, 2]]))]));
refuse("keep, a release with a number", "WIRE_NOT_CANONICAL", 67, 4, 1, list([bytes(logA, ranges([[1, 2]]))]));
refuse("keep, a number of 2^48", "WIRE_LIMIT_EXCEEDED", 67, 1, uint(2 ** 48), list([bytes(logA, ranges([[1, 2]]))]));
refuse("keep of nothing in a log", "WIRE_NOT_CANONICAL", 67, 1, 1, list([bytes(logA, ranges([]))]));
refuse("257 logs in keep", "WIRE_LIMIT_EXCEEDED", 67, 1, 1, uint(257));
refuse("1,025 ranges in keep", "WIRE_LIMIT_EXCEEDED", 67, 1, 1, uint(1), logA, uint(1025));
refuse("keep, a byte more", "WIRE_TRAILING_BYTES", 67, 1, 1, list([bytes(logA, ranges([[1, 2]]))]), 0);
refuse("a reason to close that does not exist", "WIRE_UNKNOWN_KIND", 23, 14);
refuse("reason 0", "WIRE_UNKNOWN_KIND", 23, 0);
refuse("an empty batch", "WIRE_TRUNCATED", 20);

/** What stands before each frame in a stream. */
const sizes = [
  { comment: "one byte", expect: "accept", size: 1, prefix: hex(uint(1)) },
  { comment: "two bytes", expect: "accept", size: 300, prefix: hex(uint(300)) },
  { comment: "the largest frame", expect: "accept", size: 1_048_576, prefix: hex(uint(1_048_576)) },
  { comment: "one more", expect: "WIRE_LIMIT_EXCEEDED", prefix: hex(uint(1_048_577)) },
  { comment: "2^31", expect: "WIRE_LIMIT_EXCEEDED", prefix: hex(uint(2n ** 31n)) },
  { comment: "2^53", expect: "WIRE_LIMIT_EXCEEDED", prefix: hex(uint(2n ** 53n)) },
  { comment: "-1 as 64 bits", expect: "WIRE_LIMIT_EXCEEDED", prefix: hex(bytes(filled(0xff, 9), 1)) },
  { comment: "zero", expect: "WIRE_NOT_CANONICAL", prefix: "00" },
  { comment: "padded with zeroes", expect: "WIRE_NOT_CANONICAL", prefix: hex(uint(5, 2)) },
  { comment: "zeroes without end", expect: "WIRE_LIMIT_EXCEEDED", prefix: hex(filled(0x80, 12)) },
];

const keyOf = (seed) =>
  createPrivateKey({ key: bytes(Buffer.from("302e020100300506032b657004220420", "hex"), seed), format: "der", type: "pkcs8" });
const publicOf = (seed) => createPublicKey(keyOf(seed)).export({ format: "der", type: "spki" }).subarray(-32);

function makeHandshake() {
  const protocol = "/kinlog/sync/1";
  const key = filled(0x51);
  const account = filled(0xa1);
  const initiator = { transport: Buffer.from("initiator's transport id"), nonce: filled(0x61), seed: filled(0x71) };
  const responder = { transport: Buffer.from("responder's transport id"), nonce: filled(0x62), seed: filled(0x72) };
  const plainHello = bytes(1, uint(0));
  const text = blob(Buffer.from(protocol));
  const transports = bytes(blob(initiator.transport), blob(responder.transport));
  const selector = hmac(key, label("kinlog/v1/handshake-selector"), text, transports, initiator.nonce);
  const transcript = sha256(label("kinlog/v1/handshake"), text, plainHello, plainHello, transports, initiator.nonce, responder.nonce);
  const prove = (letter, seed) => sign(null, bytes(Buffer.from(letter), transcript, account), keyOf(seed));
  const sized = (kind, body) => hex(bytes(uint(body.length + 1), kind, body));
  const party = ({ transport, nonce, seed }) => ({ transport: hex(transport), nonce: hex(nonce), seed: hex(seed) });
  return {
    protocol,
    discoveryKey: hex(key),
    account: hex(account),
    initiator: party(initiator),
    responder: party(responder),
    transcript: hex(transcript),
    frames: [
      sized(1, bytes(plainHello, initiator.nonce, selector)),
      sized(2, bytes(plainHello, responder.nonce, hmac(key, Buffer.from("R"), transcript))),
      sized(3, bytes(hmac(key, Buffer.from("I"), transcript), account, publicOf(initiator.seed), prove("I", initiator.seed))),
      sized(4, bytes(publicOf(responder.seed), prove("R", responder.seed))),
    ],
  };
}

/** Three logs: one held whole, one with a hole and cut by a fence above it, one of which nothing is held. */
function makePossession() {
  const account = filled(0xa1);
  const logs = [
    { log: logB, prefixLength: 7, root, held: [[0, 7]], cut: null },
    { log: logA, prefixLength: 3, root: otherRoot, held: [[0, 3], [5, 300]], cut: 200 },
    { log: filled(0xee), prefixLength: 0, root: sha256(), held: [], cut: null },
  ];
  const body = bytes(
    account,
    bytes(logB, u64(7), root, ranges([])),
    bytes(logA, u64(3), otherRoot, ranges([[5, 200]])),
  );
  return {
    account: hex(account),
    logs: logs.map(({ log, root: prefixRoot, ...rest }) => ({ log: hex(log), root: hex(prefixRoot), ...rest })),
    digest: hex(sha256(label("kinlog/v1/possession"), body)),
    fingerprint: hex(sha256(label("kinlog/v1/fingerprint"), body)).slice(0, 32),
  };
}

const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
write("frames.json", frames);
write("sizes.json", sizes);
write("handshake.json", makeHandshake());
write("possession.json", makePossession());
