/**
 * Breaks circles of revocations: finds the groups of undecided claims that depend on nothing but each other.
 * Spec: docs/spec/membership.md, "What counts", rule 5. Tests: test/unit/membership/{cycles,concurrency}.test.ts.
 */
import { findClosedGroups } from "./cycles.ts";
import { addTo } from "./multimap.ts";
import type { Bound, Claim, Standing } from "./standing.ts";

/**
 * The revocations among the open claims of every closed group.
 *
 * There is one whenever claims are open: each depends on an open one. A circle has a revocation, because an admission
 * supports only what comes after it.
 */
export function findCircularRevocations(open: readonly Claim[]): readonly Claim[] {
  const graph = new DependencyGraph(open);
  return findClosedGroups(graph.edges)
    .flat()
    .flatMap((node) => open[node] ?? [])
    .filter(({ kind }) => kind === "revoke");
}

/** Nodes are the open claims, in order, then one link for every item of a bound that is open. */
class DependencyGraph {
  readonly edges: number[][];
  readonly #nodes: ReadonlyMap<Claim, number>;

  constructor(open: readonly Claim[]) {
    this.edges = open.map(() => []);
    this.#nodes = new Map(open.map((claim, node) => [claim, node]));
    const claimsByStanding = new Map<Standing, Claim[]>();
    for (const claim of open) addTo(claimsByStanding, claim.standing, claim);
    for (const [standing, claims] of claimsByStanding) {
      claims.sort((a, b) => a.placed.entry.position - b.placed.entry.position);
      for (const bound of [standing.admitted, standing.approved, standing.revoked]) {
        if (bound !== null) this.#connect(claims, bound);
      }
    }
  }

  /**
   * A claim depends on the open items up to its own position: on the last of them, and each on the one before it. So the
   * edges are as many as claims and items, not their product.
   */
  #connect(claims: readonly Claim[], bound: Bound): void {
    let link = -1;
    let next = 0;
    for (const claim of claims) {
      const { position } = claim.placed.entry;
      // What certainly stands needs no further support.
      if (bound.firm <= position) return;
      for (; next < bound.items.length && bound.items[next]!.position <= position; next++) {
        const item = this.#nodes.get(bound.items[next]!.claim);
        if (item === undefined) continue;
        this.edges.push(link === -1 ? [item] : [item, link]);
        link = this.edges.length - 1;
      }
      if (link !== -1) this.edges[this.#nodes.get(claim)!]!.push(link);
    }
  }
}
