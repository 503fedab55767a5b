/**
 * The rules of edits, unsends, reactions, delivery and of what people set for a conversation, one by one, with what is told of each.
 * That no order matters: fold-properties.test.ts and fold-races.test.ts.
 */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import { createFold } from "../../../src/core/inbox/fold.ts";
import { nextStamp } from "../../../src/core/inbox/stamp.ts";
import {
  MUTED_FOR_EVER,
  type Change,
  type OperationBody,
  type PlacedOperation,
} from "../../../src/core/inbox/types.ts";
import { compareForList, conversationRowKey, isMuted, lastStampOf } from "../../../src/core/inbox/view.ts";
import { FoldedRows } from "../../support/folded-rows.ts";
import type { ReferenceView } from "../../support/reference-fold.ts";
import { NOW_MS, idOf, laterMessage, messageBody, operationOf, placedAt } from "../../support/operations.ts";

const fold = createFold({ indexKey: new Uint8Array(32).fill(7) });
const PHONE = fold.conversationOf("+4930123");
const MUM = fold.conversationOf("Mum");
const ONE = idOf(1);
const target = { conversation: PHONE, message: ONE };

/** At the position and with the id of its number; later as the number grows. */
const at = (n: number, body: OperationBody, ms = NOW_MS + n): PlacedOperation =>
  placedAt(n, operationOf(body, { id: n, ms }));
const sent = at(1, messageBody({ direction: "out" }));
const received = at(1, messageBody({ direction: "in" }));
const edit = (n: number, text = `text ${n}`, ms = NOW_MS + n): PlacedOperation =>
  at(n, { kind: "edit", ...target, text }, ms);
const unsend = (n: number): PlacedOperation => at(n, { kind: "unsend", ...target });
const react = (
  n: number,
  more: Partial<Extract<OperationBody, { kind: "reaction" }>> = {},
): PlacedOperation =>
  at(n, { kind: "reaction", ...target, sender: null, emoji: "\u{1f44d}", removed: false, ...more });

const folded = (...all: readonly PlacedOperation[]): FoldedRows => {
  const rows = new FoldedRows(fold);
  rows.take(all);
  return rows;
};
const shown = (...all: readonly PlacedOperation[]): ReferenceView["messages"][typeof ONE] =>
  folded(...all).view().messages[ONE]!;
const told = (rows: FoldedRows, ...all: readonly PlacedOperation[]): readonly string[] =>
  rows.take(all).map((change: Change) => (change.kind === "message-changed" ? change.change : change.kind));

describe("edits", () => {
  it("are a history in their order, whichever came first", () => {
    deepEqual(shown(sent, edit(4), edit(2), edit(3)).edits, [2, 3, 4]);
    deepEqual(shown(edit(3), edit(2, "late", NOW_MS + 9), sent).edits, [3, 2]);
  });

  it("of what others wrote count for nothing, and count where another content comes to stand", () => {
    deepEqual(shown(received, edit(2)).edits, []);
    const [a, b] = [
      at(1, messageBody({ direction: "in", text: "a" })),
      { ...sent, place: { logNumber: 1, position: 7 } },
    ];
    const smaller = Buffer.compare(a.contentHash, b.contentHash) < 0 ? a : b;
    deepEqual(shown(a, edit(2), b).edits, smaller === a ? [] : [2]);
  });

  it("L8: that claim one id and stamp stand with the smaller hash on every device", () => {
    const [a, b] = [edit(2, "yes"), { ...edit(2, "no"), place: { logNumber: 1, position: 3 } }];
    const smaller = Buffer.compare(a.contentHash, b.contentHash) < 0 ? a : b;
    deepEqual(shown(sent, a, b).edits, [smaller.place.position]);
    deepEqual(folded(sent, a, b).bytes(), folded(b, a, sent).bytes());
  });

  it("are told where they change what is shown, and once", () => {
    const rows = folded(sent);
    deepEqual(told(rows, edit(2)), ["edited"]);
    deepEqual(told(rows, edit(2)), []);
    deepEqual(told(folded(received), edit(2)), []);
    deepEqual(told(folded(sent, unsend(3)), edit(2)), []);
  });

  it("that came before their message are said of it when it comes", () => {
    const rows = new FoldedRows(fold);
    deepEqual(told(rows, edit(2)), []);
    const changes = rows.take([sent]);
    deepEqual(
      changes.filter(({ kind }) => kind === "message"),
      [
        {
          kind: "message",
          conversation: PHONE,
          id: ONE,
          place: { logNumber: 1, position: 1 },
          isMarked: true,
        },
      ],
    );
  });

  it("L12: come behind the last one seen, whatever the clock says", () => {
    const far = edit(2, "far", NOW_MS + 10 * 365 * 86_400_000);
    const rows = folded(sent, far);
    const { ms, counter } = nextStamp(
      NOW_MS,
      lastStampOf(conversationRowKey(PHONE), rows.rows.get(conversationRowKey(PHONE))!),
    );
    rows.take([placedAt(3, operationOf({ kind: "edit", ...target, text: "now" }, { id: 3, ms, counter }))]);
    deepEqual(rows.view().messages[ONE]?.edits, [2, 3]);
  });

  it("cost a message that has none not one row", () => {
    equal(folded(sent).rows.size, 4);
    equal(folded(sent, edit(2)).rows.size, 5);
  });
});

describe("an unsend", () => {
  it("leaves the message in its place, without edits, for good", () => {
    const view = folded(sent, edit(2), unsend(3), edit(4)).view();
    deepEqual(view.messages[ONE]?.edits, []);
    deepEqual(view.conversations[PHONE]?.messages, [ONE]);
    equal(view.messages[ONE]?.unsentAt, shown(sent, unsend(3)).unsentAt);
  });

  it("was at the first of them, and of what others wrote is none", () => {
    equal(shown(sent, unsend(4), unsend(3)).unsentAt, shown(sent, unsend(3)).unsentAt);
    notEqual(shown(sent, unsend(4)).unsentAt, shown(sent, unsend(3)).unsentAt);
    equal(shown(received, unsend(3)).unsentAt, null);
  });

  it("is told once", () => {
    const rows = folded(sent);
    deepEqual(told(rows, unsend(3)), ["unsent"]);
    deepEqual(told(rows, unsend(2)), []);
    deepEqual(told(folded(received), unsend(2)), []);
  });
});

describe("reactions", () => {
  it("are one per sender and emoji, however the sender's address is written", () => {
    deepEqual(shown(received, react(2), react(3), react(4, { emoji: "\u{1f600}" })).reactions, [3, 4]);
    const forms = [react(2, { sender: "+49 30 123" }), react(3, { sender: "+4930123" })];
    deepEqual(shown(received, ...forms).reactions, [3]);
    deepEqual(shown(received, react(2), react(3, { sender: "me" })).reactions, [2, 3]);
    deepEqual(shown(received, react(2, { sender: "Mum" }), react(3, { sender: "Dad" })).reactions, [2, 3]);
  });

  it("are taken back and given again by the last word", () => {
    deepEqual(shown(received, react(2), react(3, { removed: true })).reactions, []);
    deepEqual(shown(received, react(4), react(3, { removed: true })).reactions, [4]);
    deepEqual(shown(react(3, { removed: true }), received).reactions, []);
  });

  it("are told where one comes or goes", () => {
    const rows = folded(received);
    deepEqual(told(rows, react(4)), ["reaction"]);
    deepEqual(told(rows, react(5)), []);
    deepEqual(told(rows, react(3, { removed: true })), []);
    deepEqual(told(rows, react(6, { removed: true })), ["reaction"]);
    deepEqual(told(folded(received), react(2, { removed: true })), []);
    deepEqual(told(new FoldedRows(fold), react(2)), []);
  });

  it("have keys that tell nothing of them, and another one in another account", () => {
    const keyIn = (indexKey: Uint8Array): string =>
      [...createFold({ indexKey }).keys([react(2).operation])].find((key) => key.startsWith("r"))!;
    notEqual(keyIn(new Uint8Array(32)), keyIn(new Uint8Array(32).fill(1)));
    equal(keyIn(new Uint8Array(32)).length, 33);
  });
});

describe("a delivery", () => {
  const state = (n: number, name: "queued" | "failed" | "sent" | "delivered" | "read"): PlacedOperation =>
    at(n, { kind: "delivery", ...target, state: name });

  it("only climbs, in whatever order it is heard of", () => {
    equal(shown(sent, state(2, "read"), state(3, "sent")).delivery, "read");
    equal(shown(sent, state(2, "failed"), state(3, "queued")).delivery, "failed");
    equal(shown(state(2, "failed"), state(3, "sent"), sent).delivery, "sent");
    equal(shown(sent).delivery, null);
    equal(shown(received, state(2, "read")).delivery, null);
  });

  it("is told where it climbs", () => {
    const rows = folded(sent);
    deepEqual(told(rows, state(2, "sent")), ["status"]);
    deepEqual(told(rows, state(3, "queued")), []);
    deepEqual(told(rows, state(4, "read")), ["status"]);
    deepEqual(told(folded(received), state(2, "read")), []);
  });
});

describe("what people set for a conversation", () => {
  const pin = (n: number, on: boolean, rank: number, conversation = PHONE): PlacedOperation =>
    at(n, { kind: "pin", conversation, on, rank });
  const mute = (n: number, untilMs: number): PlacedOperation =>
    at(n, { kind: "mute", conversation: PHONE, untilMs });

  it("is what was set last, and is told where it changes", () => {
    const rows = folded(sent);
    deepEqual(told(rows, pin(3, true, 1)), ["conversation"]);
    deepEqual(told(rows, pin(2, false, 0)), []);
    deepEqual(told(rows, pin(4, true, 1)), []);
    deepEqual(told(rows, pin(5, true, 2)), ["conversation"]);
    equal(rows.view().conversations[PHONE]?.pinned, 2);
    deepEqual(told(rows, mute(6, 0)), []);
    deepEqual(told(rows, mute(7, 5)), ["conversation"]);
    deepEqual(told(rows, at(8, { kind: "archive", conversation: PHONE, on: true })), ["conversation"]);
    deepEqual(told(rows, at(9, { kind: "draft", conversation: PHONE, text: "See" })), ["conversation"]);
    deepEqual(told(rows, at(10, { kind: "participants", conversation: PHONE, participants: ["Mum"] })), [
      "conversation",
    ]);
    deepEqual(rows.view().conversations[PHONE]?.draft, 9);
  });

  it("at one stamp under one id is what is on, then the larger number", () => {
    const same = (body: OperationBody, position: number): PlacedOperation =>
      placedAt(position, operationOf(body, { id: 9 }));
    const pins = [
      same({ kind: "pin", conversation: PHONE, on: true, rank: 1 }, 2),
      same({ kind: "pin", conversation: PHONE, on: true, rank: 2 }, 3),
      same({ kind: "pin", conversation: PHONE, on: false, rank: 9 }, 4),
    ];
    for (const order of [pins, pins.toReversed()])
      equal(folded(sent, ...order).view().conversations[PHONE]?.pinned, 2);
  });

  it("mutes until a time, or for ever", () => {
    const muted = (untilMs: number, nowMs: number): boolean =>
      isMuted(folded(sent, mute(2, untilMs)).conversation(PHONE), nowMs);
    deepEqual([muted(NOW_MS, NOW_MS - 1), muted(NOW_MS, NOW_MS)], [true, false]);
    deepEqual([muted(0, 0), muted(MUTED_FOR_EVER, MUTED_FOR_EVER)], [false, true]);
    equal(isMuted(folded(sent).conversation(PHONE), 0), false);
  });

  it("lists what is pinned first, by rank, then what was used last", () => {
    const other = at(5, messageBody({ conversation: "Mum" }));
    const third = at(6, messageBody({ conversation: "Dad" }));
    const order = (...all: readonly PlacedOperation[]): readonly string[] =>
      folded({ ...sent, takenInMs: NOW_MS }, other, third, ...all)
        .conversations()
        .toSorted(compareForList)
        .map(({ conversation }) => (conversation === PHONE ? "phone" : conversation === MUM ? "mum" : "dad"));
    equal(order(pin(7, true, 5)).at(0), "phone");
    deepEqual(order(pin(7, true, 5), pin(8, true, 2, MUM)).slice(0, 2), ["mum", "phone"]);
    notEqual(order(pin(7, true, 5), pin(9, false, 5)).at(0), undefined);
    deepEqual(order(pin(7, true, 5), pin(9, false, 5)), order());
    // Of one rank the one that was pinned first, whichever was used last.
    deepEqual(order(pin(8, true, 1), pin(7, true, 1, MUM)).slice(0, 2), ["mum", "phone"]);
    deepEqual(order(pin(7, true, 1), pin(8, true, 1, MUM)).slice(0, 2), ["phone", "mum"]);
  });

  it("costs a conversation of which nothing was set not one byte", () => {
    const plain = folded(sent).rows.get(conversationRowKey(PHONE))!;
    const set = folded(sent, at(2, { kind: "archive", conversation: PHONE, on: true }));
    equal(set.rows.get(conversationRowKey(PHONE))!.length, plain.length + 1 + 24);
  });
});

describe("settings", () => {
  const set = (n: number, name: string, value: string): PlacedOperation =>
    at(n, { kind: "setting", name, value });

  it("are what was set last under each name", () => {
    const rows = folded(set(3, "theme", "dark"), set(2, "theme", "light"), set(1, "sounds", "off"));
    deepEqual(rows.view().settings, [1, 3]);
    deepEqual(told(rows, set(4, "theme", "light")), ["setting"]);
    deepEqual(told(rows, set(2, "theme", "light")), []);
  });
});

describe("L15: a message of a later kind", () => {
  it("stands in its place, is unread and counted, and can be deleted", () => {
    const later = at(2, laterMessage());
    const rows = folded(sent, later);
    deepEqual(rows.view().conversations[PHONE]?.messages, [ONE, idOf(2)]);
    deepEqual(rows.view().conversations[PHONE]?.unread, [idOf(2)]);
    equal(rows.view().messages[idOf(2)]?.later, true);
    equal(rows.totals().messages, 2);
    rows.take([at(3, { kind: "delete", conversation: PHONE, messages: [idOf(2)] })]);
    equal(rows.view().messages[idOf(2)]?.deleted, true);
  });
});
