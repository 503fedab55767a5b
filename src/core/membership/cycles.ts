/**
 * Finds, in a graph of what depends on what, the groups that depend on nothing but themselves.
 * R. E. Tarjan, "Depth-first search and linear graph algorithms" (1972), without recursion: a hostile history is deep.
 * Tests: test/unit/membership/cycles.test.ts.
 */

interface Frame {
  readonly node: number;
  /** Index of the next edge to follow. */
  edge: number;
}

/**
 * The strongly connected components that no edge leaves, each as a list of nodes. `edges[n]` lists what `n` depends on.
 * Linear in nodes and edges.
 */
export function findClosedGroups(edges: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const search = new Search(edges);
  for (let node = 0; node < edges.length; node++) search.from(node);
  return search.closed;
}

class Search {
  readonly #edges: readonly (readonly number[])[];
  readonly #foundAt: number[];
  readonly #lowest: number[];
  /** The group of each finished node; -1 while it is open. */
  readonly #group: number[];
  readonly #open: number[] = [];
  #found = 0;
  #groups = 0;
  readonly closed: (readonly number[])[] = [];

  constructor(edges: readonly (readonly number[])[]) {
    this.#edges = edges;
    this.#foundAt = edges.map(() => -1);
    this.#lowest = edges.map(() => -1);
    this.#group = edges.map(() => -1);
  }

  from(start: number): void {
    if (this.#foundAt[start] !== -1) return;
    const path: Frame[] = [this.#enter(start)];
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const target = this.#edges[frame.node]![frame.edge++];
      if (target === undefined) {
        path.pop();
        this.#leave(frame.node, path.at(-1)?.node);
      } else if (this.#foundAt[target] === -1) path.push(this.#enter(target));
      else if (this.#group[target] === -1) this.#lower(frame.node, this.#foundAt[target]!);
    }
  }

  #enter(node: number): Frame {
    this.#foundAt[node] = this.#found;
    this.#lowest[node] = this.#found++;
    this.#open.push(node);
    return { node, edge: 0 };
  }

  #leave(node: number, parent: number | undefined): void {
    if (this.#lowest[node] === this.#foundAt[node]) this.#finishGroup(node);
    if (parent !== undefined) this.#lower(parent, this.#lowest[node]!);
  }

  #lower(node: number, value: number): void {
    this.#lowest[node] = Math.min(this.#lowest[node]!, value);
  }

  #finishGroup(root: number): void {
    const members = this.#open.splice(this.#open.lastIndexOf(root));
    const group = this.#groups++;
    for (const node of members) this.#group[node] = group;
    const leaves = members.some((node) => this.#edges[node]!.some((to) => this.#group[to] !== group));
    if (!leaves) this.closed.push(members);
  }
}
