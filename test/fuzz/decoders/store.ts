/** Fuzzed: what the disk gives back. Formats: docs/spec/storage.md, docs/spec/inbox.md ("View"), docs/spec/key-file.md. */
import { decodeBinRow, encodeBinRow } from "../../../src/core/inbox/bin-rows.ts";
import type { ByteReader } from "../../../src/core/base/byte-reader.ts";
import { concat, equalBytes, utf8 } from "../../../src/core/base/bytes.ts";
import { hashLabelled } from "../../../src/core/crypto/hash.ts";
import { labels } from "../../../src/core/crypto/labels.ts";
import {
  decodePlacedRow,
  decodeReactionRow,
  encodePlacedRow,
  encodeReactionRow,
} from "../../../src/core/inbox/placed.ts";
import {
  decodeConversationRow,
  encodeConversationRow,
  NEW_CONVERSATION,
} from "../../../src/core/inbox/registers.ts";
import {
  decodeMessageRow,
  decodeOrderRow,
  decodeTotals,
  encodeMessageRow,
  encodeOrderRow,
  encodeTotals,
} from "../../../src/core/inbox/rows.ts";
import type { Fork } from "../../../src/core/log/fork.ts";
import { encodeKind } from "../../../src/core/log/header.ts";
import { EMPTY_PREFIX } from "../../../src/core/log/state.ts";
import { decodeTimePassed, encodeTimePassed } from "../../../src/core/membership/time-passed.ts";
import { decodeFork, decodeLogs, encodeFork, encodeLogs } from "../../../src/app/node/fork-memory-codec.ts";
import {
  decodeAcked,
  decodeAddresses,
  decodeName,
  decodeTime,
  encodeAcked,
  encodeAddresses,
  encodeName,
  encodeTime,
  tolerant,
} from "../../../src/app/node/peer-memory-codec.ts";
import { decodeKeyFile, encodeKeyFile } from "../../../src/io/secrets/key-file-format.ts";
import { decodeEntry, entrySizeMax, KindTable, putEntry } from "../../../src/io/store/entry-codec.ts";
import { nodeKey, nodeOfKey, rowKey, rowKeyOf } from "../../../src/io/store/keys.ts";
import { decodeLogState, encodeLogState } from "../../../src/io/store/log-state-codec.ts";
import { bodyOf, withCheck } from "../../../src/io/store/row-check.ts";
import { conversationIdAt, orderAt } from "../../support/operations.ts";
import { clearKind, laterKind, sampleLogId, sealedKind, SampleLog } from "../../support/sample-log.ts";
import { type Decoder, promise } from "../decoder.ts";

const log = new SampleLog(40);
const other = new SampleLog(40, 3);
const fork: Fork = {
  log: sampleLogId,
  heads: [other.head(9), log.head(40)],
  nodes: [...log.peaks(9), ...log.batch(8, 9, 40).right],
};
const sameLength: Fork = { log: sampleLogId, heads: [other.head(9), log.head(9)], nodes: [] };
const kinds = new KindTable();
kinds.load([encodeKind(sealedKind), encodeKind(laterKind), encodeKind(clearKind)]);

const stored = (entry: Parameters<typeof putEntry>[2], number: number): Uint8Array => {
  const row = new Uint8Array(entrySizeMax(entry));
  return row.slice(0, putEntry(row, 0, entry, number));
};

const entry: Decoder = {
  name: "stored-entry",
  group: "store",
  codes: [],
  samples: () => {
    const bytes = new Uint8Array(32).fill(5);
    const whole = log.entries.slice(0, 9).map((one, at) => stored({ ...one, kind: sealedKind }, at % 3));
    const bodiless = [5, 127, 128, 262_144].map((payloadLength) =>
      stored({ kind: laterKind, state: "purged", payloadLength, bytes }, 1),
    );
    return [...whole, ...bodiless];
  },
  read: (input) => {
    const decoded = decodeEntry(input, kinds);
    if (decoded === undefined) return;
    promise(
      equalBytes(stored(decoded, kinds.numberOf(decoded.kind)), input),
      "a stored entry has one encoding",
    );
  },
};

const state: Decoder = {
  name: "log-state",
  group: "store",
  codes: ["STORE_DAMAGED"],
  samples: () =>
    [1, 7, 40].map((length) =>
      encodeLogState({
        head: log.head(length),
        peaks: log.peaks(length),
        held:
          length > 3
            ? [
                { from: 0, to: 2 },
                { from: 4, to: length },
              ]
            : [],
        prefix: EMPTY_PREFIX,
      }),
    ),
  read: (input) => {
    const decoded = decodeLogState(sampleLogId, input);
    promise(equalBytes(encodeLogState(decoded), input), "the state of a log has one encoding");
  },
};

const key = utf8("a key");

const check: Decoder = {
  name: "row-check",
  group: "store",
  codes: [],
  samples: () => ["", "a", "some value"].map((text) => withCheck(key, utf8(text)).slice()),
  read: (input) => {
    const body = bodyOf(key, input);
    if (body !== undefined) promise(equalBytes(withCheck(key, body), input), "a checked value has one form");
    if (input.length <= 256)
      promise(
        rowKeyOf(rowKey(rowKeyOf(concat(key, input)))) === rowKeyOf(concat(key, input)),
        "row keys are bytes",
      );
    if (input.length !== 14 || input[12]! > 7 || input[13]! >= 2 ** (8 - input[12]!)) return;
    const node = nodeOfKey(input);
    if (node.level < 48 && node.index * 2 ** node.level < 2 ** 48)
      promise(equalBytes(nodeKey(0, node).subarray(5), input.subarray(5)), "a node has one key");
  },
};

const placed = {
  order: orderAt(5, 7, 3),
  hash: new Uint8Array(16).fill(9),
  place: { logNumber: 2, position: 300 },
};
const content = {
  hash: placed.hash,
  conversation: conversationIdAt(1),
  stamp: placed.order.stamp,
  flags: 3,
  place: placed.place,
};

/** No tombstone says anything against it. */
const said = { told: false, before: null };

/** The first byte says which row it is. */
const rows: readonly {
  readonly good: readonly Uint8Array[];
  readonly again: (row: Uint8Array) => Uint8Array;
}[] = [
  {
    good: [
      encodeMessageRow({ ...said, content, marks: 11, register: { order: placed.order, deleted: true } }),
      encodeMessageRow({ ...said, content, marks: 0, register: null }),
      encodeMessageRow({ ...said, content, marks: 8, told: true, register: null }),
      encodeMessageRow({ content, marks: 8, told: false, before: { ...content, flags: 0 }, register: null }),
      encodeMessageRow({
        ...said,
        content: null,
        marks: 4,
        register: { order: placed.order, deleted: false },
      }),
    ],
    again: (row) => encodeMessageRow(decodeMessageRow(row)),
  },
  {
    good: [encodeOrderRow({ flags: 9, marks: 1, place: placed.place })],
    again: (row) => encodeOrderRow(decodeOrderRow(row)),
  },
  {
    good: [encodeTotals({ messages: 300, deleted: 2, conversations: 5, purged: 1 })],
    again: (row) => encodeTotals(decodeTotals(row)),
  },
  {
    good: [
      encodeConversationRow(NEW_CONVERSATION),
      encodeConversationRow({
        ...NEW_CONVERSATION,
        clock: placed.order.stamp,
        sortMs: 77,
        name: placed,
        candidates: { first: placed.order, last: placed.order },
        readUpTo: placed.order,
        unread: { order: placed.order, unread: true },
        title: placed,
        pin: { order: placed.order, on: true, rank: 7 },
        mute: { order: placed.order, untilMs: 9 },
        archive: { order: placed.order, on: false },
        participants: placed,
      }),
    ],
    again: (row) => encodeConversationRow(decodeConversationRow(row)),
  },
  { good: [encodePlacedRow(placed)], again: (row) => encodePlacedRow(decodePlacedRow(row)) },
  {
    good: [true, false].map((removed) => encodeReactionRow({ ...placed, removed })),
    again: (row) => encodeReactionRow(decodeReactionRow(row)),
  },
  {
    good: [encodeBinRow({ order: placed.order, sinceMs: 1_700_000_000_000, dueMs: 1_702_592_000_000 })],
    again: (row) => encodeBinRow(decodeBinRow(row)),
  },
];

const view: Decoder = {
  name: "view-rows",
  group: "store",
  codes: ["STORE_DAMAGED"],
  samples: () => rows.flatMap(({ good }, at) => good.map((row) => concat(Uint8Array.of(at), row))),
  read: (input) => {
    const { again } = rows[(input[0] ?? 0) % rows.length]!;
    const row = input.subarray(1);
    promise(equalBytes(again(row), row), "a row has one encoding");
  },
};

const memories: readonly {
  readonly good: readonly Uint8Array[];
  readonly again: (bytes: Uint8Array) => Uint8Array | undefined;
}[] = [
  { good: [encodeTime(1_700_000_000_000)], again: (bytes) => writtenAgain(bytes, decodeTime, encodeTime) },
  {
    good: [
      encodeTimePassed({ countedMs: 1_700_000_000_000, wallMs: 1_800_000_000_000, upMs: 5, allowanceMs: 7 }),
    ],
    again: (bytes) => writtenAgain(bytes, decodeTimePassed, encodeTimePassed),
  },
  {
    good: [encodeAddresses(["/ip4/10.0.0.1/tcp/4001", "/ip6/::1/tcp/2"])],
    again: (bytes) => writtenAgain(bytes, decodeAddresses, encodeAddresses),
  },
  {
    good: [
      encodeAcked(
        new Map([
          [
            sampleLogId,
            [
              { from: 0, to: 5 },
              { from: 7, to: 300 },
            ],
          ],
        ]),
      ),
    ],
    again: (bytes) => {
      const acked = tolerant(bytes, decodeAcked);
      // Ranges that make no sense are forgotten, and so is the first of two lines of one log.
      if (acked === undefined || acked.size !== bytes[0]) return undefined;
      return [...acked.values()].every(({ length }) => length > 0) ? encodeAcked(acked) : undefined;
    },
  },
  {
    good: [encodeFork({ atMs: 5, fork }), encodeFork({ atMs: 7, fork: sameLength })],
    again: (bytes) => writtenAgain(bytes, decodeFork, encodeFork),
  },
  { good: [encodeLogs([sampleLogId])], again: (bytes) => writtenAgain(bytes, decodeLogs, encodeLogs) },
  { good: [encodeName("Küche")], again: (bytes) => writtenAgain(bytes, decodeName, encodeName) },
];

function writtenAgain<Value>(
  bytes: Uint8Array,
  decode: (reader: ByteReader) => Value,
  encode: (value: Value) => Uint8Array,
): Uint8Array | undefined {
  const value = tolerant(bytes, decode);
  return value === undefined ? undefined : encode(value);
}

const memory: Decoder = {
  name: "peer-memory",
  group: "store",
  codes: [],
  samples: () => memories.flatMap(({ good }, at) => good.map((bytes) => concat(Uint8Array.of(at), bytes))),
  read: (input) => {
    const bytes = input.subarray(1);
    const encodedAgain = memories[(input[0] ?? 0) % memories.length]!.again(bytes);
    if (encodedAgain !== undefined) promise(equalBytes(encodedAgain, bytes), "a memory has one encoding");
  },
};

const secrets = {
  signSeed: new Uint8Array(32).fill(1),
  openSeed: new Uint8Array(32).fill(2),
  account: new Uint8Array(32).fill(3),
  device: "44".repeat(32) as never,
  unseenPhrase: null,
};
const SUM_BYTES = 32;

/** The checksum is made good in every second input, so that what lies behind it is tried as well. */
const keyFile: Decoder = {
  name: "key-file",
  group: "store",
  codes: ["KEY_FILE_DAMAGED", "STORE_NEWER_VERSION"],
  samples: () =>
    [encodeKeyFile(secrets), encodeKeyFile({ ...secrets, unseenPhrase: new Uint8Array(32).fill(5) })].flatMap(
      (file) => [concat(Uint8Array.of(0), file), concat(Uint8Array.of(1), file.subarray(0, -SUM_BYTES))],
    ),
  read: (input) => {
    const given = input.subarray(1);
    const isMadeGood = (input[0] ?? 0) % 2 === 1;
    const file = isMadeGood ? concat(given, hashLabelled(labels.keyFile, given)) : given;
    promise(equalBytes(encodeKeyFile(decodeKeyFile(file)), file), "a key file has one form");
  },
};

export const storeDecoders: readonly Decoder[] = [entry, state, check, view, memory, keyFile];
