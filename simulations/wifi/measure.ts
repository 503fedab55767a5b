/** Waiting for something to become true, and figures of many measurements. */

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const LOOK_EVERY_MS = 50;

/** How long it took until `isTrue`; undefined if it did not become true within `limitMs`. */
export async function timeUntil(
  isTrue: () => Promise<boolean> | boolean,
  limitMs: number,
): Promise<number | undefined> {
  const startedAt = performance.now();
  for (;;) {
    if (await isTrue()) return performance.now() - startedAt;
    if (performance.now() - startedAt > limitMs) return undefined;
    await pause(LOOK_EVERY_MS);
  }
}

/** The smallest value that at least this share of all does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
