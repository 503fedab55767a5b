/**
 * Makes test/vectors/membership/*.json from docs/spec/membership.md alone: imports nothing of src, so that both can be wrong
 * only apart. Run: node test/vectors/make-membership-vectors.mjs [folder]. The same output every time.
 */
/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- Plain JavaScript on purpose: it runs without the compiler. */
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? join(import.meta.dirname, "membership");

const bytes = (...parts) => Buffer.concat(parts.flat(9).map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
const sha256 = (...parts) => createHash("sha256").update(bytes(...parts)).digest();
const label = (text) => bytes(text.length, Buffer.from(text));
const filled = (byte, size = 32) => Buffer.alloc(size, byte);
const hex = (buffer) => buffer.toString("hex");

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

const list = (...items) => bytes(uint(items.length), items);
const blob = (content) => bytes(uint(content.length), content);
const text = (content) => blob(Buffer.from(content));
const fence = (log, length, root) => bytes(filled(log), uint(length), filled(root));

const rootSeed = filled(0x5e);
const rootKey = createPrivateKey({
  key: bytes(Buffer.from("302e020100300506032b657004220420", "hex"), rootSeed),
  format: "der",
  type: "pkcs8",
});
const rootSign = createPublicKey(rootKey).export({ format: "der", type: "spki" }).subarray(-32);
const author = filled(0xa0);

const genesisBody = bytes(rootSign, filled(0x02), author, filled(0x04), filled(0x05, 16));
const account = sha256(label("kinlog/v1/account"), genesisBody);

const signingBytes = (kind, parents, body) =>
  bytes(label("kinlog/v1/root-operation"), account, author, uint(kind), list(...parents), body);
const control = (kind, body, { parents = [], signature = null, version = 1 } = {}) =>
  bytes(version, uint(kind), signature === null ? 0 : [1, signature], list(...parents), body);
const signed = (kind, body, parents = []) =>
  control(kind, body, { parents, signature: sign(null, signingBytes(kind, parents, body), rootKey) });

const one = filled(0x11);
const two = filled(0x22);
const admitBody = bytes(filled(0xb0), filled(0xb1), list([filled(0xe1), 0], [filled(0xe2), 1, blob(filled(0x77, 48))]));
const epochBody = bytes(
  filled(0xe3),
  1,
  list(filled(0xe1), filled(0xe2)),
  list([filled(0xa0), 1, blob(filled(0x78, 3))], [filled(0xb0), 0]),
  1,
  blob(filled(0x79, 2)),
);

const good = [
  ["a genesis", control(1, genesisBody), { kind: "genesis", parents: [] }],
  ["an admission, one of two epochs wrapped", control(2, admitBody, { parents: [one] }), { kind: "admit", parents: [hex(one)] }],
  ["an admission with the phrase", signed(2, admitBody, [one, two]), { kind: "admit", parents: [hex(one), hex(two)], rootSigned: true }],
  ["a revocation without fences", control(3, bytes(filled(0xb0), list())), { kind: "revoke", parents: [] }],
  [
    "a revocation with two fences, one at the greatest length",
    control(3, bytes(filled(0xb0), list(fence(0x01, 0, 0x02), fence(0x03, 2n ** 48n - 1n, 0x04)))),
    { kind: "revoke", parents: [] },
  ],
  ["a new recovery phrase, signed by the old one", signed(4, bytes(filled(0x0a), filled(0x0b))), { kind: "set-recovery", parents: [], rootSigned: true }],
  ["an epoch", control(5, epochBody, { parents: [one] }), { kind: "epoch", parents: [hex(one)] }],
  [
    "an epoch in local custody, for nobody yet",
    control(5, bytes(filled(0xe3), 2, list(), list(), 0)),
    { kind: "epoch", parents: [] },
  ],
  ["the opening of incarnation 0", control(6, bytes(uint(0), list())), { kind: "open-log", parents: [] }],
  [
    "the opening of the last incarnation, continuing three logs",
    control(6, bytes(uint(999), list(fence(1, 1, 9), fence(2, 128, 9), fence(3, 16384, 9)))),
    { kind: "open-log", parents: [] },
  ],
  [
    "a purge of two entries of one log and one of another",
    control(7, list([filled(1), uint(2), filled(7)], [filled(1), uint(300), filled(6)], [filled(2), uint(0), filled(5)])),
    { kind: "purge", parents: [] },
  ],
  ["a countersignature", control(8, one, { parents: [one] }), { kind: "countersign", parents: [hex(one)] }],
  ["a void", control(9, two, { parents: [two] }), { kind: "void", parents: [hex(two)] }],
  ["a cloud peer", control(10, bytes(1, text("wss://pärson.example"), filled(0xcc))), { kind: "cloud", parents: [] }],
  ["no cloud peer any more", control(10, bytes(0)), { kind: "cloud", parents: [] }],
  [
    "a kind of later, its parents known, its body not",
    control(65535, filled(0xff, 5), { parents: [one] }),
    { kind: "unknown", number: 65535, parents: [hex(one)] },
  ],
  ["a version of later, of which nothing is read", bytes(2, filled(0xff, 7)), { kind: "unknown", number: 0, parents: [] }],
];

const many = (count, item) => Array.from({ length: count }, (_, at) => item(at));
const numbered = (at) => bytes(Math.floor(at / 256), at % 256, filled(0, 30));

const bad = [
  ["nothing", bytes(), "WIRE_TRUNCATED"],
  ["version 0", control(6, bytes(uint(0), list()), { version: 0 }), "WIRE_NOT_CANONICAL"],
  ["kind 0", control(0, bytes()), "WIRE_NOT_CANONICAL"],
  ["a kind in more bytes than it needs", bytes(1, uint(6, 2), 0, 0, 0, 0), "WIRE_NOT_CANONICAL"],
  ["a kind over the limit", control(65536, bytes()), "WIRE_LIMIT_EXCEEDED"],
  ["a root flag of 2", bytes(1, 9, 2, list(), one), "WIRE_NOT_CANONICAL"],
  ["a root signature cut short", bytes(1, 9, 1, filled(1, 63)), "WIRE_TRUNCATED"],
  ["65 parents", control(9, one, { parents: many(65, numbered) }), "WIRE_LIMIT_EXCEEDED"],
  ["a parent twice", control(9, one, { parents: [one, one] }), "WIRE_NOT_CANONICAL"],
  ["parents out of order", control(9, one, { parents: [two, one] }), "WIRE_NOT_CANONICAL"],
  ["parents out of order before an unknown kind", control(11, one, { parents: [two, one] }), "WIRE_NOT_CANONICAL"],
  ["a byte after a genesis", control(1, bytes(genesisBody, 0)), "WIRE_TRAILING_BYTES"],
  ["a genesis without its salt's last byte", control(1, genesisBody.subarray(0, -1)), "WIRE_TRUNCATED"],
  ["an admission with 65 epochs", control(2, bytes(one, two, list(...many(65, (at) => [numbered(at), 0])))), "WIRE_LIMIT_EXCEEDED"],
  ["an admission with one epoch twice", control(2, bytes(one, two, list([one, 0], [one, 1, blob(two)]))), "WIRE_NOT_CANONICAL"],
  ["an admission with a wrap over its limit", control(2, bytes(one, two, list([one, 1, blob(filled(0, 8193))]))), "WIRE_LIMIT_EXCEEDED"],
  ["an admission with a wrapped flag of 7", control(2, bytes(one, two, list([one, 7]))), "WIRE_NOT_CANONICAL"],
  ["a fence of length 2^48", control(3, bytes(one, list(fence(1, 2n ** 48n, 2)))), "WIRE_LIMIT_EXCEEDED"],
  ["a fence whose length is padded", control(3, bytes(one, list([filled(1), uint(3, 2), filled(2)]))), "WIRE_NOT_CANONICAL"],
  ["two fences for one log", control(3, bytes(one, list(fence(1, 1, 2), fence(1, 2, 2)))), "WIRE_NOT_CANONICAL"],
  ["fences out of order", control(3, bytes(one, list(fence(2, 1, 2), fence(1, 2, 2)))), "WIRE_NOT_CANONICAL"],
  ["3,073 fences announced", control(3, bytes(one, uint(3073))), "WIRE_LIMIT_EXCEEDED"],
  ["3,072 fences announced and none there", control(3, bytes(one, uint(3072))), "WIRE_TRUNCATED"],
  ["a custody of 0", control(5, bytes(one, 0, list(), list(), 0)), "WIRE_NOT_CANONICAL"],
  ["a custody of 3", control(5, bytes(one, 3, list(), list(), 0)), "WIRE_NOT_CANONICAL"],
  ["65 tips", control(5, bytes(one, 1, list(...many(65, numbered)), list(), 0)), "WIRE_LIMIT_EXCEEDED"],
  ["tips out of order", control(5, bytes(one, 1, list(two, one), list(), 0)), "WIRE_NOT_CANONICAL"],
  ["257 recipients", control(5, bytes(one, 1, list(), list(...many(257, (at) => [numbered(at), 0])), 0)), "WIRE_LIMIT_EXCEEDED"],
  ["a recipient twice", control(5, bytes(one, 1, list(), list([one, 0], [one, 1, blob(two)]), 0)), "WIRE_NOT_CANONICAL"],
  ["an epoch without the flag for root-open", control(5, bytes(one, 1, list(), list())), "WIRE_TRUNCATED"],
  ["incarnation 1,000", control(6, bytes(uint(1000), list())), "WIRE_LIMIT_EXCEEDED"],
  ["four logs continued", control(6, bytes(uint(1), list(...[1, 2, 3, 4].map((log) => fence(log, 1, 1))))), "WIRE_LIMIT_EXCEEDED"],
  ["a purge of nothing", control(7, list()), "WIRE_NOT_CANONICAL"],
  ["a purge of 4,097 entries announced", control(7, uint(4097)), "WIRE_LIMIT_EXCEEDED"],
  ["a purge with positions out of order", control(7, list([one, uint(2), two], [one, uint(1), two])), "WIRE_NOT_CANONICAL"],
  ["a purge at position 2^48", control(7, list([one, uint(2n ** 48n), two])), "WIRE_LIMIT_EXCEEDED"],
  ["a countersignature of 31 bytes", control(8, filled(1, 31)), "WIRE_TRUNCATED"],
  ["a void of 33 bytes", control(9, filled(1, 33)), "WIRE_TRAILING_BYTES"],
  ["a cloud address that is not UTF-8", control(10, bytes(1, blob(Buffer.from("c328", "hex")), filled(0xcc))), "WIRE_NOT_CANONICAL"],
  ["a cloud address over its limit", control(10, bytes(1, text("a".repeat(513)), filled(0xcc))), "WIRE_LIMIT_EXCEEDED"],
  ["a cloud peer without a key", control(10, bytes(1, text("wss://a.example"))), "WIRE_TRUNCATED"],
  ["no cloud peer, but a key", control(10, bytes(0, filled(0xcc))), "WIRE_TRAILING_BYTES"],
];

const secret = (seed) => {
  const key = filled(seed);
  return { epoch: sha256(label("kinlog/v1/epoch-id"), key), key, discovery: filled(seed + 1) };
};
const [first, second] = [secret(0x31), secret(0x41)];
const triple = ({ epoch, key, discovery }) => [epoch, key, discovery];

const wraps = [
  ["one epoch", "accept", bytes(filled(0x1d), list(triple(first)))],
  ["an epoch and a tip", "accept", bytes(filled(0x1d), list(triple(first), triple(second)))],
  ["no epoch", "refuse", bytes(filled(0x1d), list())],
  ["a key under another epoch's name", "refuse", bytes(filled(0x1d), list(triple({ ...first, epoch: second.epoch })))],
  ["a false tip behind a true epoch", "refuse", bytes(filled(0x1d), list(triple(first), triple({ ...second, key: first.key })))],
  ["66 epochs", "refuse", bytes(filled(0x1d), list(...many(66, () => triple(first))))],
  ["a byte too many", "refuse", bytes(filled(0x1d), list(triple(first)), 0)],
  ["a byte too few", "refuse", bytes(filled(0x1d), list(triple(first))).subarray(0, -1)],
  ["a count in two bytes", "refuse", bytes(filled(0x1d), uint(1, 2), triple(first))],
];

function write(name, content) {
  writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
}

write("operations.json", {
  comment: "Payloads of control entries. `expect` is what decoding gives; encoding it again gives the payload.",
  account: hex(account),
  author: hex(author),
  rootSign: hex(rootSign),
  vectors: [
    ...good.map(([comment, payload, expect]) => ({ comment, payload: hex(payload), expect })),
    ...bad.map(([comment, payload, code]) => ({ comment, payload: hex(payload), expect: { code } })),
  ],
});
write("root-signing.json", {
  comment: "What root-sign signs for an operation of `author`, without the signature that it may carry.",
  account: hex(account),
  author: hex(author),
  rootSeed: hex(rootSeed),
  vectors: [
    ["an admission", 2, admitBody, [one, two]],
    ["a new recovery phrase", 4, bytes(filled(0x0a), filled(0x0b)), []],
  ].map(([comment, kind, body, parents]) => ({
    comment,
    payload: hex(control(kind, body, { parents })),
    bytes: hex(signingBytes(kind, parents, body)),
    signed: hex(signed(kind, body, parents)),
  })),
});
write("wraps.json", {
  comment: "Plaintexts of wraps, and the info of one.",
  info: {
    account: hex(account),
    epoch: hex(first.epoch),
    recipient: hex(author),
    suite: 1,
    expect: hex(bytes(label("kinlog/v1/wrap-info"), account, first.epoch, author, 1)),
  },
  vectors: wraps.map(([comment, expect, plaintext]) => ({ comment, expect, plaintext: hex(plaintext) })),
});
