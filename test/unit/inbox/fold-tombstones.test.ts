/**
 * Tombstones: a device that never had what a purge names comes to the view of one that folded it. Threats L8 and L14.
 * Rules: docs/spec/purge.md. That any order gives the same rows, lies included: fold-properties.test.ts.
 */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import fc from "fast-check";
import { createFold } from "../../../src/core/inbox/fold.ts";
import type { ConversationId, MessageId } from "../../../src/core/base/ids.ts";
import { flagsOf } from "../../../src/core/inbox/rows.ts";
import { compareStamps } from "../../../src/core/inbox/stamp.ts";
import type { NamedMessage, OperationBody, PlacedOperation, Stamp } from "../../../src/core/inbox/types.ts";
import { FoldedRows } from "../../support/folded-rows.ts";
import {
  NOW_MS,
  collidingOperation,
  idOf,
  inNamedOrder,
  logOf,
  messageBody,
  operationOf,
  placedAt,
  purgeOf,
} from "../../support/operations.ts";

const fold = createFold({ indexKey: new Uint8Array(32).fill(7) });
const PHONE = fold.conversationOf("+4930123");
const ONE = idOf(1);

const folded = (...turns: readonly (readonly PlacedOperation[])[]): FoldedRows => {
  const rows = new FoldedRows(fold);
  for (const turn of turns) rows.take(turn);
  return rows;
};
const at = (position: number, body: OperationBody, id = position, ms = position): PlacedOperation =>
  placedAt(position, operationOf(body, { id, ms: NOW_MS + ms }), NOW_MS + ms);
const bin = (kind: "delete" | "restore"): OperationBody => ({ kind, conversation: PHONE, messages: [ONE] });
const target = { conversation: PHONE, message: ONE };
const edit = (text: string): OperationBody => ({ kind: "edit", ...target, text });
const react = (removed: boolean): OperationBody => ({
  kind: "reaction",
  ...target,
  sender: null,
  emoji: "\u{1f44d}",
  removed,
});

/** What a purge of some messages names: their contents at all places, their edits and their reactions. */
function isNamed({ operation: { id, body } }: PlacedOperation, purged: ReadonlySet<MessageId>): boolean {
  if (body.kind === "message" || body.kind === "later-message") return purged.has(id);
  return (body.kind === "edit" || body.kind === "reaction") && purged.has(body.message);
}

/** The tombstones of a purge: for each conversation, as given, one; behind everything that is there. */
function tombstonesOf(
  all: readonly PlacedOperation[],
  purged: ReadonlySet<MessageId>,
  from: number,
): readonly PlacedOperation[] {
  const named = new Map<string, NamedMessage[]>();
  for (const { operation, contentHash, place } of all) {
    const { id: message, stamp, body } = operation;
    if ((body.kind !== "message" && body.kind !== "later-message") || !purged.has(message)) continue;
    const each = { message, contentHash, stamp, flags: flagsOf(body), log: logOf(place.logNumber) };
    const known = named.get(body.conversation) ?? [];
    named.set(body.conversation, [...known, { ...each, position: place.position }]);
  }
  return [...named].map(([conversation, some], n) =>
    placedAt(
      from + n,
      {
        ...operationOf(
          { kind: "tombstone", purge: purgeOf(1), conversation, named: inNamedOrder(some) },
          { id: 90 + n },
        ),
        stamp: lastOf(all),
      },
      NOW_MS + 10,
    ),
  );
}

function lastOf(all: readonly PlacedOperation[]): Stamp {
  return all.map(({ operation }) => operation.stamp).reduce((a, b) => (compareStamps(a, b) >= 0 ? a : b));
}

/** A message and all that is said of it stand in one conversation, as every honest device writes it. */
function inOneConversation({ operation, ...rest }: PlacedOperation): PlacedOperation {
  const addressOf = (id: MessageId, given: string): string =>
    Number.parseInt(id, 16) % 2 === 0 ? "Mum" : given === "Mum" ? "+4930123" : given;
  const conversationOf = (id: MessageId): ConversationId => fold.conversationOf(addressOf(id, "+4930123"));
  const { body, id } = operation;
  const honest: OperationBody =
    body.kind === "message" || body.kind === "later-message"
      ? { ...body, conversation: addressOf(id, body.conversation) }
      : "message" in body
        ? { ...body, conversation: conversationOf(body.message) }
        : body;
  const { place, takenInMs } = rest;
  return { ...placedAt(0, { ...operation, body: honest }, takenInMs), place };
}

/** Tombstones that lie among them. */
const history: fc.Arbitrary<readonly PlacedOperation[]> = fc
  .array(fc.tuple(collidingOperation(fold.conversationOf), fc.boolean()), { minLength: 1, maxLength: 16 })
  .map((some) =>
    some.flatMap(([operation, twice], n) => {
      const first = inOneConversation(placedAt(n, operation));
      return twice ? [first, { ...first, place: { logNumber: 2, position: 1_000 + n } }] : [first];
    }),
  )
  .filter((all) => all.length > 0);

const purges = history.chain((all) =>
  fc.tuple(
    fc.constant(all),
    fc.uniqueArray(fc.nat(4).map(idOf), { minLength: 1 }),
    fc.infiniteStream(fc.boolean()),
    fc.infiniteStream(fc.nat(1_000)),
  ),
);

describe("tombstones", () => {
  it("L14: give a device that never had what is purged, or lacks a part of it, the view of one that had it, whoever lies besides", () => {
    let count = 0;
    fc.assert(
      fc.property(purges, ([all, ids, has, sort]) => {
        const here = new Set(ids);
        const tombstones = tombstonesOf(all, here, 500);
        if (tombstones.length > 0) count++;
        // Only of what has content here does a purge name anything.
        const named = new Set(
          tombstones.flatMap(({ operation: { body } }) =>
            body.kind === "tombstone" ? body.named.map(({ message }) => message) : [],
          ),
        );
        const shuffled = (some: readonly PlacedOperation[]): readonly PlacedOperation[] =>
          some
            .map((each) => [sort.next().value!, each] as const)
            .toSorted(([a], [b]) => a - b)
            .map(([, each]) => each);
        const whole = folded(all, tombstones);
        const none = all.filter((each) => !isNamed(each, named));
        const part = all.filter((each) => !isNamed(each, named) || has.next().value);
        const digest = whole.digest();
        for (const some of [all, none, part]) {
          const mixed = shuffled([...some, ...tombstones]);
          equal(folded(mixed).digest(), digest);
          equal(folded(...mixed.map((each) => [each])).digest(), digest);
        }
        deepEqual(folded(none, tombstones).totals(), whole.totals());
      }),
      { numRuns: 4_000 },
    );
    // It is no test of histories in which nothing is purged.
    equal(count > 1_000, true);
  });

  it("L8: claim a message as it does itself: the list, its name, the clock and what can be unread", () => {
    const message = at(1, messageBody(), 1, 5);
    const tombstones = tombstonesOf([message], new Set([ONE]), 3);
    const [had, never] = [folded([message], tombstones), folded(tombstones)];
    deepEqual(never.view(), had.view());
    const { messages, conversations } = never.view();
    deepEqual(messages[ONE]?.purges, [purgeOf(1)]);
    equal(messages[ONE]?.position, 1);
    equal(conversations[PHONE]?.name, 1);
    deepEqual(never.totals(), { messages: 1, deleted: 0, conversations: 1, purged: 1 });
  });

  it("L8: leave a copy that comes later a claim, and tell nothing of it but that lists are read anew", () => {
    const message = at(1, messageBody(), 1, 5);
    const tombstones = tombstonesOf([message], new Set([ONE]), 3);
    const rows = folded();
    deepEqual(
      rows.take(tombstones).map(({ kind }) => kind),
      ["conversation", "conversation"],
    );
    deepEqual(rows.take(tombstones), []);
    const copy = { ...message, place: { logNumber: 2, position: 9 } };
    deepEqual(rows.take([message, copy]), []);
    deepEqual(Object.values(rows.further()), [["00002 000000009"]]);
    deepEqual(rows.totals(), { messages: 1, deleted: 0, conversations: 1, purged: 1 });
  });

  it("L8: come to one digest in all orders, whichever of payloads and tombstones come first or never", () => {
    const operations = [
      at(1, messageBody({ direction: "out", takenIn: true }), 1),
      at(2, messageBody({ direction: "out", takenIn: true, text: "b" }), 1),
      at(3, edit("c"), 3),
      at(4, react(false), 4),
      at(5, bin("delete"), 5),
      at(6, bin("restore"), 6),
    ];
    const tombstones = tombstonesOf(operations, new Set([ONE]), 7);
    equal(tombstones.length, 1);
    const all = [...operations, ...tombstones];
    const whole = folded(all);
    const bytes = whole.bytes();
    let count = 0;
    for (const order of permutations(all)) {
      deepEqual(folded(...order.map((each) => [each])).bytes(), bytes);
      count++;
    }
    equal(count, 5_040);
    // Without any of the four that the purge names, in any order of the rest.
    for (let lacks = 0; lacks < 16; lacks++) {
      const some = all.filter((_, n) => n > 3 || (lacks & (1 << n)) === 0);
      for (const order of lacks === 0 ? [some] : permutations(some.slice(0, 6)))
        equal(folded([...order, ...some.slice(6)]).digest(), whole.digest());
    }
  });

  it("L8: let the list be read anew wherever what they name stands", () => {
    const here = at(1, messageBody({ text: "a" }), 1);
    const there = at(2, messageBody({ text: "b", conversation: "Mum" }), 1);
    const conversations = [here, there].map(({ operation: { body } }) =>
      fold.conversationOf((body as Extract<OperationBody, { kind: "message" }>).conversation),
    );
    for (const named of [here, there]) {
      const rows = folded([here, there]);
      const told = rows.take(tombstonesOf([named], new Set([ONE]), 3));
      const { conversation } = rows.view().messages[ONE]!;
      equal(
        told.some((change) => change.kind === "conversation" && change.conversation === conversation),
        true,
      );
      equal(conversations.includes(conversation), true);
    }
  });

  it("L8: do not stand against a message that is here, whatever they say of it and whenever they come", () => {
    const message = at(5, messageBody({ direction: "out" }), 1, 5);
    const { stamp } = message.operation;
    const hash = message.contentHash;
    const lies: readonly Partial<NamedMessage>[] = [
      { contentHash: new Uint8Array(16) },
      { contentHash: hash, position: 2 },
      { contentHash: hash, stamp: { ms: 1, counter: 0 } },
      { contentHash: new Uint8Array(16), stamp: { ms: stamp.ms + 1, counter: 0 }, position: 2 },
    ];
    for (const [n, each] of lies.entries()) {
      for (const conversation of ["+4930123", "Mum"]) {
        const named = {
          message: ONE,
          stamp,
          flags: 0,
          log: logOf(1),
          position: 5,
          contentHash: hash,
          ...each,
        };
        const lie = at(9, { kind: "tombstone", purge: purgeOf(1), conversation, named: [named] });
        const honest = tombstonesOf([message], new Set([ONE]), 20);
        for (const some of [[], honest]) {
          const all = [message, lie, ...some];
          const { bytes, digest } = { bytes: folded(all).bytes(), digest: folded(all).digest() };
          for (const order of permutations(all)) {
            const rows = folded(...order.map((one) => [one]));
            const shown = rows.view().messages[ONE]!;
            deepEqual(
              [shown.position, shown.conversation, shown.order.split(" ")[2]],
              [5, PHONE, ONE],
              `${n}`,
            );
            deepEqual(rows.view().conversations[PHONE]!.messages, [ONE]);
            deepEqual(rows.bytes(), bytes);
            equal(rows.digest(), digest);
          }
          // A device that never had the payload, or built its view again without it, does not differ by an honest purge.
          if (some.length > 0) equal(folded([lie, ...some]).digest(), digest);
        }
      }
    }
  });

  it("L8: stand where no operation does, until one comes", () => {
    const message = at(5, messageBody({ direction: "out" }), 1, 5);
    const named = [
      {
        message: ONE,
        contentHash: new Uint8Array(16),
        stamp: { ms: 7, counter: 0 },
        flags: 0,
        log: logOf(1),
        position: 2,
      },
    ];
    const lie = at(9, { kind: "tombstone", purge: purgeOf(1), conversation: "Mum", named });
    const rows = folded([lie]);
    equal(rows.view().messages[ONE]?.position, 2);
    const told = rows.take([message]);
    deepEqual(
      told.map(({ kind }) => kind),
      ["conversation", "conflict", "conversation", "conversation"],
    );
    equal(rows.view().messages[ONE]?.position, 5);
    deepEqual(rows.view().conversations[fold.conversationOf("Mum")]!.messages, []);
    deepEqual(rows.totals(), { messages: 1, deleted: 0, conversations: 2, purged: 1 });
    // Another lie changes nothing of what stands, nor of the digest of whoever has all of it.
    const before = rows.digest();
    const larger = [{ ...named[0]!, contentHash: new Uint8Array(16).fill(1) }];
    rows.take([at(10, { kind: "tombstone", purge: purgeOf(1), conversation: "Mum", named: larger })]);
    equal(rows.view().messages[ONE]?.position, 5);
    equal(rows.digest() === before, false);
  });

  it("are kept by purge and message, of several the smallest", () => {
    const message = at(1, messageBody(), 1, 5);
    const [first] = tombstonesOf([message], new Set([ONE]), 3);
    const again: PlacedOperation = { ...first!, place: { logNumber: 2, position: 0 } };
    const { body } = first!.operation;
    const other = at(8, { ...(body as Extract<OperationBody, { kind: "tombstone" }>), purge: purgeOf(2) });
    const all = [message, first!, again, other];
    const rows = folded(all);
    deepEqual(rows.view().messages[ONE]?.purges, [purgeOf(1), purgeOf(2)]);
    for (const order of permutations(all))
      deepEqual(folded(...order.map((each) => [each])).bytes(), rows.bytes());
    equal([...rows.rows.keys()].filter((key) => key.startsWith("q")).length, 2);
    // Another purge is another view, though all else is the same.
    notEqual(folded([message, first!]).digest(), folded([message, first!, other]).digest());
  });

  it("leave what was said of the message out of the digest, and keep its rows", () => {
    const message = at(1, messageBody({ direction: "out" }), 1, 5);
    const said = [at(2, edit("b")), at(3, react(false)), at(4, { kind: "unsend", ...target })];
    const tombstones = tombstonesOf([message, ...said], new Set([ONE]), 9);
    const rows = folded([message, ...said], tombstones);
    equal(rows.digest(), folded([message], tombstones).digest());
    deepEqual(
      ["e", "r", "u"].map((kind) => [...rows.rows.keys()].some((key) => key.startsWith(kind))),
      [true, true, true],
    );
    notEqual(folded([message, ...said]).digest(), folded([message]).digest());
  });

  it("further places: of every claim that does not stand, in whatever order they come", () => {
    const all = [
      at(1, messageBody({ direction: "out" }), 1),
      at(2, messageBody({ direction: "out", text: "b" }), 1),
      { ...at(1, messageBody({ direction: "out" }), 1), place: { logNumber: 2, position: 3 } },
      at(4, edit("c"), 4),
      { ...at(4, edit("c"), 4), place: { logNumber: 2, position: 5 } },
      at(6, react(false), 6),
      at(7, react(true), 7),
    ];
    const expected = folded(all).further();
    const places = new Set(Object.values(expected).flat());
    equal(places.size, 4);
    deepEqual(
      ["00002 000000005", "00001 000000006"].map((place) => places.has(place)),
      [true, true],
    );
    for (const order of permutations(all))
      deepEqual(folded(...order.map((each) => [each])).further(), expected);
  });
});

function* permutations<Value>(values: readonly Value[]): Generator<readonly Value[]> {
  if (values.length <= 1) yield values;
  else {
    for (const [index, value] of values.entries()) {
      for (const rest of permutations(values.toSpliced(index, 1))) yield [value, ...rest];
    }
  }
}
