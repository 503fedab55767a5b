/** Waits for something that comes piece by piece from peers, and not for ever. Tests: test/unit/app/until-none-left.test.ts. */
import type { Clock } from "../../core/base/ports.ts";

/** Ends when nothing is left, when nothing more came for `patienceMs`, or when `longestMs` have passed, whatever came. */
export async function untilNoneLeft(wait: {
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  readonly left: () => number;
  /** Resolves when `left` may be another. */
  readonly next: () => Promise<void>;
  readonly patienceMs: number;
  readonly longestMs: number;
  /** Nothing can come any more. */
  readonly isOver: () => boolean;
  /** Nothing came for `patienceMs`: true where it is worth waiting for as long again. */
  readonly onSilence?: () => boolean;
}): Promise<void> {
  const { clock, left, next, patienceMs, longestMs, isOver, onSilence = () => false } = wait;
  const endAt = clock.monotonicMs() + longestMs;
  let silentAt = clock.monotonicMs() + patienceMs;
  for (let before = left(); before > 0 && !isOver();) {
    const now = clock.monotonicMs();
    if (now >= endAt || (now >= silentAt && !onSilence())) return;
    if (now >= silentAt) silentAt = now + patienceMs;
    const { promise: timeout, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(Math.min(silentAt, endAt) - now, resolve);
    await Promise.race([timeout, next()]);
    cancel();
    const after = left();
    if (after < before) silentAt = clock.monotonicMs() + patienceMs;
    before = after;
  }
}
