/**
 * The fold as a whole: any order, repetition and split into turns gives the same rows, and those are what the slow reference
 * says. Rule by rule: fold.test.ts. Races on one message: fold-races.test.ts.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { createFold } from "../../../src/core/inbox/fold.ts";
import type { OperationBody, PlacedOperation } from "../../../src/core/inbox/types.ts";
import { FoldedRows } from "../../support/folded-rows.ts";
import { NOW_MS, collidingOperation, placedAt } from "../../support/operations.ts";
import { referenceFold } from "../../support/reference-fold.ts";

const fold = createFold({ indexKey: new Uint8Array(32).fill(7) });

const folded = (...turns: readonly (readonly PlacedOperation[])[]): FoldedRows => {
  const rows = new FoldedRows(fold);
  for (const turn of turns) rows.take(turn);
  return rows;
};

/** Operations at places of their own; some of them at a second place too, as when they are appended again. */
const history: fc.Arbitrary<readonly PlacedOperation[]> = fc
  .array(
    fc.tuple(collidingOperation(fold.conversationOf), fc.constantFrom(NOW_MS, NOW_MS + 1, 5), fc.boolean()),
    {
      maxLength: 16,
    },
  )
  .map((some) =>
    some.flatMap(([operation, takenInMs, twice], at) => {
      const first = placedAt(at, operation, takenInMs);
      return twice ? [first, { ...first, place: { logNumber: 2, position: 1_000 + at } }] : [first];
    }),
  );

/** The same operations in another order, some of them more than once, in turns. */
const arrival = (all: readonly PlacedOperation[]): fc.Arbitrary<readonly (readonly PlacedOperation[])[]> =>
  fc
    .tuple(
      fc.shuffledSubarray([...all], { minLength: all.length }),
      fc.shuffledSubarray([...all]),
      fc.array(fc.nat(all.length * 2), { maxLength: 5 }),
    )
    .map(([whole, again, cuts]) => {
      const everything = [...whole, ...again];
      const ends = [...new Set([0, ...cuts, everything.length])].toSorted((a, b) => a - b);
      return ends.slice(1).map((end, at) => everything.slice(ends[at], end));
    });

describe("the fold", () => {
  it("comes to the same rows whatever the order, the repetitions and the turns", () => {
    fc.assert(
      fc.property(
        history.chain((all) => fc.tuple(fc.constant(all), arrival(all))),
        ([all, turns]) => {
          const [some, whole] = [folded(...turns), folded(all)];
          deepEqual(some.bytes(), whole.bytes());
          equal(some.digest(), whole.digest());
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("comes to what the slow reference says", () => {
    fc.assert(
      fc.property(history, (all) => {
        deepEqual(folded(...all.map((one) => [one])).view(), referenceFold(all, fold.conversationOf));
      }),
      { numRuns: 3_000 },
    );
  });

  it("counts what the reference counts", () => {
    fc.assert(
      fc.property(history, (all) => {
        const { messages, conversations } = referenceFold(all, fold.conversationOf);
        deepEqual(folded(all).totals(), {
          messages: Object.keys(messages).length,
          deleted: Object.values(messages).filter(({ deleted }) => deleted).length,
          conversations: Object.values(conversations).filter(({ name }) => name !== null).length,
          purged: Object.values(messages).filter(({ purges }) => purges.length > 0).length,
        });
      }),
    );
  });

  it("needs no other rows than it asks for, each once, at most four an operation, or one a message (two in a tombstone)", () => {
    fc.assert(
      fc.property(history, (all) => {
        const keys = fold.keys(all.map(({ operation }) => operation));
        equal(new Set(keys).size, keys.length);
        for (const { operation } of all) {
          const { body } = operation;
          ok(fold.keys([operation]).length <= mostKeys(body));
        }
        // A turn over all rows and one over those asked for change the same.
        const rows = folded(all).rows;
        const asked = new Map([...rows].filter(([key]) => keys.includes(key)));
        deepEqual(fold.apply(asked, all), fold.apply(rows, all));
      }),
    );
  });

  it("writes nothing for operations that it knows", () => {
    fc.assert(
      fc.property(history, (all) => {
        const { puts, dels, changes } = fold.apply(folded(all).rows, all);
        // But further places, of which nothing is read before.
        deepEqual(
          [...puts.keys()].filter((key) => !key.startsWith("y")),
          [],
        );
        equal(dels.size, 0);
        deepEqual(
          changes.filter(({ kind }) => kind !== "conflict"),
          [],
        );
      }),
    );
  });
});

function mostKeys(body: OperationBody): number {
  if (body.kind === "delete" || body.kind === "restore") return 2 + body.messages.length;
  return body.kind === "tombstone" ? 2 + 2 * body.named.length : 4;
}

// Keeps the union of bodies complete: a kind that is added must be added to the arbitrary above too.
const kinds = {
  message: true,
  delete: true,
  restore: true,
  read: true,
  unread: true,
  title: true,
  "device-name": true,
  edit: true,
  unsend: true,
  reaction: true,
  delivery: true,
  pin: true,
  mute: true,
  archive: true,
  draft: true,
  setting: true,
  participants: true,
  tombstone: true,
  "later-message": true,
  unknown: true,
} satisfies Record<OperationBody["kind"], true>;

describe("the arbitrary of operations", () => {
  it("makes every kind there is", () => {
    const made = new Set(
      fc
        .sample(collidingOperation(fold.conversationOf), { numRuns: 500, seed: 1 })
        .map(({ body }) => body.kind),
    );
    deepEqual([...made].toSorted(), Object.keys(kinds).toSorted());
  });
});
