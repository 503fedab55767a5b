/**
 * Stamps of the hybrid logical clock (Kulkarni and others, 2014) and the order that they make with ids. No clock is read
 * here: wall times are arguments. Spec: docs/spec/inbox.md, "Order". Tests: test/unit/inbox/stamp.test.ts.
 */
import { EngineError } from "../base/errors.ts";
import type { MessageId } from "../base/ids.ts";
import type { OrderKey, Stamp } from "./types.ts";

export const STAMP_MS_MAX = 2 ** 48 - 1;
export const STAMP_COUNTER_MAX = 2 ** 16 - 1;

/** 2024-01-01. */
const WALL_MS_PLAUSIBLE_FROM = 1_704_067_200_000;

const MS_DIGITS = 12;
const COUNTER_DIGITS = 4;
const ID_DIGITS = 32;
const ORDER_DIGITS = MS_DIGITS + COUNTER_DIGITS + ID_DIGITS;

/** Negative, zero or positive as `a` is before, equal to or after `b`. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a.ms === b.ms ? a.counter - b.counter : a.ms - b.ms;
}

/** The order of messages in a conversation and of writes to a register: stamp, then id. */
export function compareOrder(a: OrderKey, b: OrderKey): number {
  const byStamp = compareStamps(a.stamp, b.stamp);
  if (byStamp !== 0) return byStamp;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

/** What a wall clock reading comes to as a stamp. A clock that shows nonsense (threat L13) becomes the nearest possible time. */
export function stampOfWall(wallMs: number): Stamp {
  if (!(wallMs > 0)) return { ms: 0, counter: 0 };
  return { ms: Math.min(Math.floor(wallMs), STAMP_MS_MAX), counter: 0 };
}

/**
 * The stamp of what is written now: the wall clock, unless something seen here stands at or after it; then just behind that.
 *
 * At the very end of the range it stays there instead of failing: ids still order what is written, on every device alike.
 */
export function nextStamp(wallMs: number, lastSeen: Stamp | null): Stamp {
  const wall = stampOfWall(wallMs);
  if (lastSeen === null || wall.ms > lastSeen.ms) return wall;
  if (lastSeen.counter < STAMP_COUNTER_MAX) return { ms: lastSeen.ms, counter: lastSeen.counter + 1 };
  if (lastSeen.ms < STAMP_MS_MAX) return { ms: lastSeen.ms + 1, counter: 0 };
  return lastSeen;
}

/**
 * The stamp of what is taken in: its own time, and never later than now. It comes behind nothing and moves no clock.
 *
 * A wall clock that shows a time before 2024 is wrong and limits nothing: a phone whose battery was empty must not pull a whole
 * import to 1970, since of two stamps for one message the smaller stands on every device.
 */
export function takenInStamp(timeMs: number, wallMs: number): Stamp {
  const own = stampOfWall(timeMs);
  const wall = stampOfWall(wallMs);
  return wall.ms >= WALL_MS_PLAUSIBLE_FROM && compareStamps(own, wall) > 0 ? wall : own;
}

/** An order key as 48 hex digits that sort as order keys do: what `show` prints as `order`. */
export function orderText(order: OrderKey): string {
  const ms = order.stamp.ms.toString(16).padStart(MS_DIGITS, "0");
  const counter = order.stamp.counter.toString(16).padStart(COUNTER_DIGITS, "0");
  return ms + counter + order.id;
}

/**
 * The inverse of `orderText`.
 *
 * @throws EngineError `WIRE_NOT_CANONICAL` for anything that `orderText` does not write.
 */
export function parseOrder(text: string): OrderKey {
  if (text.length !== ORDER_DIGITS || !isHex(text)) {
    throw new EngineError("WIRE_NOT_CANONICAL", `an order is ${ORDER_DIGITS} lower-case hex digits`);
  }
  const ms = Number.parseInt(text.slice(0, MS_DIGITS), 16);
  const counter = Number.parseInt(text.slice(MS_DIGITS, MS_DIGITS + COUNTER_DIGITS), 16);
  return { stamp: { ms, counter }, id: text.slice(MS_DIGITS + COUNTER_DIGITS) as MessageId };
}

/** Lower-case hex digits only. */
export function isHex(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}
