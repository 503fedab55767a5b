/** Rows of the stored view: keys that sort, values that come back, damage that is found. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import type { ConversationId, DeviceId, MessageId } from "../../../src/core/base/ids.ts";
import type { Row } from "../../../src/core/log/rows.ts";
import { hex } from "../../../src/core/base/bytes.ts";
import {
  conversationOfKey,
  conversationRowKey,
  deviceNameRowKey,
  deviceOfKey,
  messageRowKey,
  orderOfKey,
  orderRowKey,
  orderRowKeyOf,
} from "../../../src/core/inbox/row-keys.ts";
import {
  decodeConversationRow,
  decodeDeviceRow,
  encodeConversationRow,
  encodeDeviceRow,
  NEW_CONVERSATION,
  type ConversationRow,
  type Placed,
} from "../../../src/core/inbox/registers.ts";
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
const messageRow: fc.Arbitrary<MessageRow> = fc.record(
  {
    content: fc.option(
      fc.record({ hash, conversation: id, stamp, flags: fc.nat(7), place }, { noNullPrototype }),
    ),
    register: fc.option(fc.record({ order, deleted: fc.boolean() }, { noNullPrototype })),
  },
  { noNullPrototype },
);
const conversationRow: fc.Arbitrary<ConversationRow> = fc.record(
  {
    clock: fc.option(stamp),
    sortMs: ms,
    name: fc.option(placed),
    candidates: fc.option(fc.record({ first: order, last: order }, { noNullPrototype })),
    readUpTo: fc.option(order),
    unread: fc.option(fc.record({ order, unread: fc.boolean() }, { noNullPrototype })),
    title: fc.option(placed),
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

  it("have one character below U+0100 per byte", () => {
    const device = "ff".repeat(32) as DeviceId;
    const keys = [
      messageRowKey("f".repeat(32) as MessageId),
      conversationRowKey("e".repeat(32) as ConversationId),
      deviceNameRowKey(device),
    ];
    deepEqual(
      keys.map((key) => Buffer.from(key, "latin1").toString("hex")),
      [`6d${"f".repeat(32)}`, `63${"e".repeat(32)}`, `64${"f".repeat(64)}`],
    );
    equal(deviceOfKey(keys[2]!), device);
  });
});

describe("rows", () => {
  it("come back from their bytes", () => {
    fc.assert(
      fc.property(messageRow, conversationRow, placed, fc.nat(15), (message, conversation, name, flags) => {
        deepEqual(plain(decodeMessageRow(encodeMessageRow(message))), plain(message));
        deepEqual(plain(decodeConversationRow(encodeConversationRow(conversation))), plain(conversation));
        deepEqual(plain(decodeDeviceRow(encodeDeviceRow(name))), plain(name));
        deepEqual(decodeOrderRow(encodeOrderRow(flags, name.place)), { flags, place: name.place });
        const totals = { messages: name.place.position, deleted: flags, conversations: 0 };
        deepEqual(decodeTotals(encodeTotals(totals)), totals);
      }),
    );
    deepEqual(decodeTotals(undefined), { messages: 0, deleted: 0, conversations: 0 });
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
      register: null,
    });
    equal(row[0], ROW_VERSION);
    equal(row.length, 47);
    equal(encodeOrderRow(0, { logNumber: 3, position: 1_000_000 }).length, 6);
  });

  it("that were cut, prolonged or written by another version are damage", () => {
    fc.assert(
      fc.property(messageRow, conversationRow, placed, (message, conversation, name) => {
        const pairs: readonly (readonly [Row, (row: Row) => unknown])[] = [
          [encodeMessageRow(message), decodeMessageRow],
          [encodeConversationRow(conversation), decodeConversationRow],
          [encodeDeviceRow(name), decodeDeviceRow],
          [encodeOrderRow(1, name.place), decodeOrderRow],
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
    const message = encodeMessageRow({ content: null, register: { order: mark, deleted: true } });
    const conversation = encodeConversationRow({ ...NEW_CONVERSATION, readUpTo: mark });
    const withFlags = (row: Row, flags: number): Row => Uint8Array.of(row[0]!, flags, ...row.subarray(2));
    deepEqual(decodeMessageRow(withFlags(message, 2)).register?.deleted, false);
    for (const flags of [2 + 8, 2 + 128])
      assertCode(() => decodeMessageRow(withFlags(message, flags)), "STORE_DAMAGED");
    // A register that is not there says nothing.
    assertCode(() => decodeMessageRow(Uint8Array.of(ROW_VERSION, 4)), "STORE_DAMAGED");
    for (const flags of [8 + 128, 8 + 32])
      assertCode(() => decodeConversationRow(withFlags(conversation, flags)), "STORE_DAMAGED");
  });
});
