/** Which messages are purged: by which rows, and by which purges. */
import { deepEqual, equal } from "node:assert/strict";
import type { ControlId } from "../../../src/core/base/ids.ts";
import {
  hidingPurges,
  isPurged,
  namedBounds,
  namedOfKey,
  purgedBounds,
  purgesAfter,
  tombstoneOf,
} from "../../../src/core/inbox/purges.ts";
import { encodePurgedRow } from "../../../src/core/inbox/placed.ts";
import {
  furtherRowKey,
  type KeyRange,
  messageRowKey,
  purgeRowKey,
  purgedRowKey,
} from "../../../src/core/inbox/row-keys.ts";
import { EMPTY_ROW } from "../../../src/core/inbox/rows.ts";
import type { Row, RowKey } from "../../../src/core/log/rows.ts";
import { idOf, purgeOf } from "../../support/operations.ts";

const FIRST = "0".repeat(64) as ControlId;
const LAST = "f".repeat(64) as ControlId;
const purges = [FIRST, purgeOf(1), purgeOf(2), LAST];
const messages = [idOf(0), idOf(1), "f".repeat(32) as ReturnType<typeof idOf>];

const place = { logNumber: 3, position: 300 };
const row = encodePurgedRow({ hash: new Uint8Array(16), place });
const rows: readonly (readonly [RowKey, Row])[] = messages.flatMap((id) =>
  purges.flatMap((purge) => {
    const key = messageRowKey(id);
    return [
      [purgedRowKey(key, purge), row] as const,
      [purgeRowKey(purge, key), EMPTY_ROW] as const,
      [furtherRowKey(key, place), EMPTY_ROW] as const,
    ];
  }),
);
const within = ({ from, to }: KeyRange): readonly (readonly [RowKey, Row])[] =>
  rows.filter(([key]) => from <= key && key < to).toSorted(([a], [b]) => (a < b ? -1 : 1));

describe("purges", () => {
  it("hide while they are open and once they are approved, and not where they are void", () => {
    const states = ["open", "approved", "void"] as const;
    deepEqual(
      [...hidingPurges(states.map((state, at) => ({ id: purgeOf(at), state })))],
      [purgeOf(0), purgeOf(1)],
    );
  });

  it("are those of a message, whatever its id and theirs", () => {
    for (const id of messages) {
      const found = within(purgedBounds(id));
      equal(found.length, purges.length);
      for (const purge of purges) equal(isPurged(found, new Set([purge])), true);
      equal(isPurged(found, new Set([purgeOf(9)])), false);
      equal(isPurged([], new Set(purges)), false);
      deepEqual(tombstoneOf(found[0]![1]), place);
    }
  });

  it("name messages, and are found one after the other", () => {
    const all = purges.toSorted();
    let after: ControlId | null = null;
    for (const purge of all) {
      deepEqual(
        within(namedBounds(purge)).map(([key]) => namedOfKey(key)),
        messages.map((message) => ({ purge, message })),
      );
      equal(namedOfKey(within(purgesAfter(after))[0]![0]).purge, purge);
      after = purge;
    }
    deepEqual(within(purgesAfter(after)), []);
  });
});
