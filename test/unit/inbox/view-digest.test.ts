/** The digest of a view: the same on two devices that hold the same, and another one for everything that people could tell apart. */
import { equal, notEqual } from "node:assert/strict";
import fc from "fast-check";
import { createFold } from "../../../src/core/inbox/fold.ts";
import type { OperationBody, PlacedOperation } from "../../../src/core/inbox/types.ts";
import { viewDigest } from "../../../src/core/inbox/view-digest.ts";
import { FoldedRows } from "../../support/folded-rows.ts";
import {
  NOW_MS,
  collidingOperation,
  idOf,
  messageBody,
  operationOf,
  placedAt,
} from "../../support/operations.ts";

const fold = createFold({ indexKey: new Uint8Array(32) });
const PHONE = fold.conversationOf("+4930123");
const target = { conversation: PHONE, message: idOf(1) };

const folded = (all: readonly PlacedOperation[]): FoldedRows => {
  const rows = new FoldedRows(fold);
  rows.take(all);
  return rows;
};
const at = (n: number, body: OperationBody): PlacedOperation =>
  placedAt(n, operationOf(body, { id: n, ms: NOW_MS + n }));

describe("the digest of a view", () => {
  it("does not depend on the numbers of logs, the positions in them and the times of taking in", () => {
    const history = fc.array(collidingOperation(fold.conversationOf), { maxLength: 12 });
    fc.assert(
      fc.property(history, fc.nat(5), fc.nat(1_000), (operations, logNumber, from) => {
        const here = operations.map((operation, n) => placedAt(n, operation));
        const there = here.map((placed, n): PlacedOperation => ({
          ...placed,
          // Distinct places in another order: which of two equals stands is decided by them.
          place: { logNumber, position: from + here.length - n },
          takenInMs: from,
        }));
        equal(folded(here).digest(), folded(there.toReversed()).digest());
      }),
      { numRuns: 1_000 },
    );
  });

  it("differs with everything that one operation changes", () => {
    const base = [at(1, messageBody({ direction: "out" }))];
    const more: readonly OperationBody[] = [
      messageBody(),
      { kind: "delete", conversation: PHONE, messages: [idOf(1)] },
      { kind: "read", conversation: PHONE, upTo: { stamp: { ms: NOW_MS, counter: 0 }, id: idOf(1) } },
      { kind: "unread", conversation: PHONE },
      { kind: "title", conversation: PHONE, title: "Mum" },
      { kind: "edit", ...target, text: "x" },
      { kind: "unsend", ...target },
      { kind: "reaction", ...target, sender: null, emoji: "x", removed: false },
      { kind: "reaction", ...target, sender: null, emoji: "x", removed: true },
      { kind: "delivery", ...target, state: "sent" },
      { kind: "pin", conversation: PHONE, on: true, rank: 1 },
      { kind: "mute", conversation: PHONE, untilMs: 1 },
      { kind: "archive", conversation: PHONE, on: true },
      { kind: "draft", conversation: PHONE, text: "x" },
      { kind: "participants", conversation: PHONE, participants: ["x"] },
      { kind: "setting", name: "x", value: "y" },
    ];
    const digests = new Set(more.map((body) => folded([...base, at(2, body)]).digest()));
    digests.add(folded(base).digest());
    equal(digests.size, more.length + 1);
  });

  it("of no rows is a value as well, and another text another one", () => {
    equal(viewDigest([]).length, 64);
    notEqual(
      folded([at(1, messageBody({ text: "a" }))]).digest(),
      folded([at(1, messageBody({ text: "b" }))]).digest(),
    );
  });
});
