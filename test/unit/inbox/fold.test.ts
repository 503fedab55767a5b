/**
 * The rules of the fold, one by one. Threats L8, L12, L13. That no order matters: fold-properties.test.ts. Races on one message:
 * fold-races.test.ts.
 */
import { deepEqual, equal } from "node:assert/strict";
import { createFold } from "../../../src/core/inbox/fold.ts";
import { nextStamp } from "../../../src/core/inbox/stamp.ts";
import type { Change, PlacedOperation } from "../../../src/core/inbox/types.ts";
import { conversationRowKey, lastStampOf, messageRowKey } from "../../../src/core/inbox/view.ts";
import { FoldedRows } from "../../support/folded-rows.ts";
import {
  NOW_MS,
  conversationIdAt,
  deviceOf,
  idOf,
  messageBody,
  operationOf,
  orderAt,
  placedAt,
} from "../../support/operations.ts";

const indexKey = new Uint8Array(32).fill(7);
const fold = createFold({ indexKey });
const PHONE = fold.conversationOf("+4930123");
const MUM = fold.conversationOf("Mum");

const folded = (...turns: readonly (readonly PlacedOperation[])[]): FoldedRows => {
  const rows = new FoldedRows(fold);
  for (const turn of turns) rows.take(turn);
  return rows;
};
const kindsOf = (changes: readonly Change[]): readonly string[] => changes.map(({ kind }) => kind);

describe("a turn of the fold", () => {
  it("sees what the same turn wrote before", () => {
    const message = placedAt(1, operationOf(messageBody(), { id: 1 }));
    const bin = placedAt(
      2,
      operationOf({ kind: "delete", conversation: PHONE, messages: [idOf(1)] }, { id: 2 }),
    );
    const back = placedAt(
      3,
      operationOf({ kind: "restore", conversation: PHONE, messages: [idOf(1)] }, { id: 3 }),
    );
    const rows = new FoldedRows(fold);
    deepEqual(kindsOf(rows.take([message, bin, back])), [
      "conversation",
      "message",
      "message-changed",
      "message-changed",
    ]);
    equal(rows.view().messages[idOf(1)]?.deleted, false);
  });

  it("leaves unknown operations alone", () => {
    const rows = folded([placedAt(1, operationOf({ kind: "unread", conversation: PHONE }))]);
    const before = rows.bytes();
    const unknown: PlacedOperation = {
      ...placedAt(2, operationOf(messageBody())),
      operation: operationOf({ kind: "unknown", number: 77 }),
    };
    deepEqual(rows.take([unknown]), []);
    deepEqual(rows.bytes(), before);
  });
});

describe("messages in the fold", () => {
  it("of one conversation are those whose addresses are the same, however written", () => {
    const rows = folded([
      placedAt(1, operationOf(messageBody({ conversation: "+4930123" }), { id: 1, ms: NOW_MS + 1 })),
      placedAt(2, operationOf(messageBody({ conversation: "+49 (30) 123" }), { id: 2, ms: NOW_MS })),
    ]);
    equal(rows.conversations().length, 1);
    deepEqual(rows.view().conversations[PHONE]?.messages, [idOf(2), idOf(1)]);
    equal(rows.view().conversations[PHONE]?.name, 2, "the first in order names it");
  });

  it("are told once, and their conversation before them", () => {
    const rows = new FoldedRows(fold);
    const message = placedAt(1, operationOf(messageBody(), { id: 1 }));
    deepEqual(rows.take([message]), [
      { kind: "conversation", conversation: PHONE },
      {
        kind: "message",
        conversation: PHONE,
        id: idOf(1),
        place: { logNumber: 1, position: 1 },
        isMarked: false,
      },
    ]);
    deepEqual(rows.take([message]), []);
  });

  it("taken in twice are one, where the smaller stamp stands, and nobody is alarmed", () => {
    const early = placedAt(
      1,
      operationOf(messageBody({ takenIn: true }), { id: 1, ms: NOW_MS, author: deviceOf(1) }),
    );
    const late = placedAt(
      2,
      operationOf(messageBody({ takenIn: true }), { id: 1, ms: NOW_MS + 9, author: deviceOf(2) }),
    );
    const rows = folded([late]);
    deepEqual(kindsOf(rows.take([early])), ["conversation"]);
    deepEqual(rows.view().conversations[PHONE]?.messages, [idOf(1)]);
    equal(rows.view().messages[idOf(1)]?.position, 1);
    deepEqual(rows.bytes(), folded([early], [late]).bytes());
    equal(rows.totals().messages, 1);
  });

  it("L8: with one random id and two contents stand with the smaller hash on every device, with an alarm", () => {
    const a = placedAt(1, operationOf(messageBody({ text: "yes" }), { id: 1 }));
    const b = placedAt(
      2,
      operationOf(messageBody({ text: "no", conversation: "Mum" }), { id: 1, ms: NOW_MS + 5 }),
    );
    const smaller = Buffer.compare(a.contentHash, b.contentHash) < 0 ? a : b;
    for (const turns of [[[a], [b]], [[b], [a]], [[a, b]], [[b, a]]]) {
      const rows = folded(...turns);
      deepEqual(
        rows.changes.filter(({ kind }) => kind === "conflict"),
        [{ kind: "conflict", id: idOf(1) }],
      );
      equal(rows.view().messages[idOf(1)]?.position, smaller.place.position);
      equal(rows.totals().messages, 1);
      deepEqual(rows.bytes(), folded([a, b]).bytes());
    }
  });

  it("L8: that claim an id written here and taken in have one order of claims, also where three meet", () => {
    const claims = [
      placedAt(1, operationOf(messageBody({ takenIn: true, text: "a" }), { id: 1, ms: NOW_MS })),
      placedAt(2, operationOf(messageBody({ takenIn: true, text: "b" }), { id: 1, ms: NOW_MS + 1 })),
      placedAt(3, operationOf(messageBody({ text: "c" }), { id: 1, ms: NOW_MS + 2 })),
    ];
    for (const order of permutations(claims))
      equal(folded(...order.map((one) => [one])).view().messages[idOf(1)]?.position, 3);
  });

  it("appended again under their id, author and stamp are no conflict", () => {
    const first = placedAt(9, operationOf(messageBody(), { id: 1 }));
    const again = { ...first, place: { logNumber: 2, position: 3 } };
    const rows = folded([again]);
    deepEqual(rows.take([first]), []);
    equal(rows.view().messages[idOf(1)]?.position, 9, "the smaller place is kept");
  });
});

describe("clocks in the fold", () => {
  const farMs = NOW_MS + 10 * 365 * 86_400_000;
  const far = placedAt(1, operationOf(messageBody(), { id: 1, ms: farMs }));

  it("L12: a clock ten years ahead keeps its message and pins no conversation to the top", () => {
    const rows = folded(
      [far],
      [placedAt(2, operationOf(messageBody({ conversation: "Mum" }), { id: 2, ms: NOW_MS + 1 }), NOW_MS + 1)],
    );
    deepEqual(rows.view().conversations[PHONE]?.messages, [idOf(1)]);
    const byTop = rows.conversations().toSorted((a, b) => b.sortMs - a.sortMs);
    deepEqual(
      byTop.map(({ conversation }) => conversation),
      [MUM, PHONE],
    );
  });

  it("L12: the next writer in that conversation comes behind it, and no other conversation is dragged", () => {
    const rows = folded([far], [placedAt(2, operationOf(messageBody({ conversation: "Mum" }), { id: 2 }))]);
    const clockOf = (id: typeof PHONE): ReturnType<typeof lastStampOf> =>
      lastStampOf(conversationRowKey(id), rows.rows.get(conversationRowKey(id))!);
    deepEqual(nextStamp(NOW_MS, clockOf(PHONE)), { ms: farMs, counter: 1 });
    deepEqual(nextStamp(NOW_MS + 1, clockOf(MUM)), { ms: NOW_MS + 1, counter: 0 });
  });

  it("L12: a register that a wrong clock wrote is overruled by its next writer", () => {
    const wrong = placedAt(
      1,
      operationOf({ kind: "title", conversation: PHONE, title: "Mum" }, { id: 1, ms: farMs }),
    );
    const rows = folded([wrong]);
    const clock = lastStampOf(conversationRowKey(PHONE), rows.rows.get(conversationRowKey(PHONE))!);
    const { ms, counter } = nextStamp(NOW_MS, clock);
    rows.take([
      placedAt(2, operationOf({ kind: "title", conversation: PHONE, title: "Dad" }, { id: 2, ms, counter })),
    ]);
    equal(rows.view().conversations[PHONE]?.title, 2);
  });

  it("L12: a read mark in the future does not swallow what is written after it", () => {
    const mark = placedAt(
      2,
      operationOf({ kind: "read", conversation: PHONE, upTo: orderAt(farMs, 9) }, { id: 2 }),
    );
    const rows = folded([mark]);
    const clock = lastStampOf(conversationRowKey(PHONE), rows.rows.get(conversationRowKey(PHONE))!);
    const { ms, counter } = nextStamp(NOW_MS, clock);
    rows.take([placedAt(3, operationOf(messageBody(), { id: 3, ms, counter }))]);
    deepEqual(rows.view().conversations[PHONE]?.unread, [idOf(3)]);
  });

  it("what is taken in moves no clock", () => {
    const rows = folded([placedAt(1, operationOf(messageBody({ takenIn: true }), { id: 1, ms: NOW_MS }))]);
    equal(rows.view().conversations[PHONE]?.clock, null);
  });

  it("L13: every stamp there is folds without a fault", () => {
    for (const ms of [0, 1, 2 ** 31, 2 ** 32, 2 ** 48 - 1]) {
      for (const counter of [0, 65_535]) {
        const rows = folded([placedAt(1, operationOf(messageBody(), { id: 1, ms, counter }))]);
        deepEqual(rows.view().conversations[PHONE]?.messages, [idOf(1)]);
      }
    }
  });
});

describe("read state in the fold", () => {
  const messages = [1, 2, 3].map((n) => placedAt(n, operationOf(messageBody(), { id: n, ms: NOW_MS + n })));
  const read = (upTo: number, id: number, ms: number): PlacedOperation =>
    placedAt(
      id,
      operationOf({ kind: "read", conversation: PHONE, upTo: orderAt(NOW_MS + upTo, upTo) }, { id, ms }),
    );
  const unread = (id: number, ms: number): PlacedOperation =>
    placedAt(id, operationOf({ kind: "unread", conversation: PHONE }, { id, ms }));

  it("is the furthest mark, wherever it comes from", () => {
    const rows = folded(messages, [read(2, 10, NOW_MS + 20)], [read(1, 11, NOW_MS + 30)]);
    deepEqual(rows.view().conversations[PHONE]?.unread, [idOf(3)]);
  });

  it("comes before the messages just as well", () => {
    deepEqual(
      folded([read(2, 10, NOW_MS + 20)], messages).view(),
      folded(messages, [read(2, 10, NOW_MS + 20)]).view(),
    );
  });

  it("counts no message of mine, none that was read where it came from, and none in the bin", () => {
    const rows = folded([
      placedAt(1, operationOf(messageBody({ direction: "out" }), { id: 1 })),
      placedAt(2, operationOf(messageBody({ readAtSource: true }), { id: 2 })),
      placedAt(3, operationOf(messageBody(), { id: 3 })),
      placedAt(4, operationOf({ kind: "delete", conversation: PHONE, messages: [idOf(3)] }, { id: 4 })),
    ]);
    deepEqual(rows.view().conversations[PHONE]?.unread, []);
  });

  it("marked unread lasts until a later read, and an earlier one changes nothing", () => {
    const marked = (...more: readonly PlacedOperation[]): boolean | undefined =>
      folded(messages, more).view().conversations[PHONE]?.markedUnread;
    equal(marked(unread(10, NOW_MS + 20)), true);
    equal(marked(unread(10, NOW_MS + 20), read(1, 11, NOW_MS + 19)), true);
    equal(marked(unread(10, NOW_MS + 20), read(1, 11, NOW_MS + 21)), false);
    equal(marked(read(1, 11, NOW_MS + 21), unread(10, NOW_MS + 20)), false);
  });

  it("is told when it changes, and only then", () => {
    const rows = folded(messages);
    deepEqual(rows.take([read(2, 10, NOW_MS + 20)]), [{ kind: "read", conversation: PHONE }]);
    deepEqual(rows.take([read(1, 11, NOW_MS + 30)]), []);
    deepEqual(rows.take([unread(12, NOW_MS + 40)]), [{ kind: "read", conversation: PHONE }]);
    deepEqual(rows.take([unread(13, NOW_MS + 41)]), []);
  });
});

describe("names in the fold", () => {
  it("are the last ones written, on every device", () => {
    const name = (text: string, id: number, ms: number): PlacedOperation =>
      placedAt(id, operationOf({ kind: "device-name", device: deviceOf(3), name: text }, { id, ms }));
    const rows = folded([name("phone", 1, 5)]);
    deepEqual(rows.take([name("laptop", 2, 6)]), [{ kind: "device-name", device: deviceOf(3) }]);
    deepEqual(rows.take([name("old", 3, 4)]), []);
    equal(rows.view().deviceNames[deviceOf(3)], 2);
  });

  it("L8: of one id and stamp with two texts are the same everywhere", () => {
    const title = (text: string, position: number): PlacedOperation =>
      placedAt(position, operationOf({ kind: "title", conversation: PHONE, title: text }, { id: 1 }));
    const [a, b] = [title("Mum", 1), title("Dad", 2)];
    deepEqual(folded([a], [b]).bytes(), folded([b], [a]).bytes());
  });

  it("of a conversation that has no message name nothing", () => {
    const rows = folded([
      placedAt(1, operationOf({ kind: "title", conversation: conversationIdAt(1), title: "x" })),
    ]);
    equal(rows.conversations()[0]?.name, null);
    equal(rows.totals().conversations, 0);
  });

  it("remember more addresses than fit, and the same conversations", () => {
    const another = createFold({ indexKey });
    for (let n = 0; n < 10_000; n++) another.conversationOf(`+49${n}`);
    equal(another.conversationOf("+49 30 123"), PHONE);
    equal(another.keys([operationOf(messageBody(), { id: 1 })]).includes(messageRowKey(idOf(1))), true);
  });
});

function permutations<Value>(values: readonly Value[]): readonly (readonly Value[])[] {
  if (values.length <= 1) return [values];
  return values.flatMap((value, at) => permutations(values.toSpliced(at, 1)).map((rest) => [value, ...rest]));
}
