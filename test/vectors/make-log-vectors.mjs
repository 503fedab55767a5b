/**
 * Makes test/vectors/log/*.json from docs/spec/log.md alone: imports nothing of src, so that both can be wrong only apart.
 * Run: node test/vectors/make-log-vectors.mjs [folder]. The same output every time.
 */
/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- Plain JavaScript on purpose: it runs without the compiler. */
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? join(import.meta.dirname, "log");

const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
const sha256 = (...parts) => createHash("sha256").update(bytes(...parts)).digest();
const label = (text) => bytes(text.length, Buffer.from(text));
const filled = (byte) => Buffer.alloc(32, byte);
const hex = (buffer) => buffer.toString("hex");

function big(value, size) {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer.subarray(8 - size);
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

/** The key of the first test of RFC 8032, 7.1, and another one. */
const seeds = { author: Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"), stranger: filled(0x55) };
const keyOf = (seed) =>
  createPrivateKey({ key: bytes(Buffer.from("302e020100300506032b657004220420", "hex"), seed), format: "der", type: "pkcs8" });
const publicOf = (seed) => createPublicKey(keyOf(seed)).export({ format: "der", type: "spki" }).subarray(-32);

const account = filled(0xa1);
const author = publicOf(seeds.author);
const log = sha256(label("kinlog/v1/log-id"), account, author, big(1, 8), 3);

const headMessage = ({ length, root, of = account }) =>
  bytes(label("kinlog/v1/head"), 1, of, log, big(length, 8), root);
const signHead = (head, seed = seeds.author) => sign(null, headMessage(head), keyOf(seed));

// The tree, by the RFC's recursion over positions; `known` holds hashes of perfect nodes by "level/index".

function splitOf(size) {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function hashOf(from, to, known) {
  const level = Math.log2(to - from);
  const own = Number.isInteger(level) && from % (to - from) === 0 ? known.get(`${level}/${from / (to - from)}`) : undefined;
  if (own !== undefined) return own;
  if (to - from === 1) throw new Error(`nothing is known of position ${from}`);
  const middle = from + splitOf(to - from);
  return sha256(1, hashOf(from, middle, known), hashOf(middle, to, known));
}

/** By descending from a root above all positions. */
function perfectNodes(from, to, level = 48, index = 0) {
  const [first, end] = [index * 2 ** level, (index + 1) * 2 ** level];
  if (end <= from || to <= first) return [];
  if (from <= first && end <= to) return [[level, index]];
  return [...perfectNodes(from, to, level - 1, index * 2), ...perfectNodes(from, to, level - 1, index * 2 + 1)];
}

const nodesOf = (from, to, known) =>
  perfectNodes(from, to).map(([level, index]) => hashOf(index * 2 ** level, (index + 1) * 2 ** level, known));

// Entries.

const sealed = { version: 1, flags: 0, epoch: filled(0xe1) };
const later = { version: 1, flags: 0, epoch: filled(0xe2) };
const clear = { version: 1, flags: 1, epoch: filled(0) };
const unknown = { version: 9, flags: 0x82, epoch: filled(0xe3) };

const encodeKind = ({ version, flags, epoch }) => bytes(version, flags, epoch);
const headerOf = ({ kind, payload }) => bytes(encodeKind(kind), big(payload.length, 6), sha256(payload));
const leafOf = (entry) => sha256(0, headerOf(entry));
const stateNumber = { present: 0, purged: 1, absent: 2 };

function entryAt(position, kind = [clear, sealed, sealed, later, unknown][position % 5], state = "present") {
  return { kind, state, payload: Buffer.from(`entry ${position}`) };
}

function leavesKnown(entries) {
  return new Map(entries.map((entry, position) => [`0/${position}`, leafOf(entry)]));
}

// Batches as parts, so that each part can be put wrong.

function batchParts({ entries, from, to, length, known = leavesKnown(entries) }) {
  const carried = entries.slice(from, to);
  return partsOf({ carried, from, length, known });
}

function partsOf({ carried, from, length, known }) {
  const to = from + carried.length;
  const kinds = [];
  for (const { kind } of carried) if (!kinds.includes(kind)) kinds.push(kind);
  const root = hashOf(0, length, known);
  return {
    log, from: uint(from), count: uint(carried.length), length: uint(length), root,
    signature: signHead({ length, root }),
    left: nodesOf(0, from, known), right: nodesOf(to, length, known),
    kindCount: uint(kinds.length), kinds: kinds.map(encodeKind),
    entries: carried.map(({ kind, state, payload }) => ({
      code: uint(4 * kinds.indexOf(kind) + stateNumber[state]), size: uint(payload.length),
      body: state === "present" ? payload : sha256(payload),
    })),
    rest: Buffer.alloc(0),
  }; // prettier-ignore
}

const encode = (parts) =>
  bytes(
    parts.log, parts.from, parts.count, parts.length, parts.root, parts.signature, ...parts.left, ...parts.right,
    parts.kindCount, ...parts.kinds, ...parts.entries.flatMap(({ code, size, body }) => [code, size, body]), parts.rest,
  ); // prettier-ignore

const flipped = (buffer, at = 0) => {
  const copy = Buffer.from(buffer);
  copy[at] ^= 1;
  return copy;
};

/** Entries 0 to 11, of which three carry no payload. */
const twelve = Array.from({ length: 12 }, (_, n) => entryAt(n, undefined, { 4: "purged", 6: "absent", 7: "purged" }[n]));
const example = { entries: [0, 1, 2].map((n) => entryAt(n, clear)), from: 1, to: 2, length: 3 };
const middle = { entries: twelve, from: 3, to: 9, length: 12 };

const batches = [];

function accept(comment, parts, { from, length, carried }) {
  batches.push({
    comment,
    expect: "accept",
    batch: hex(encode(parts)),
    from,
    length,
    leaves: carried.map((entry) => hex(leafOf(entry))),
    states: carried.map(({ state }) => state),
  });
}

function acceptOf(comment, place) {
  accept(comment, batchParts(place), { ...place, carried: place.entries.slice(place.from, place.to) });
}

/** `expect` is "refuse" where decoding succeeds and verifying does not, else the decoder's code. */
function refuse(expect, comment, change, place = middle) {
  const parts = batchParts(place);
  batches.push({ comment, expect, batch: hex(encode({ ...parts, ...change(parts) })) });
}

acceptOf("the annotated example of docs/spec/log.md: the second of three entries", example);
acceptOf("the only entry of a log", { entries: [entryAt(0, clear)], from: 0, to: 1, length: 1 });
acceptOf("a whole log", { entries: twelve.slice(0, 7), from: 0, to: 7, length: 7 });
acceptOf("the middle of a log: several kinds, payloads purged and absent", middle);
acceptOf("the end of a log", { ...middle, from: 11, to: 12 });
acceptOf("under a head shorter than the log is by now", { ...middle, from: 3, to: 9, length: 9 });
acceptOf("an entry without a byte of payload", { entries: [{ kind: sealed, state: "present", payload: Buffer.alloc(0) }], from: 0, to: 1, length: 1 });
acceptOf("a version and flags that nobody knows", { entries: [entryAt(0, unknown)], from: 0, to: 1, length: 1 });
{
  const carried = Array.from({ length: 64 }, (_, n) => entryAt(n, { version: 1, flags: 0, epoch: filled(n + 1) }));
  acceptOf("64 kinds, as many as there may be", { entries: carried, from: 0, to: 64, length: 64 });
}
{
  const [from, length] = [2 ** 40 - 1, 2 ** 41 + 2 ** 20 + 3];
  const carried = [entryAt(0, sealed), entryAt(1, sealed), entryAt(2, sealed)];
  const known = new Map(carried.map((entry, at) => [`0/${from + at}`, leafOf(entry)]));
  for (const [level, index] of [...perfectNodes(0, from), ...perfectNodes(from + 3, length)]) {
    known.set(`${level}/${index}`, sha256(Buffer.from(`${level}/${index}`)));
  }
  accept("positions around 2^40", partsOf({ carried, from, length, known }), { from, length, carried });
}

refuse("refuse", "one bit of the root is wrong", ({ root }) => ({ root: flipped(root) }));
refuse("refuse", "one bit of the signature is wrong", ({ signature }) => ({ signature: flipped(signature, 40) }));
refuse("refuse", "another log", () => ({ log: filled(0x11) }));
refuse("refuse", "signed by another device", ({ root }) => ({ signature: signHead({ length: 12, root }, seeds.stranger) }));
refuse("refuse", "signed for another account", ({ root }) => ({ signature: signHead({ length: 12, root, of: filled(0xa2) }) }));
refuse("refuse", "signed for another length", ({ root }) => ({ signature: signHead({ length: 13, root }) }));
refuse("refuse", "a wrong root that is well signed", () => ({ root: filled(7), signature: signHead({ length: 12, root: filled(7) }) }));
refuse("refuse", "a left node is wrong", ({ left }) => ({ left: [flipped(left[0]), ...left.slice(1)] }));
refuse("refuse", "left nodes in the wrong order", ({ left }) => ({ left: left.toReversed() }));
refuse("refuse", "a right node is wrong", ({ right }) => ({ right: [...right.slice(0, -1), flipped(right.at(-1))] }));
refuse("refuse", "a payload has another byte", ({ entries }) => ({ entries: entries.with(0, { ...entries[0], body: flipped(entries[0].body) }) }));
refuse("refuse", "the hash of a purged payload is wrong", ({ entries }) => ({ entries: entries.with(1, { ...entries[1], body: flipped(entries[1].body) }) }));
refuse("refuse", "two entries have changed places", ({ entries }) => ({ entries: [0, 1, 2, 4, 3, 5].map((n) => entries[n]) }));
refuse("refuse", "an epoch has another bit", ({ kinds }) => ({ kinds: [flipped(kinds[0], 20), ...kinds.slice(1)] }));
refuse("refuse", "a version has another bit", ({ kinds }) => ({ kinds: [flipped(kinds[0], 0), ...kinds.slice(1)] }));
refuse("refuse", "the length of a purged payload is wrong", ({ entries }) => ({ entries: entries.with(1, { ...entries[1], size: uint(8) }) }));
refuse("refuse", "moved so that the counts of nodes stay, and signed for it", ({ root }) => ({
  from: uint(5), length: uint(14), signature: signHead({ length: 14, root }),
})); // prettier-ignore

refuse("WIRE_TRUNCATED", "the last byte is missing", ({ entries }) => ({ entries: entries.with(-1, { ...entries.at(-1), body: entries.at(-1).body.subarray(1) }) }));
refuse("WIRE_TRUNCATED", "fewer entries than counted", ({ entries }) => ({ entries: entries.slice(0, -1) }), { ...middle, from: 8, to: 10 });
refuse("WIRE_TRAILING_BYTES", "a byte after the end", () => ({ rest: Buffer.of(0) }));
refuse("WIRE_NOT_CANONICAL", "from is padded", () => ({ from: uint(3, 2) }));
refuse("WIRE_NOT_CANONICAL", "a payload length is padded", ({ entries }) => ({ entries: entries.with(0, { ...entries[0], size: uint(7, 2) }) }));
refuse("WIRE_NOT_CANONICAL", "no entries", () => ({ count: uint(0), entries: [] }));
refuse("WIRE_LIMIT_EXCEEDED", "more entries than 4,096", () => ({ count: uint(4097), length: uint(5000) }));
refuse("WIRE_LIMIT_EXCEEDED", "passes the head's length", () => ({ length: uint(8) }));
refuse("WIRE_LIMIT_EXCEEDED", "a length of 2^48", () => ({ length: uint(2 ** 48) }));
refuse("WIRE_LIMIT_EXCEEDED", "a position over 2^53", () => ({ from: uint(2n ** 60n) }));
refuse("WIRE_LIMIT_EXCEEDED", "65 kinds", ({ kinds }) => ({ kindCount: uint(65), kinds: Array.from({ length: 65 }, () => kinds[0]) }));
refuse("WIRE_LIMIT_EXCEEDED", "a payload over 262,144 bytes", ({ entries }) => ({ entries: entries.with(0, { ...entries[0], size: uint(262_145) }) }));
refuse("WIRE_NOT_CANONICAL", "a kind stands twice", ({ kinds, entries }) => ({
  kindCount: uint(2), kinds: [kinds[0], kinds[0]], entries: entries.with(1, { ...entries[1], code: uint(4) }),
}), { entries: [0, 1].map((n) => entryAt(n, sealed)), from: 0, to: 2, length: 2 }); // prettier-ignore
refuse("WIRE_NOT_CANONICAL", "a kind is not used", ({ kinds }) => ({ kindCount: uint(kinds.length + 1), kinds: [...kinds, filled(1), bytes(1, 2)] }));
refuse("WIRE_NOT_CANONICAL", "kinds in another order than that of their first use", ({ kinds, entries }) => ({
  kinds: kinds.toReversed(), entries: entries.map((entry, n) => ({ ...entry, code: uint(4 * (1 - n)) })),
}), { entries: [entryAt(0, sealed), entryAt(1, clear)], from: 0, to: 2, length: 2 }); // prettier-ignore
refuse("WIRE_NOT_CANONICAL", "the second kind used first, and again after the first", ({ kinds, entries }) => ({
  kinds: kinds.toReversed(), entries: entries.map((entry, n) => ({ ...entry, code: uint(4 * [1, 0, 1][n]) })),
}), { entries: [entryAt(0, sealed), entryAt(1, clear), entryAt(2, sealed)], from: 0, to: 3, length: 3 }); // prettier-ignore
refuse("WIRE_NOT_CANONICAL", "a kind that is not in the list", ({ entries }) => ({ entries: entries.with(0, { ...entries[0], code: uint(4 * 5) }) }));
refuse("WIRE_NOT_CANONICAL", "no kinds at all", () => ({ kindCount: uint(0), kinds: [] }));
refuse("WIRE_UNKNOWN_KIND", "state 3", ({ entries }) => ({ entries: entries.with(0, { ...entries[0], code: uint(3) }) }));
refuse("WIRE_LIMIT_EXCEEDED", "a kind beyond 64", ({ entries }) => ({ entries: entries.with(0, { ...entries[0], code: uint(4 * 64) }) }));

// Headers, perfect nodes, extensions.

const headers = [
  entryAt(0, clear),
  entryAt(1, sealed),
  entryAt(2, unknown),
  { kind: later, state: "present", payload: Buffer.alloc(0) },
  { kind: sealed, state: "present", payload: Buffer.alloc(262_144, 0x5a) },
].map((entry) => ({
  comment: `version ${entry.kind.version}, flags ${entry.kind.flags}, ${entry.payload.length} bytes of payload`,
  version: entry.kind.version,
  flags: entry.kind.flags,
  epoch: entry.kind.epoch.every((byte) => byte === 0) ? null : hex(entry.kind.epoch),
  payloadLength: entry.payload.length,
  payloadHash: hex(sha256(entry.payload)),
  header: hex(headerOf(entry)),
  leaf: hex(leafOf(entry)),
}));

const ranges = [
  [0, 0], [5, 5], [0, 1], [0, 7], [0, 8], [1, 8], [3, 9], [6, 7], [100, 1000], [255, 513],
  [2 ** 31 - 1, 2 ** 31 + 1], [2 ** 32 - 3, 2 ** 32 + 6], [2 ** 40 - 1, 2 ** 40 + 3], [0, 2 ** 40 + 2 ** 20 + 1],
  [1, 2 ** 48 - 1], [2 ** 47, 2 ** 48 - 1],
].map(([from, to]) => ({ from, to, nodes: perfectNodes(from, to) })); // prettier-ignore

const extensions = [];
{
  const known = leavesKnown(twelve);
  const add = (expect, comment, m, n, change = {}) => {
    const parts = { peaks: nodesOf(0, m, known), nodes: nodesOf(m, n, known), root: hashOf(0, n, known), ...change };
    extensions.push({
      comment, expect, m, n,
      knownPeaks: parts.peaks.map(hex), nodes: parts.nodes.map(hex), root: hex(parts.root),
      newPeaks: expect === "accept" ? nodesOf(0, n, known).map(hex) : null,
    }); // prettier-ignore
  };
  add("accept", "from nothing: the nodes are the peaks", 0, 12);
  add("accept", "by one entry", 7, 8);
  add("accept", "by several", 5, 12);
  add("accept", "from a power of two", 8, 11);
  add("accept", "by nothing", 9, 9);
  add("refuse", "a node is wrong", 5, 12, { nodes: nodesOf(5, 12, known).with(0, filled(3)) });
  add("refuse", "a node too few", 5, 12, { nodes: nodesOf(5, 12, known).slice(1) });
  add("refuse", "a node too many", 5, 12, { nodes: [...nodesOf(5, 12, known), filled(3)] });
  add("refuse", "another beginning", 5, 12, { peaks: nodesOf(0, 5, leavesKnown(twelve.with(2, entryAt(99)))) });
  add("refuse", "another root", 5, 12, { root: filled(3) });
}

function write(name, value) {
  writeFileSync(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
}

write("batches.json", { account: hex(account), author: hex(author), log: hex(log), vectors: batches });
write("headers.json", headers);
write("perfect-nodes.json", ranges);
write("extensions.json", extensions);
