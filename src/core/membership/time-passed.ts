/**
 * How much time has passed here, counted so that whoever has the wall clock ends no waiting: by what has certainly passed, and by what the wall clock
 * shows beyond that only as far as an allowance goes, which time that certainly passed gives back. So a device that is off at night counts
 * days as a calendar does, and a clock that jumps at every look costs no more than its share of a month.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/unit/membership/time-passed.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { EngineError } from "../base/errors.ts";

/** Longer than a weekend, shorter than any waiting that counts. */
const ALLOWANCE_MAX_MS = 7 * 86_400_000;
/** An hour that certainly passed gives back so many: three hours a day make days whole, and of 30 days 69 hours are certain. */
const GIVES_BACK = 7;
/** A machine whose clock begins in 1970. The count is never 0: rows say by that that nothing has been counted yet. */
const BEGIN_MIN_MS = 2 ** 40;
const VERSION = 2;

export interface TimePassed {
  /** The count, in milliseconds; only differences mean something. */
  readonly countedMs: number;
  /** What the wall clock said then. */
  readonly wallMs: number;
  /** How long the machine had been up then. */
  readonly upMs: number;
  /** How much of what only the wall clock shows may still be counted. */
  readonly allowanceMs: number;
}

/** What the clocks say now. */
export interface Clocks {
  readonly wallMs: number;
  /** How long the machine has been up, asleep or not. */
  readonly upMs: number;
}

/** @param countedMs Where the count begins. Default: with the wall clock. */
export function beginTime(
  { wallMs, upMs }: Clocks,
  countedMs: number = Math.max(wallMs, BEGIN_MIN_MS),
): TimePassed {
  return { countedMs, wallMs, upMs: Math.floor(upMs), allowanceMs: ALLOWANCE_MAX_MS };
}

/** `ranMs`: how long the program has certainly run since `before`. */
export function passTime(before: TimePassed, now: Clocks & { readonly ranMs: number }): TimePassed {
  const { wallMs } = now;
  // These clocks know parts of a millisecond.
  const upMs = Math.floor(now.upMs);
  // Up for less than before: it was switched on in between, at least so long ago.
  const sinceMs = upMs >= before.upMs ? upMs - before.upMs : upMs;
  // A directory that moved to a machine which has been up for a year: no more of that than the clock shows.
  const upSinceMs = Math.min(sinceMs, Math.max(0, wallMs - before.wallMs));
  const certainMs = Math.max(Math.floor(now.ranMs), upSinceMs);
  const shownMs = Math.max(0, wallMs - before.wallMs - certainMs);
  const allowedMs = Math.min(ALLOWANCE_MAX_MS, before.allowanceMs + GIVES_BACK * certainMs);
  const unseenMs = Math.min(shownMs, allowedMs);
  const countedMs = before.countedMs + certainMs + unseenMs;
  return { countedMs, wallMs, upMs, allowanceMs: allowedMs - unseenMs };
}

export function encodeTimePassed({ countedMs, wallMs, upMs, allowanceMs }: TimePassed): Uint8Array {
  return new ByteWriter().u8(VERSION).u48(countedMs).u48(wallMs).u48(upMs).u48(allowanceMs).finish();
}

/** @throws EngineError with a code that begins with `WIRE_`. */
export function decodeTimePassed(reader: ByteReader): TimePassed {
  if (reader.u8() !== VERSION)
    throw new EngineError("WIRE_UNKNOWN_VERSION", "the count of time is of another version");
  return {
    countedMs: reader.u48(),
    wallMs: reader.u48(),
    upMs: reader.u48(),
    allowanceMs: reader.u48(),
  };
}
