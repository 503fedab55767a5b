/**
 * Makes test/vectors/inbox/*.json from docs/spec/inbox.md alone: imports nothing of src, so that both can be wrong only apart.
 * Run: node test/vectors/make-inbox-vectors.mjs [folder]. The same output every time.
 */
/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- Plain JavaScript on purpose: it runs without the compiler. */
import { createHash, createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? join(import.meta.dirname, "inbox");

const bytes = (...parts) =>
  Buffer.concat(parts.flat(9).map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
const filled = (byte, size = 32) => Buffer.alloc(size, byte);
const hex = (buffer) => buffer.toString("hex");
const label = (text) => bytes(text.length, Buffer.from(text));

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

const fixed = (value, size) => Buffer.from(BigInt(value).toString(16).padStart(2 * size, "0"), "hex");
const u48 = (value) => fixed(value, 6);
const u16 = (value) => fixed(value, 2);
const blob = (content) => bytes(uint(content.length), content);
const text = (content) => blob(Buffer.from(content));
const list = (...items) => bytes(uint(items.length), items);

const logDevice = filled(0xd0);
const other = filled(0xd1);
const id = filled(0xaa, 16);
const conversation = filled(0xc0, 16);
const NOW = 1_700_000_000_000;
const stamp = { ms: NOW, counter: 0 };

const operation = (kind, body, { version = 1, author = null, at = stamp, kindBytes = uint(kind) } = {}) =>
  bytes(version, kindBytes, id, author === null ? 0 : [1, author], u48(at.ms), u16(at.counter), body);

const message = ({
  flags = 0,
  service = 1,
  address = "+4930123",
  sentAt = NOW,
  receivedAt = [],
  sender = [],
  replyTo = [],
  body = text("hi"),
} = {}) => bytes(flags, service, text(address), u48(sentAt), receivedAt, sender, replyTo, body);

const given = {
  kind: "message",
  conversation: "+4930123",
  direction: "out",
  service: "kinlog",
  sender: null,
  text: "hi",
  sentAtMs: NOW,
  receivedAtMs: null,
  replyTo: null,
  takenIn: false,
  readAtSource: false,
};
const shortId = hex(id);
const about = { conversation: hex(conversation) };
const target = { ...about, message: hex(filled(1, 16)) };
const later = {
  kind: "later-message",
  conversation: "+4930123",
  direction: "out",
  service: "kinlog",
  sentAtMs: NOW,
  takenIn: false,
  readAtSource: false,
};
const namedAs = ({ message: number = 1, hash = 0x20, at = stamp, flags = 0, log = 0x30, position = 300 }) => ({
  number,
  hash,
  at,
  flags,
  log,
  position,
});
const tombstone = (named, purge = 0, to = "+4930123") =>
  bytes(
    filled(purge),
    text(to),
    list(
      ...named.map(({ number, hash, at, flags, log, position }) =>
        bytes(filled(number, 16), filled(hash, 16), u48(at.ms), u16(at.counter), flags, filled(log), uint(position)),
      ),
    ),
  );
const tombstoneBody = (named, purge) => ({
  kind: "tombstone",
  purge: hex(filled(purge)),
  conversation: "+4930123",
  named: named.map(({ number, hash, at, flags, log, position }) => ({
    message: hex(filled(number, 16)),
    contentHash: hex(filled(hash, 16)),
    stamp: at,
    flags,
    log: hex(filled(log)),
    position,
  })),
});
const good = [
  ["a message by the log's device", operation(1, message()), given],
  [
    "a message with everything",
    operation(
      1,
      message({
        flags: 63,
        service: 3,
        receivedAt: u48(NOW + 1),
        sender: text("Ünal"),
        replyTo: filled(0xbb, 16),
        body: text("ü\u0000\u{1f600}"),
      }),
    ),
    {
      ...given,
      direction: "in",
      service: "mms",
      sender: "Ünal",
      text: "ü\u0000\u{1f600}",
      receivedAtMs: NOW + 1,
      replyTo: hex(filled(0xbb, 16)),
      takenIn: true,
      readAtSource: true,
    },
  ],
  ["an empty text", operation(1, message({ body: text("") })), { ...given, text: "" }],
  ["a service of sms", operation(1, message({ service: 2 })), { ...given, service: "sms" }],
  [
    "a delete of two",
    operation(2, bytes(conversation, list(filled(1, 16), filled(2, 16)))),
    {
      kind: "delete",
      conversation: hex(conversation),
      messages: [hex(filled(1, 16)), hex(filled(2, 16))],
    },
  ],
  [
    "a restore",
    operation(3, bytes(conversation, list(filled(1, 16)))),
    { kind: "restore", conversation: hex(conversation), messages: [hex(filled(1, 16))] },
  ],
  [
    "a read mark at the end of all times",
    operation(4, bytes(conversation, u48(2 ** 48 - 1), u16(65_535), filled(0xff, 16))),
    {
      kind: "read",
      conversation: hex(conversation),
      upTo: { stamp: { ms: 2 ** 48 - 1, counter: 65_535 }, id: hex(filled(0xff, 16)) },
    },
  ],
  ["an unread mark", operation(5, conversation), { kind: "unread", conversation: hex(conversation) }],
  [
    "a title",
    operation(6, bytes(conversation, text("Mum"))),
    { kind: "title", conversation: hex(conversation), title: "Mum" },
  ],
  [
    "a device's name",
    operation(7, bytes(other, text("laptop"))),
    { kind: "device-name", device: hex(other), name: "laptop" },
  ],
  [
    "an edit",
    operation(8, bytes(conversation, filled(1, 16), text("ho"))),
    { kind: "edit", ...target, text: "ho" },
  ],
  ["an edit to nothing", operation(8, bytes(conversation, filled(1, 16), text(""))), { kind: "edit", ...target, text: "" }],
  ["an unsend", operation(9, bytes(conversation, filled(1, 16))), { kind: "unsend", ...target }],
  [
    "my reaction",
    operation(10, bytes(conversation, filled(1, 16), 0, text("\u{1f44d}"))),
    { kind: "reaction", ...target, sender: null, emoji: "\u{1f44d}", removed: false },
  ],
  [
    "a reaction of somebody, taken back, that is no grapheme: a decoder shows what came",
    operation(10, bytes(conversation, filled(1, 16), 3, text("+4930123"), text("ab"))),
    { kind: "reaction", ...target, sender: "+4930123", emoji: "ab", removed: true },
  ],
  ["a reaction with a flag of a later version", operation(10, bytes(conversation, filled(1, 16), 4, 9)), { kind: "unknown", number: 10 }],
  ...["queued", "failed", "sent", "delivered", "read"].map((state, at) => [
    `a delivery: ${state}`,
    operation(11, bytes(conversation, filled(1, 16), at + 1)),
    { kind: "delivery", ...target, state },
  ]),
  ...[0, 6, 255].map((state) => [
    `a delivery of a later version: ${state}`,
    operation(11, bytes(conversation, filled(1, 16), state)),
    { kind: "unknown", number: 11 },
  ]),
  ["a pin", operation(12, bytes(conversation, 1, u48(3))), { kind: "pin", ...about, on: true, rank: 3 }],
  ["a pin taken off", operation(12, bytes(conversation, 0, u48(0))), { kind: "pin", ...about, on: false, rank: 0 }],
  ["muted for ever", operation(13, bytes(conversation, u48(2 ** 48 - 1))), { kind: "mute", ...about, untilMs: 2 ** 48 - 1 }],
  ["not muted", operation(13, bytes(conversation, u48(0))), { kind: "mute", ...about, untilMs: 0 }],
  ["archived", operation(14, bytes(conversation, 1)), { kind: "archive", ...about, on: true }],
  ["a draft", operation(15, bytes(conversation, text("See you"))), { kind: "draft", ...about, text: "See you" }],
  ["no draft", operation(15, bytes(conversation, text(""))), { kind: "draft", ...about, text: "" }],
  ["a setting", operation(16, bytes(text("theme"), text("dark"))), { kind: "setting", name: "theme", value: "dark" }],
  [
    "participants",
    operation(17, bytes(conversation, list(text("+4930123"), text("Ünal")))),
    { kind: "participants", ...about, participants: ["+4930123", "Ünal"] },
  ],
  ...[
    ["a tombstone of one message", 0, [namedAs({})]],
    [
      "a tombstone of one message with two contents, of which one stands at two places, and of another one",
      0x7a,
      [
        namedAs({ flags: 7 }),
        namedAs({ hash: 0x21, log: 0x31, position: 2 ** 48 - 1 }),
        namedAs({ hash: 0x21, log: 0x32, position: 0, flags: 16 }),
        namedAs({ message: 2, hash: 0, at: { ms: 2 ** 48 - 1, counter: 65_535 } }),
      ],
    ],
  ].map(([comment, purge, named]) => [comment, operation(18, tombstone(named, purge)), tombstoneBody(named, purge)]),
  ["no participants", operation(17, bytes(conversation, list())), { kind: "participants", ...about, participants: [] }],
  [
    "a message of a later kind: what is behind its time is not read",
    operation(64, bytes(1 + 8 + 16, 2, text("+4930123"), u48(NOW), 0xff, 0xff)),
    { ...later, number: 64, direction: "in", service: "sms", takenIn: true, readAtSource: true },
  ],
  [
    "a message of the last later kind, with flags and a service that nobody knows",
    operation(127, bytes(0xe6, 200, text("+4930123"), u48(NOW))),
    { ...later, number: 127 },
  ],
  ["a kind before those of later messages", operation(63, bytes(1, 2, 3)), { kind: "unknown", number: 63 }],
  ["a kind behind those of later messages", operation(128, bytes(1, 2, 3)), { kind: "unknown", number: 128 }],
  ["a kind of a later version", operation(300, bytes(1, 2, 3)), { kind: "unknown", number: 300 }],
  ["a message with a flag of a later version", operation(1, message({ flags: 64 })), { kind: "unknown", number: 1 }],
  ["a message of a service of a later version", operation(1, message({ service: 4 })), { kind: "unknown", number: 1 }],
].map(([comment, payload, body]) => ({ comment, payload: hex(payload), author: hex(logDevice), stamp, body }));
good.push(
  {
    comment: "by another device, at the last stamp there is",
    payload: hex(operation(5, conversation, { author: other, at: { ms: 2 ** 48 - 1, counter: 65_535 } })),
    author: hex(other),
    stamp: { ms: 2 ** 48 - 1, counter: 65_535 },
    body: { kind: "unread", conversation: hex(conversation) },
  },
  {
    comment: "of a later version: nothing after the first byte is read",
    payload: hex(bytes(2, 0xff)),
    id: "0".repeat(32),
    author: hex(logDevice),
    stamp: { ms: 0, counter: 0 },
    body: { kind: "unknown", number: 0 },
  },
);

const bad = [
  ["nothing", Buffer.alloc(0), "WIRE_TRUNCATED"],
  ["the header cut off", operation(5, conversation).subarray(0, 20), "WIRE_TRUNCATED"],
  ["the text cut off", operation(1, message()).subarray(0, -1), "WIRE_TRUNCATED"],
  ["a byte after the end", bytes(operation(1, message()), 0), "WIRE_TRAILING_BYTES"],
  ["a kind padded with zeroes", operation(5, conversation, { kindBytes: uint(5, 2) }), "WIRE_NOT_CANONICAL"],
  ["a kind over its limit", operation(65_536, Buffer.alloc(0)), "WIRE_LIMIT_EXCEEDED"],
  ["the log's device written out", operation(5, conversation, { author: logDevice }), "WIRE_NOT_CANONICAL"],
  ["an author that is neither", bytes(1, 5, id, 2, u48(NOW), u16(0), conversation), "WIRE_NOT_CANONICAL"],
  ["a text over the limit", operation(1, message({ body: bytes(uint(65_537), 1) })), "WIRE_LIMIT_EXCEEDED"],
  ["an address over the limit", operation(1, bytes(0, 1, uint(1_025), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["a name over the limit", operation(7, bytes(other, uint(257), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["overlong UTF-8", operation(1, message({ body: blob(Buffer.from("c080", "hex")) })), "TEXT_NOT_UTF8"],
  ["half a surrogate pair", operation(1, message({ body: blob(Buffer.from("eda080", "hex")) })), "TEXT_NOT_UTF8"],
  ["a delete of none", operation(2, bytes(conversation, list())), "WIRE_NOT_CANONICAL"],
  [
    "a delete of 1001",
    operation(2, bytes(conversation, uint(1_001), 1)),
    "WIRE_LIMIT_EXCEEDED",
  ],
  ["an edit without its message", operation(8, conversation), "WIRE_TRUNCATED"],
  ["an edit over the limit", operation(8, bytes(conversation, filled(1, 16), uint(65_537), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["an unsend with a byte behind it", operation(9, bytes(conversation, filled(1, 16), 0)), "WIRE_TRAILING_BYTES"],
  ["an emoji over the limit", operation(10, bytes(conversation, filled(1, 16), 0, uint(65), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["a delivery with a byte behind it", operation(11, bytes(conversation, filled(1, 16), 1, 1)), "WIRE_TRAILING_BYTES"],
  ["a pin that is neither on nor off", operation(12, bytes(conversation, 2, u48(0))), "WIRE_NOT_CANONICAL"],
  ["an archive that is neither on nor off", operation(14, bytes(conversation, 255)), "WIRE_NOT_CANONICAL"],
  ["a draft over the limit", operation(15, bytes(conversation, uint(65_537), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["a setting's name over the limit", operation(16, bytes(uint(65), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["a setting's value over the limit", operation(16, bytes(text("a"), uint(1_025), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["257 participants", operation(17, bytes(conversation, uint(257), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["a tombstone of nothing", operation(18, tombstone([])), "WIRE_NOT_CANONICAL"],
  ["a tombstone of 1001", operation(18, bytes(filled(0), text("a"), uint(1_001), 1)), "WIRE_LIMIT_EXCEEDED"],
  ["a tombstone of one place twice", operation(18, tombstone([namedAs({}), namedAs({})])), "WIRE_NOT_CANONICAL"],
  [
    "a tombstone of one place with two times",
    operation(18, tombstone([namedAs({}), namedAs({ at: { ms: NOW + 1, counter: 0 } })])),
    "WIRE_NOT_CANONICAL",
  ],
  ["a tombstone with messages out of order", operation(18, tombstone([namedAs({ message: 2 }), namedAs({})])), "WIRE_NOT_CANONICAL"],
  ["a tombstone with contents out of order", operation(18, tombstone([namedAs({ hash: 9 }), namedAs({ hash: 8 })])), "WIRE_NOT_CANONICAL"],
  ["a tombstone with logs out of order", operation(18, tombstone([namedAs({ log: 9 }), namedAs({ log: 8 })])), "WIRE_NOT_CANONICAL"],
  ["a tombstone with positions out of order", operation(18, tombstone([namedAs({ position: 256 }), namedAs({ position: 255 })])), "WIRE_NOT_CANONICAL"],
  ["a tombstone that says *deleted* of a content", operation(18, tombstone([namedAs({ flags: 8 })])), "WIRE_NOT_CANONICAL"],
  ["a tombstone with a flag that no content has", operation(18, tombstone([namedAs({ flags: 32 })])), "WIRE_NOT_CANONICAL"],
  ["a tombstone of a position over the limit", operation(18, tombstone([namedAs({ position: 2 ** 48 })])), "WIRE_LIMIT_EXCEEDED"],
  ["a tombstone of a conversation over the limit", operation(18, tombstone([namedAs({})], 0, "x".repeat(1_025))), "WIRE_LIMIT_EXCEEDED"],
  ["a tombstone cut off in its position", operation(18, tombstone([namedAs({})])).subarray(0, -1), "WIRE_TRUNCATED"],
  ["a tombstone with a byte behind it", operation(18, bytes(tombstone([namedAs({})]), 0)), "WIRE_TRAILING_BYTES"],
  ["a later message that ends before its time", operation(64, bytes(0, 1, text("a"), 0)), "WIRE_TRUNCATED"],
  [
    "a length that promises more than there is",
    operation(1, message({ body: bytes(uint(65_536), 1) })),
    "WIRE_TRUNCATED",
  ],
].map(([comment, payload, code]) => ({ comment, payload: hex(payload), code }));

const shortHash = (content) => hex(createHash("sha256").update(content).digest().subarray(0, 16));
const writtenOut = operation(1, message(), { author: logDevice });

const indexKey = filled(0x1d);
const takenInFields = ({ service = 2, box = 1, timeMs = NOW, ordinal = 0, address = "+4930123", body = "hi", hashes = [] }) =>
  bytes(1, service, box, u48(timeMs), uint(ordinal), text(address), text(body), list(...hashes));
const takenInId = (fields) =>
  hex(createHmac("sha256", indexKey).update(bytes(label("kinlog/v1/message-id"), fields)).digest().subarray(0, 16));
const services = { kinlog: 1, sms: 2, mms: 3 };
const boxes = { in: 1, out: 2 };
const takenIn = [
  ["an SMS that was received", {}],
  ["the same, sent", { box: "out" }],
  ["the same as MMS", { service: "mms" }],
  ["the second of two alike", { ordinal: 1 }],
  ["the 200th of 200 alike", { ordinal: 199 }],
  ["its address as people write it", { address: " +49 (30) 12-3 ", normalised: "+4930123" }],
  ["a mail address", { address: "Ünal@Example.ORG", normalised: "ünal@example.org" }],
  ["with an attachment", { service: "mms", hashes: [filled(0x77)] }],
  ["an empty text and a late time", { text: "", timeMs: 2 ** 48 - 1 }],
].map(([comment, { service = "sms", box = "in", timeMs = NOW, ordinal = 0, address = "+4930123", normalised = address, text: body = "hi", hashes = [] }]) => ({
  comment,
  fields: { service, box, timeMs, ordinal, address, text: body, attachmentHashes: hashes.map(hex) },
  id: takenInId(
    takenInFields({ service: services[service], box: boxes[box], timeMs, ordinal, address: normalised, body, hashes }),
  ),
}));

const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
write("operations.json", {
  comment: "Payloads in a log of `logDevice`. Those under `good` decode and encode again; `id` is the common one unless given.",
  logDevice: hex(logDevice),
  id: shortId,
  good,
  bad,
  contentHash: {
    comment: "The same message in a log of its author and in one of another device has one content hash.",
    ownPayload: hex(operation(1, message())),
    writtenOut: hex(writtenOut),
    expect: shortHash(writtenOut),
  },
});
write("taken-in.json", { comment: "Ids of what is taken in.", indexKey: hex(indexKey), vectors: takenIn });
