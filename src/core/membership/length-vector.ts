/**
 * One length per log, by the log's number, as an immutable tree: vectors that differ in little share the rest. So what
 * thousands of entries know of thousands of logs takes the memory of what was learned, not of one times the other.
 * Tests: test/unit/membership/length-vector.test.ts.
 */

/** At the lowest level lengths, above it trees of the next lower level; missing ones are 0 throughout. */
export type LengthVector = Tree | null;
type Tree = Leaf | Branch;
interface Leaf {
  readonly lengths: readonly number[];
}
interface Branch {
  readonly children: readonly LengthVector[];
}

const WIDTH = 32;

/** Vectors of at most so many logs. Those of one space go together, and no others. */
export class VectorSpace {
  /** Logs below one child of the root. */
  readonly #span: number;

  constructor(size: number) {
    let span = 1;
    while (span * WIDTH < size) span *= WIDTH;
    this.#span = span;
  }

  lengthOf(vector: LengthVector, log: number): number {
    let tree = vector;
    for (let span = this.#span; tree !== null; span /= WIDTH) {
      const at = Math.floor(log / span) % WIDTH;
      if ("lengths" in tree) return tree.lengths[at]!;
      tree = tree.children[at]!;
    }
    return 0;
  }

  /** The vector of `length` for one log and 0 for all others. */
  single(log: number, length: number): LengthVector {
    const lengths = zeroes.with(log % WIDTH, length);
    let tree: Tree = { lengths };
    for (let span = WIDTH; span <= this.#span; span *= WIDTH) {
      tree = { children: nulls.with(Math.floor(log / span) % WIDTH, tree) };
    }
    return tree;
  }
}

const zeroes: readonly number[] = Array.from({ length: WIDTH }, () => 0);
const nulls: readonly LengthVector[] = Array.from({ length: WIDTH }, () => null);

/** The greater length of each log. Parts in which one vector reaches the other are that vector's own. */
export function mergeVectors(a: LengthVector, b: LengthVector): LengthVector {
  if (a === b || b === null) return a;
  if (a === null) return b;
  if ("lengths" in a && "lengths" in b) {
    const lengths = mergeLists(a.lengths, b.lengths, Math.max);
    return lengths === a.lengths ? a : lengths === b.lengths ? b : { lengths };
  }
  if ("children" in a && "children" in b) {
    const children = mergeLists(a.children, b.children, mergeVectors);
    return children === a.children ? a : children === b.children ? b : { children };
  }
  return a;
}

/** The merged list, or the one of the two that it equals. */
function mergeLists<Item>(
  a: readonly Item[],
  b: readonly Item[],
  merge: (a: Item, b: Item) => Item,
): readonly Item[] {
  const merged = a.map((item, at) => merge(item, b[at]!));
  if (merged.every((item, at) => item === a[at])) return a;
  return merged.every((item, at) => item === b[at]) ? b : merged;
}
