/** Threat L14: everything that can happen to one message, in every order, comes to one end on all devices. */
import { deepEqual, equal } from "node:assert/strict";
import { createFold } from "../../../src/core/inbox/fold.ts";
import type { OperationBody, PlacedOperation } from "../../../src/core/inbox/types.ts";
import { FoldedRows } from "../../support/folded-rows.ts";
import { NOW_MS, idOf, messageBody, operationOf, orderAt, placedAt } from "../../support/operations.ts";
import { referenceFold } from "../../support/reference-fold.ts";

const fold = createFold({ indexKey: new Uint8Array(32) });
const PHONE = fold.conversationOf("+4930123");
const ONE = idOf(1);

const at = (position: number, body: OperationBody, id: number, ms: number): PlacedOperation =>
  placedAt(position, operationOf(body, { id, ms: NOW_MS + ms }), NOW_MS + ms);
const bin = (kind: "delete" | "restore"): OperationBody => ({ kind, conversation: PHONE, messages: [ONE] });
const read: OperationBody = { kind: "read", conversation: PHONE, upTo: orderAt(NOW_MS, 1) };
const unread: OperationBody = { kind: "unread", conversation: PHONE };

const target = { conversation: PHONE, message: ONE };
const edit = (text: string): OperationBody => ({ kind: "edit", ...target, text });
const react = (sender: string | null, removed: boolean): OperationBody => ({
  kind: "reaction",
  ...target,
  sender,
  emoji: "\u{1f44d}",
  removed,
});

/** Six operations on one message, with what must come of them in every one of their 720 orders. */
const races: readonly {
  readonly name: string;
  readonly operations: readonly PlacedOperation[];
  readonly deleted: boolean;
  readonly markedUnread: boolean;
}[] = [
  {
    name: "deleted, restored, deleted again, read and marked unread",
    operations: [
      at(1, messageBody(), 1, 0),
      at(2, bin("delete"), 2, 1),
      at(3, bin("restore"), 3, 2),
      at(4, bin("delete"), 4, 3),
      at(5, read, 5, 4),
      at(6, unread, 6, 5),
    ],
    deleted: true,
    markedUnread: true,
  },
  {
    name: "deleted and restored at one stamp under one id: the delete wins",
    operations: [
      at(1, messageBody(), 1, 0),
      at(2, bin("delete"), 2, 1),
      at(3, bin("restore"), 2, 1),
      at(4, unread, 4, 2),
      at(5, read, 5, 2),
      at(6, unread, 5, 2),
    ],
    deleted: true,
    markedUnread: true,
  },
  {
    name: "restored on a device whose clock is behind: the later stamp wins, not the later arrival",
    operations: [
      at(1, messageBody(), 1, 0),
      at(2, bin("delete"), 2, 9),
      at(3, bin("restore"), 3, 3),
      at(4, read, 4, 8),
      at(5, unread, 5, 7),
      at(6, bin("restore"), 6, 10),
    ],
    deleted: false,
    markedUnread: false,
  },
  {
    name: "taken in three times with three times, and deleted in between",
    operations: [
      at(1, messageBody({ takenIn: true, sentAtMs: 1 }), 1, 0),
      at(2, messageBody({ takenIn: true, sentAtMs: 2 }), 1, 5),
      at(3, messageBody({ takenIn: true, sentAtMs: 3 }), 1, 0),
      at(4, bin("delete"), 4, 3),
      at(5, read, 5, 4),
      at(6, bin("restore"), 6, 2),
    ],
    deleted: true,
    markedUnread: false,
  },
  {
    name: "claimed by three contents of a random id, one of them elsewhere",
    operations: [
      at(1, messageBody({ text: "a" }), 1, 0),
      at(2, messageBody({ text: "b" }), 1, 5),
      at(3, messageBody({ text: "c", conversation: "Mum" }), 1, 1),
      at(4, bin("restore"), 4, 3),
      at(5, bin("delete"), 5, 2),
      at(6, unread, 6, 2),
    ],
    deleted: false,
    markedUnread: true,
  },
  {
    name: "edited twice, unsent, deleted and read",
    operations: [
      at(1, messageBody({ direction: "out" }), 1, 0),
      at(2, edit("b"), 2, 1),
      at(3, edit("c"), 3, 2),
      at(4, { kind: "unsend", ...target }, 4, 3),
      at(5, bin("delete"), 5, 4),
      at(6, read, 6, 5),
    ],
    deleted: true,
    markedUnread: false,
  },
  {
    name: "edited at one stamp under one id with two texts, delivered and read there, deleted and restored",
    operations: [
      at(1, messageBody({ direction: "out" }), 1, 0),
      at(2, edit("b"), 2, 1),
      at(3, edit("c"), 2, 1),
      at(4, { kind: "delivery", ...target, state: "delivered" }, 4, 3),
      at(5, { kind: "delivery", ...target, state: "failed" }, 5, 4),
      at(6, bin("restore"), 6, 5),
    ],
    deleted: false,
    markedUnread: false,
  },
  {
    name: "reacted to, taken back, reacted to again by the same and by another, and edited by nobody's right",
    operations: [
      at(1, messageBody({ direction: "in" }), 1, 0),
      at(2, react(null, false), 2, 1),
      at(3, react(null, true), 3, 2),
      at(4, react("Mum", false), 4, 3),
      at(5, react("Mum", true), 4, 3),
      at(6, edit("not mine"), 6, 2),
    ],
    deleted: false,
    markedUnread: false,
  },
  {
    name: "claimed by one that was sent and one that was received, edited, unsent and reacted to",
    operations: [
      at(1, messageBody({ direction: "out", text: "a" }), 1, 0),
      at(2, messageBody({ direction: "in", text: "b", conversation: "Mum" }), 1, 5),
      at(3, edit("c"), 3, 1),
      at(4, { kind: "unsend", ...target }, 4, 3),
      at(5, react(null, false), 5, 2),
      at(6, { kind: "delivery", ...target, state: "read" }, 6, 2),
    ],
    deleted: false,
    markedUnread: false,
  },
];

function* permutations<Value>(values: readonly Value[]): Generator<readonly Value[]> {
  if (values.length <= 1) yield values;
  else {
    for (const [index, value] of values.entries()) {
      for (const rest of permutations(values.toSpliced(index, 1))) yield [value, ...rest];
    }
  }
}

/** Every mixture of two lists that keeps the order of each. */
function* interleavings<Value>(a: readonly Value[], b: readonly Value[]): Generator<readonly Value[]> {
  if (a.length === 0 || b.length === 0) yield [...a, ...b];
  else {
    for (const rest of interleavings(a.slice(1), b)) yield [a[0]!, ...rest];
    for (const rest of interleavings(a, b.slice(1))) yield [b[0]!, ...rest];
  }
}

describe("L14: races on one message", () => {
  for (const { name, operations, deleted, markedUnread } of races) {
    it(name, () => {
      const expected = new FoldedRows(fold);
      expected.take(operations);
      const bytes = expected.bytes();
      const view = referenceFold(operations, fold.conversationOf);
      deepEqual(expected.view(), view);
      equal(view.messages[ONE]?.deleted, deleted);
      equal(view.conversations[PHONE]?.markedUnread, markedUnread);
      let count = 0;
      for (const order of permutations(operations)) {
        const rows = new FoldedRows(fold);
        for (const operation of order) rows.take([operation]);
        deepEqual(rows.bytes(), bytes);
        // What comes again changes nothing.
        rows.take(order.toReversed());
        deepEqual(rows.bytes(), bytes);
        count++;
      }
      equal(count, 720);
    });
  }

  it("of two devices that write in turn come to one end in every interleaving", () => {
    // Each device writes six things in this order; the other hears of them in any mixture with its own.
    const phone = [
      at(1, messageBody({ direction: "out" }), 1, 0),
      at(2, edit("b"), 2, 1),
      at(3, react(null, false), 3, 3),
      at(4, { kind: "pin", conversation: PHONE, on: true, rank: 1 }, 4, 5),
      at(5, { kind: "unsend", ...target }, 5, 7),
      at(6, { kind: "draft", conversation: PHONE, text: "" }, 6, 9),
    ];
    const laptop = [
      at(7, edit("c"), 7, 2),
      at(8, react(null, true), 8, 2),
      at(9, { kind: "delivery", ...target, state: "sent" }, 9, 4),
      at(10, { kind: "pin", conversation: PHONE, on: false, rank: 0 }, 10, 5),
      at(11, bin("delete"), 11, 6),
      at(12, { kind: "draft", conversation: PHONE, text: "See" }, 12, 9),
    ];
    const all = [...phone, ...laptop];
    const view = referenceFold(all, fold.conversationOf);
    let expected: string | null = null;
    let count = 0;
    for (const order of interleavings(phone, laptop)) {
      const rows = new FoldedRows(fold);
      // In turns of one and of two operations.
      for (let n = 0; n < order.length; n += 1 + (count % 2)) rows.take(order.slice(n, n + 1 + (count % 2)));
      const bytes = JSON.stringify(rows.bytes());
      expected ??= bytes;
      equal(bytes, expected);
      if (count === 0) deepEqual(rows.view(), view);
      count++;
    }
    equal(count, 924);
  });

  it("in every prefix of every order, two devices that hold the same hold the same rows", () => {
    const { operations } = races[0]!;
    const bytesBySet = new Map<string, string>();
    for (const order of permutations(operations)) {
      const rows = new FoldedRows(fold);
      const held: number[] = [];
      for (const operation of order) {
        rows.take([operation]);
        held.push(operation.place.position);
        const set = held.toSorted((a, b) => a - b).join(" ");
        const bytes = JSON.stringify(rows.bytes());
        equal(bytesBySet.get(set) ?? bytes, bytes, set);
        bytesBySet.set(set, bytes);
      }
    }
    equal(bytesBySet.size, 63);
  });
});
