/** The name that somebody probably meant: by the number of letters to change, add, leave out or swap. */

const LETTERS_MAX = 40;

/** The nearest of the known names, or none where even that one is far. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > LETTERS_MAX) return undefined;
  const lower = name.toLowerCase();
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const other of known) {
    const distance = other.startsWith(lower) && lower.length > 2 ? 0.5 : editDistance(lower, other);
    if (distance >= least) continue;
    least = distance;
    nearest = other;
  }
  return nearest;
}

/** Optimal string alignment: a swap of neighbours counts once. */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) cost = Math.min(cost, beforeLast[column - 2]! + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
