/**
 * Which byte strings two sets of packets have in common: what could tell that both came from one device. Knows nothing of mDNS, so
 * that nothing is overlooked where nobody thought of looking. Tests: test/unit/wifi/shared-strings.test.ts.
 */

/**
 * Shorter ones are met by chance: behind `/p2p/12D3KooW`, which every device says, the next character is one of sixteen, and
 * behind `/tcp/` the first digits of two ports are often the same.
 */
const WINDOW_BYTES = 10;

/** The longest strings that occur in both sets and nowhere in `known`, which is what everybody says. */
export function findSharedStrings(
  first: readonly Buffer[],
  second: readonly Buffer[],
  known: readonly Buffer[],
): readonly Buffer[] {
  const inFirst = windows(first);
  const inKnown = windows(known);
  const shared = new Map<string, Buffer>();
  for (const bytes of second) {
    let from: number | undefined;
    for (let at = 0; at + WINDOW_BYTES <= bytes.length + 1; at++) {
      const key = bytes.toString("latin1", at, at + WINDOW_BYTES);
      const isShared = key.length === WINDOW_BYTES && inFirst.has(key) && !inKnown.has(key);
      if (isShared) from ??= at;
      else if (from !== undefined) {
        const found = bytes.subarray(from, at - 1 + WINDOW_BYTES);
        shared.set(found.toString("latin1"), found);
        from = undefined;
      }
    }
  }
  return [...shared.values()];
}

function windows(all: readonly Buffer[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const bytes of all) {
    for (let at = 0; at + WINDOW_BYTES <= bytes.length; at++)
      found.add(bytes.toString("latin1", at, at + WINDOW_BYTES));
  }
  return found;
}
