/**
 * Marks of a message, one byte: whether edits, reactions and an unsend of it are there, and how far its delivery got. A join of what the
 * operations say, so that no order of arrival shows. Layout: docs/spec/inbox.md, "View". Tests: test/unit/inbox/marks.test.ts.
 */
import { DELIVERY_STATES, type DeliveryState } from "./types.ts";

export const mark = { edited: 1, reacted: 2, unsent: 4, purged: 8 } as const;

const STATE_BIT = 16;
const LOWER_BITS = STATE_BIT - 1;

export function markOfDelivery(state: DeliveryState): number {
  return STATE_BIT * (DELIVERY_STATES.indexOf(state) + 1);
}

/** Null: nothing was said about it. */
export function deliveryOf(marks: number): DeliveryState | null {
  return DELIVERY_STATES[Math.floor(marks / STATE_BIT) - 1] ?? null;
}

/** True for a byte that this version writes. */
export function areMarks(marks: number): boolean {
  return marks < STATE_BIT * (DELIVERY_STATES.length + 1);
}

/** The lower bits united, and of the two states the further one. */
export function joinMarks(a: number, b: number): number {
  return ((a | b) & LOWER_BITS) + Math.max(a - (a & LOWER_BITS), b - (b & LOWER_BITS));
}
