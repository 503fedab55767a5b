/**
 * Which messages are purged: what tombstones say of them, held against what became of their purges. Pure.
 * Spec: docs/spec/purge.md, "What is purged". Tests: test/unit/inbox/purges.test.ts.
 */
import type { ControlId, MessageId } from "../base/ids.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";
import { decodePurgedRow } from "./placed.ts";
import {
  type KeyRange,
  keysFrom,
  keysUpTo,
  messageOfPurgeKey,
  messageRowKey,
  purgeOfKey,
  purgeOfNamedKey,
  purgeRowKey,
} from "./row-keys.ts";

/** A purge as the members' view knows it. */
interface Purge {
  readonly id: ControlId;
  readonly state: "open" | "approved" | "void";
}

const ID_DIGITS = 32;

/** Those that hide what their tombstones name, whether or not it may be erased yet. */
export function hidingPurges(purges: readonly Purge[]): ReadonlySet<ControlId> {
  return new Set(purges.filter(({ state }) => state !== "void").map(({ id }) => id));
}

/** The rows of all tombstones that name a message. */
export function purgedBounds(id: MessageId): KeyRange {
  const prefix = `p${messageRowKey(id).slice(1)}`;
  return { from: keysFrom(prefix), to: keysUpTo(prefix) };
}

/** True where one of these rows, all of `purgedBounds`, is of a purge that hides. */
export function isPurged(rows: readonly (readonly [RowKey, Row])[], hiding: ReadonlySet<ControlId>): boolean {
  return rows.some(([key]) => hiding.has(purgeOfKey(key)));
}

/** Where the tombstone of a row of `purgedBounds` stands. */
export function tombstoneOf(row: Row): Place {
  return decodePurgedRow(row).place;
}

/** The rows of the messages that the tombstones of a purge name: `messageOfPurgeKey` reads them. */
export function namedBounds(purge: ControlId): KeyRange {
  const first = messageRowKey("0".repeat(ID_DIGITS) as MessageId);
  const from = purgeRowKey(purge, first);
  return { from, to: keysUpTo(from.slice(0, 1 + ID_DIGITS)) };
}

/** The rows of all tombstones by their purges, from behind those of `after` on: the first of them names the next purge. */
export function purgesAfter(after: ControlId | null): KeyRange {
  return { from: after === null ? keysFrom("q") : namedBounds(after).to, to: keysUpTo("q") };
}

/** The purge and the message of a row of `namedBounds` or `purgesAfter`. */
export function namedOfKey(key: RowKey): { readonly purge: ControlId; readonly message: MessageId } {
  return { purge: purgeOfNamedKey(key), message: messageOfPurgeKey(key) };
}
