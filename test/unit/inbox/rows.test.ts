/** Rows of the stored view: keys that sort, values that come back, damage that is found. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import type { ControlId, ConversationId, DeviceId, MessageId } from "../../../src/core/base/ids.ts";
import type { Row } from "../../../src/core/log/rows.ts";
import { hex } from "../../../src/core/base/bytes.ts";
import {
  conversationOfKey,
  conversationRowKey,
  deviceNameRowKey,
  deviceOfKey,
  editRowKey,
  furtherRowKey,
  messageKeyOf,
  messageOfKey,
  messageOfPurgeKey,
  messageRowKey,
  orderOfKey,
  orderRowKey,
  orderRowKeyOf,
  placeOfKey,
  purgeOfKey,
  purgeRowKey,
  purgedRowKey,
  reactionRowKey,
  settingRowKey,
  unsendRowKey,
} from "../../../src/core/inbox/row-keys.ts";
import {
  decodeConversationRow,
  encodeConversationRow,
  NEW_CONVERSATION,
  type ConversationRow,
} from "../../../src/core/inbox/registers.ts";
import {
  decodeEditRow,
  decodePlacedRow,
  decodePurgedRow,
  decodeReactionRow,
  encodeEditRow,
  encodePlacedRow,
  encodePurgedRow,
  encodeReactionRow,
  type Placed,
} from "../../../src/core/inbox/placed.ts";
import {
  ROW_VERSION,
  decodeMessageRow,
  decodeOrderRow,
  decodeTotals,
  encodeMessageRow,
  encodeOrderRow,
  encodeTotals,
  type MessageRow,
} from "../../../src/core/inbox/rows.ts";
import { compareOrder } from "../../../src/core/inbox/stamp.ts";
import type { OrderKey } from "../../../src/core/inbox/types.ts";
import { assertCode } from "../../support/assert-code.ts";

const noNullPrototype = true;
const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => hex(bytes) as string & MessageId & ConversationId);
const hash = fc.uint8Array({ minLength: 16, maxLength: 16 });
const ms = fc.oneof(
  fc.nat(3),
  fc.maxSafeNat().map((value) => value % 2 ** 48),
);
const stamp = fc.record({ ms, counter: fc.nat(65_535) }, { noNullPrototype });
const order: fc.Arbitrary<OrderKey> = fc.record({ stamp, id }, { noNullPrototype });
const place = fc.record({ logNumber: fc.nat(2 ** 31 - 1), position: ms }, { noNullPrototype });
const placed: fc.Arbitrary<Placed> = fc.record({ order, hash, place }, { noNullPrototype });
const content = fc.record({ hash, conversation: id, stamp, flags: fc.nat(31), place }, { noNullPrototype });
const messageRow: fc.Arbitrary<MessageRow> = fc
  .record(
    {
      marks: fc.tuple(fc.nat(15), fc.nat(5)).map(([low, state]) => 16 * state + low),
      content: fc.option(content),
      told: fc.boolean(),
      before: fc.option(content),
      register: fc.option(fc.record({ order, deleted: fc.boolean() }, { noNullPrototype })),
    },
    { noNullPrototype },
  )
  .map((row) => {
    const told = row.content !== null && row.told;
    return { ...row, told, before: row.content === null || told ? null : row.before };
  });
const conversationRow: fc.Arbitrary<ConversationRow> = fc.record(
  {
    clock: fc.option(stamp),
    sortMs: ms,
    name: fc.option(placed),
    candidates: fc.option(fc.record({ first: order, last: order }, { noNullPrototype })),
    readUpTo: fc.option(order),
    unread: fc.option(fc.record({ order, unread: fc.boolean() }, { noNullPrototype })),
    title: fc.option(placed),
    pin: fc.option(fc.record({ order, on: fc.boolean(), rank: ms }, { noNullPrototype })),
    mute: fc.option(fc.record({ order, untilMs: ms }, { noNullPrototype })),
    archive: fc.option(fc.record({ order, on: fc.boolean() }, { noNullPrototype })),
    draft: fc.option(fc.record({ order, hash, place, isEmpty: fc.boolean() }, { noNullPrototype })),
    participants: fc.option(placed),
  },
  { noNullPrototype },
);

/** Bytes of hashes are views of the row; compare what they hold. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each: unknown) => (each instanceof Uint8Array ? hex(each) : each)));

describe("row keys", () => {
  it("of a conversation's order sort as the order does, whichever way they are made", () => {
    fc.assert(
      fc.property(id, order, order, (conversation, a, b) => {
        const [keyA, keyB] = [orderRowKeyOf(conversation, a), orderRowKeyOf(conversation, b)];
        equal(keyA < keyB, compareOrder(a, b) < 0);
        equal(keyA.length, 41);
        equal(orderRowKey(conversationRowKey(conversation), a.stamp, messageRowKey(a.id)), keyA);
        deepEqual(orderOfKey(keyA), a);
        equal(conversationOfKey(keyA), conversation);
      }),
    );
  });

  it("of edits sort as the edits do", () => {
    fc.assert(
      fc.property(id, order, order, (message, a, b) => {
        const [keyA, keyB] = [editRowKey(messageRowKey(message), a), editRowKey(messageRowKey(message), b)];
        equal(keyA < keyB, compareOrder(a, b) < 0);
        deepEqual(orderOfKey(keyA), a);
        equal(keyA.length, 41);
      }),
    );
  });

  it("have one character below U+0100 per byte", () => {
    const device = "ff".repeat(32) as DeviceId;
    const purge = "ab".repeat(32) as ControlId;
    const keys = [
      messageRowKey("f".repeat(32) as MessageId),
      conversationRowKey("e".repeat(32) as ConversationId),
      deviceNameRowKey(device),
      unsendRowKey(messageRowKey("f".repeat(32) as MessageId)),
      reactionRowKey(messageRowKey("f".repeat(32) as MessageId), new Uint8Array(16).fill(0xab)),
      settingRowKey(new Uint8Array(16).fill(0xff)),
      purgedRowKey(messageRowKey("f".repeat(32) as MessageId), purge),
      purgeRowKey(purge, messageRowKey("f".repeat(32) as MessageId)),
      furtherRowKey(messageRowKey("f".repeat(32) as MessageId), { logNumber: 300, position: 5 }),
    ];
    deepEqual(
      keys.map((key) => Buffer.from(key, "latin1").toString("hex")),
      [
        `6d${"f".repeat(32)}`,
        `63${"e".repeat(32)}`,
        `64${"f".repeat(64)}`,
        `75${"f".repeat(32)}`,
        `72${"f".repeat(32)}${"ab".repeat(16)}`,
        `73${"f".repeat(32)}`,
        `70${"f".repeat(32)}${"ab".repeat(32)}`,
        `71${"ab".repeat(32)}${"f".repeat(32)}`,
        `79${"f".repeat(32)}ac0205`,
      ],
    );
    equal(messageOfKey(keys[0]!), "f".repeat(32));
    equal(deviceOfKey(keys[2]!), device);
    equal(purgeOfKey(keys[6]!), purge);
    equal(messageOfPurgeKey(keys[7]!), "f".repeat(32));
    for (const key of [keys[3]!, keys[4]!, keys[6]!, keys[8]!]) equal(messageKeyOf(key), keys[0]);
  });

  it("of further places hold the place, whatever its numbers", () => {
    fc.assert(
      fc.property(id, place, (message, at) => {
        deepEqual(placeOfKey(furtherRowKey(messageRowKey(message), at)), at);
      }),
    );
  });
});

describe("rows", () => {
  it("come back from their bytes", () => {
    fc.assert(
      fc.property(messageRow, conversationRow, placed, fc.nat(15), (message, conversation, name, flags) => {
        deepEqual(plain(decodeMessageRow(encodeMessageRow(message))), plain(message));
        deepEqual(plain(decodeConversationRow(encodeConversationRow(conversation))), plain(conversation));
        deepEqual(plain(decodePlacedRow(encodePlacedRow(name))), plain(name));
        const editKey = editRowKey(messageRowKey(name.order.id), name.order);
        deepEqual(plain(decodeEditRow(editKey, encodeEditRow(name))), plain(name));
        const { hash: hashOfTombstone, place: placeOfTombstone } = name;
        const tombstone = { hash: hashOfTombstone, place: placeOfTombstone };
        deepEqual(plain(decodePurgedRow(encodePurgedRow(name))), plain(tombstone));
        const reaction = { ...name, removed: flags > 7 };
        deepEqual(plain(decodeReactionRow(encodeReactionRow(reaction))), plain(reaction));
        const row = { flags, marks: 16 * (flags % 6), place: name.place };
        deepEqual(decodeOrderRow(encodeOrderRow(row)), row);
        const totals = { messages: name.place.position, deleted: flags, conversations: 0, purged: 2 * flags };
        deepEqual(decodeTotals(encodeTotals(totals)), totals);
      }),
    );
    deepEqual(decodeTotals(undefined), { messages: 0, deleted: 0, conversations: 0, purged: 0 });
  });

  it("begin with their version and are small", () => {
    const row = encodeMessageRow({
      content: {
        hash: new Uint8Array(16),
        conversation: "0".repeat(32) as ConversationId,
        stamp: { ms: 1, counter: 0 },
        flags: 0,
        place: { logNumber: 3, position: 1_000_000 },
      },
      marks: 0,
      told: false,
      before: null,
      register: null,
    });
    equal(row[0], ROW_VERSION);
    equal(row.length, 48);
    equal(encodeOrderRow({ flags: 0, marks: 0, place: { logNumber: 3, position: 1_000_000 } }).length, 7);
  });

  it("that were cut, prolonged or written by another version are damage", () => {
    fc.assert(
      fc.property(messageRow, conversationRow, placed, (message, conversation, name) => {
        const pairs: readonly (readonly [Row, (row: Row) => unknown])[] = [
          [encodeMessageRow(message), decodeMessageRow],
          [encodeConversationRow(conversation), decodeConversationRow],
          [encodePlacedRow(name), decodePlacedRow],
          [encodeReactionRow({ ...name, removed: true }), decodeReactionRow],
          [
            encodeEditRow(name),
            (row) => decodeEditRow(editRowKey(messageRowKey(name.order.id), name.order), row),
          ],
          [encodeOrderRow({ flags: 1, marks: 0, place: name.place }), decodeOrderRow],
        ];
        for (const [row, decode] of pairs) {
          for (const bad of [row.slice(0, -1), Uint8Array.of(...row, 0), Uint8Array.of(9, ...row.slice(1))]) {
            assertCode(() => decode(bad), "STORE_DAMAGED");
          }
        }
      }),
    );
  });

  it("U1: have one encoding: flags without a meaning are damage", () => {
    const mark = { stamp: { ms: 1, counter: 2 }, id: "ab".repeat(16) as MessageId };
    const nothing = { marks: 0, content: null, told: false, before: null };
    const message = encodeMessageRow({ ...nothing, register: { order: mark, deleted: true } });
    const conversation = encodeConversationRow({ ...NEW_CONVERSATION, readUpTo: mark });
    const withFlags = (row: Row, flags: number): Row => Uint8Array.of(row[0]!, flags, ...row.subarray(2));
    deepEqual(decodeMessageRow(withFlags(message, 2)).register?.deleted, false);
    // What tombstones say is of a content, and either all that stands or beside it.
    for (const flags of [2 + 8, 2 + 16, 2 + 128])
      assertCode(() => decodeMessageRow(withFlags(message, flags)), "STORE_DAMAGED");
    // A register that is not there says nothing.
    assertCode(() => decodeMessageRow(Uint8Array.of(ROW_VERSION, 4, 0)), "STORE_DAMAGED");
    for (const flags of [8 + 128, 8 + 32])
      assertCode(() => decodeConversationRow(withFlags(conversation, flags)), "STORE_DAMAGED");
    for (const marks of [96, 255]) {
      assertCode(() => decodeMessageRow(Uint8Array.of(ROW_VERSION, 0, marks)), "STORE_DAMAGED");
      assertCode(() => decodeOrderRow(Uint8Array.of(ROW_VERSION, 0, marks, 0, 0)), "STORE_DAMAGED");
    }
    assertCode(() => decodeOrderRow(Uint8Array.of(ROW_VERSION, 32, 0, 0, 0)), "STORE_DAMAGED");
    // Properties that are none, or that say more of one than is there.
    for (const properties of [0, 2, 16, 64]) {
      const row = Uint8Array.of(...withFlags(conversation, 8 + 128), properties);
      assertCode(() => decodeConversationRow(row), "STORE_DAMAGED");
    }
  });
});
