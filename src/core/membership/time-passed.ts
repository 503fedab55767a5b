/**
 * How much time has passed here, counted so that a clock that jumps ends no waiting: while the program runs by the clock that only goes forward, and
 * between two looks, asleep or not running, by the wall clock, but never more than a week at once. So a clock that is ten
 * years ahead costs a week of a month's waiting, and one that goes back costs nothing.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/unit/membership/time-passed.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { EngineError } from "../base/errors.ts";

/** Longer than a weekend, shorter than any waiting that counts. */
const GAP_MAX_MS = 7 * 86_400_000;
const VERSION = 1;

export interface TimePassed {
  /** The count. It began as wall time, so that it can be shown to people. */
  readonly countedMs: number;
  /** What the wall clock said then. */
  readonly wallMs: number;
}

/** `ranMs`: how long the program has certainly run since `before`. */
export function passTime(
  before: TimePassed | null,
  now: { readonly wallMs: number; readonly ranMs: number },
): TimePassed {
  if (before === null) return { countedMs: now.wallMs, wallMs: now.wallMs };
  // The clock that only goes forward knows parts of a millisecond.
  const ranMs = Math.floor(now.ranMs);
  const passedMs = Math.max(now.wallMs - before.wallMs, ranMs);
  return { countedMs: before.countedMs + Math.min(passedMs, ranMs + GAP_MAX_MS), wallMs: now.wallMs };
}

export function encodeTimePassed({ countedMs, wallMs }: TimePassed): Uint8Array {
  return new ByteWriter().u8(VERSION).u48(countedMs).u48(wallMs).finish();
}

/** @throws EngineError with a code that begins with `WIRE_`. */
export function decodeTimePassed(reader: ByteReader): TimePassed {
  if (reader.u8() !== VERSION)
    throw new EngineError("WIRE_UNKNOWN_VERSION", "the count of time is of another version");
  return { countedMs: reader.u48(), wallMs: reader.u48() };
}
