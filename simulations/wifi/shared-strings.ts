/**
 * Which byte strings two sets of packets have in common: what could tell that both came from one device. Knows nothing of mDNS, so
 * that nothing is overlooked where nobody thought of looking. Tests: test/unit/wifi/shared-strings.test.ts.
 */

/**
 * Shorter ones are met by chance: behind `/p2p/12D3KooW`, which every device says, the next character is one of sixteen, and
 * behind `/tcp/` the first digits of two ports are often the same.
 */
const WINDOW_BYTES = 10;

/** What is left of a shared string must be as long as a port to name anyone; less is shared by chance. */
const NAMING_BYTES = 5;

/**
 * The longest strings that occur in both sets and, but for their ends, not in `known`, which is what everybody says: of
 * `42/p2p/12D3` only the last two digits of a port are not everybody's.
 */
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
        if (found.length - endsIn(known, found) >= NAMING_BYTES) shared.set(found.toString("latin1"), found);
        from = undefined;
      }
    }
  }
  return [...shared.values()];
}

/** How many bytes at the beginning and at the end of `found` stand in `known` as well. */
function endsIn(known: readonly Buffer[], found: Buffer): number {
  const isKnown = (from: number, to: number): boolean =>
    known.some((bytes) => bytes.includes(found.subarray(from, to)));
  let from = 0;
  while (from < found.length && isKnown(0, from + 1)) from++;
  let to = found.length;
  while (to > from && isKnown(to - 1, found.length)) to--;
  return from + found.length - to;
}

function windows(all: readonly Buffer[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const bytes of all) {
    for (let at = 0; at + WINDOW_BYTES <= bytes.length; at++)
      found.add(bytes.toString("latin1", at, at + WINDOW_BYTES));
  }
  return found;
}
