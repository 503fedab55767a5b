import { invariants } from "./registers/invariants.ts";

/** An invariant of the design that does not hold. The number is that of simulations/world/registers/invariants.ts. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: number;

  constructor(invariant: number, what: string) {
    const row = invariants.find(({ number }) => number === invariant);
    super(`invariant ${invariant} (${row?.what ?? "in no register"}): ${what}`);
    this.invariant = invariant;
  }
}

export function hold(invariant: number, condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new Violation(invariant, what());
}
