/** Reading the view: which rows to ask for, and what they say. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import type { ConversationId } from "../../../src/core/base/ids.ts";
import type { RowKey } from "../../../src/core/log/rows.ts";
import { createFold } from "../../../src/core/inbox/fold.ts";
import { deviceNameRowKey, orderRowKeyOf } from "../../../src/core/inbox/row-keys.ts";
import { compareOrder } from "../../../src/core/inbox/stamp.ts";
import {
  conversationBounds,
  conversationRowKey,
  deviceBounds,
  isRead,
  isUnread,
  isUnreadRow,
  lastStampOf,
  messageBounds,
  messageIsHere,
  messagePrefixBounds,
  messageRowKey,
  orderOfMessage,
  orderRange,
  readMessageRow,
  readOrderRow,
  unreadBounds,
} from "../../../src/core/inbox/view.ts";
import { FoldedRows } from "../../support/folded-rows.ts";
import {
  NOW_MS,
  deviceOf,
  idOf,
  messageBody,
  operationOf,
  orderAt,
  placedAt,
} from "../../support/operations.ts";

const fold = createFold({ indexKey: new Uint8Array(32) });
const PHONE = fold.conversationOf("+4930123");

const rows = new FoldedRows(fold);
rows.take([
  placedAt(1, operationOf(messageBody({ direction: "out" }), { id: 1, ms: NOW_MS })),
  placedAt(2, operationOf(messageBody({ takenIn: true, readAtSource: true }), { id: 2, ms: NOW_MS + 1 })),
  placedAt(3, operationOf(messageBody(), { id: 3, ms: NOW_MS + 2 })),
  placedAt(4, operationOf(messageBody(), { id: 4, ms: NOW_MS + 3 })),
  placedAt(5, operationOf(messageBody({ conversation: "Mum" }), { id: 5, ms: NOW_MS + 4 })),
  placedAt(
    6,
    operationOf(
      { kind: "delete", conversation: PHONE, messages: [idOf(4), idOf(9)] },
      { id: 6, ms: NOW_MS + 5 },
    ),
  ),
  placedAt(7, operationOf({ kind: "device-name", device: deviceOf(1), name: "x" }, { id: 7, ms: 4 })),
]);
const shown = rows.range(orderRange(PHONE)).map(([key, row]) => readOrderRow(key, row));

describe("the view", () => {
  it("has a conversation's messages in order, and of no other", () => {
    deepEqual(
      shown.map(({ id }) => id),
      [1, 2, 3, 4].map(idOf),
    );
    deepEqual(shown[1], {
      id: idOf(2),
      conversation: PHONE,
      order: orderAt(NOW_MS + 1, 2),
      place: { logNumber: 1, position: 2 },
      direction: "in",
      readAtSource: true,
      takenIn: true,
      deleted: false,
      later: false,
      edited: false,
      unsent: false,
      reacted: false,
      delivery: null,
      named: false,
    });
    equal(shown[0]?.direction, "out");
    equal(shown[3]?.deleted, true);
  });

  it("has those before one of them, without it", () => {
    const before = rows.range(orderRange(PHONE, { before: orderAt(NOW_MS + 2, 3) }));
    deepEqual(
      before.map(([key]) => key),
      rows
        .range(orderRange(PHONE))
        .slice(0, 2)
        .map(([key]) => key),
    );
  });

  it("has bounds that hold every order of a conversation and none of its neighbours", () => {
    const hexId = fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .map((bytes) => Buffer.from(bytes).toString("hex"));
    const edges = fc.constantFrom("0".repeat(32), "f".repeat(32), `${"0".repeat(31)}1`, `${"f".repeat(31)}e`);
    const conversation = fc.oneof(hexId, edges) as fc.Arbitrary<ConversationId>;
    const order = fc.tuple(
      fc.constantFrom(0, 2 ** 48 - 1),
      fc.constantFrom(0, 65_535),
      fc.oneof(hexId, edges),
    );
    fc.assert(
      fc.property(conversation, conversation, order, (own, other, [ms, counter, id]) => {
        const { from, to } = orderRange(own);
        const keyIn = (which: ConversationId): RowKey =>
          orderRowKeyOf(which, { stamp: { ms, counter }, id: id as ReturnType<typeof idOf> });
        equal(keyIn(own) >= from && keyIn(own) < to, true);
        equal(keyIn(other) >= from && keyIn(other) < to, own === other);
      }),
    );
  });

  it("has bounds for each kind of row that do not meet", () => {
    const all = [conversationBounds(), messageBounds(), deviceBounds()];
    const keys = [conversationRowKey(PHONE), messageRowKey(idOf(1)), deviceNameRowKey(deviceOf(1))];
    for (const [at, { from, to }] of all.entries()) {
      for (const [which, key] of keys.entries()) equal(key >= from && key < to, at === which);
    }
  });

  it("finds messages by the first digits of their ids, also an odd number of them", () => {
    const id = idOf(0x1a2b3c);
    for (const digits of [0, 1, 26, 27, 31, 32]) {
      const { from, to } = messagePrefixBounds(id.slice(0, digits));
      const key = messageRowKey(id);
      equal(key >= from && key < to, true, `${digits}`);
    }
    const { from, to } = messagePrefixBounds(`${id.slice(0, 28)}0`);
    equal(messageRowKey(id) >= from && messageRowKey(id) < to, false);
  });

  it("tells a message that is here from a delete that waits for one", () => {
    const rowOf = (n: number): Uint8Array => rows.rows.get(messageRowKey(idOf(n)))!;
    equal(messageIsHere(rowOf(4)), true);
    deepEqual(orderOfMessage(idOf(4), rowOf(4)), orderAt(NOW_MS + 3, 4));
    equal(messageIsHere(rowOf(9)), false);
    equal(readMessageRow(idOf(9), rowOf(9)), null);
    const deleted = readMessageRow(idOf(4), rowOf(4));
    deepEqual([deleted?.deleted, deleted?.lastWord], [true, orderAt(NOW_MS + 5, 6)]);
    equal(readMessageRow(idOf(3), rowOf(3))?.lastWord, null);
  });

  it("knows the last stamp of a conversation and of a device's name", () => {
    const stampOf = (key: RowKey): unknown => lastStampOf(key, rows.rows.get(key)!);
    deepEqual(stampOf(conversationRowKey(PHONE)), { ms: NOW_MS + 5, counter: 0 });
    deepEqual(stampOf(deviceNameRowKey(deviceOf(1))), { ms: 4, counter: 0 });
  });
});

describe("what is unread", () => {
  it("is what was received, not read where it came from, not in the bin, and behind the mark", () => {
    const state = rows.conversation(PHONE);
    deepEqual(
      shown.map((message) => isUnread(message, state)),
      [false, false, true, false],
    );
    deepEqual(
      shown.map((message) => isRead(message, state)),
      [true, true, false, false],
    );
    const read = { ...state, readUpTo: orderAt(NOW_MS + 2, 3) };
    deepEqual(
      shown.map((message) => isUnread(message, read)),
      [false, false, false, false],
    );
    deepEqual(
      shown.map((message) => isRead(message, read)),
      [true, true, true, false],
    );
  });

  it("needs no rows where nothing can be unread", () => {
    const state = rows.conversation(PHONE);
    equal(unreadBounds({ ...state, candidates: null }), null);
    equal(unreadBounds({ ...state, readUpTo: orderAt(NOW_MS + 3, 4) }), null);
    equal(unreadBounds({ ...state, readUpTo: orderAt(NOW_MS + 9, 0) }), null);
  });

  it("lies within its bounds, wherever the mark stands", () => {
    const state = rows.conversation(PHONE);
    for (const readUpTo of [null, ...shown.map(({ order }) => order), orderAt(0, 0)]) {
      const marked = { ...state, readUpTo };
      const bounds = unreadBounds(marked);
      const within = bounds === null ? [] : rows.range(bounds).map(([key, row]) => readOrderRow(key, row));
      deepEqual(
        within.filter((message) => isUnread(message, marked)),
        shown.filter((message) => isUnread(message, marked)),
      );
      const counted = bounds === null ? [] : rows.range(bounds).filter(([, row]) => isUnreadRow(row));
      deepEqual(
        counted.map(([key, row]) => readOrderRow(key, row)),
        shown.filter((message) => isUnread(message, marked)),
      );
      if (readUpTo !== null)
        equal(
          within.every(({ order }) => compareOrder(order, readUpTo) > 0),
          true,
        );
    }
  });
});
