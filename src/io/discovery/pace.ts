/**
 * Counts what happens per key in windows of time, so that nobody makes us work or send without end (threat N6).
 * Tests: test/unit/discovery/pace.test.ts.
 */

/** Keys remembered in one window; in a flood of new ones, those beyond wait for the next window. */
const KEYS_MAX = 256;

export class Pace {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #monotonicMs: () => number;
  readonly #counts = new Map<string, number>();
  #windowFrom = 0;

  /** Allows `max` per key in each `windowMs`. */
  constructor(
    { max, windowMs }: { readonly max: number; readonly windowMs: number },
    monotonicMs: () => number = () => performance.now(),
  ) {
    this.#max = max;
    this.#windowMs = windowMs;
    this.#monotonicMs = monotonicMs;
  }

  allows(key: string): boolean {
    const now = this.#monotonicMs();
    if (now - this.#windowFrom >= this.#windowMs) {
      this.#windowFrom = now;
      this.#counts.clear();
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (count > this.#max || (count === 1 && this.#counts.size >= KEYS_MAX)) return false;
    this.#counts.set(key, count);
    return true;
  }
}
