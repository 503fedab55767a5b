/**
 * From where to where the operations of one control log count, while that is still being found out.
 *
 * Three bounds decide, and each only ever gets tighter: the first position that comes after an admission of the device;
 * the first that comes after an approval, where the device must have one; and the first that some revocation of it did not
 * know. Each is kept twice: as the claims that certainly count put it, and as those that still may count could.
 * Settled by judgement.ts. Tests: test/unit/membership/judgement.test.ts.
 */
import type { ControlLog, Placed } from "./causality.ts";

/** An operation on whose counting that of others depends: an admission, a revocation, an approval. */
export interface Claim {
  readonly placed: Placed;
  readonly kind: "admit" | "revoke" | "approve";
  /** Of the log that it stands in. */
  readonly standing: Standing;
  verdict: "open" | "in" | "out";
  /** Why it is out, where that was known from the start. */
  readonly objection: string | null;
  /** The bounds that it sets if it counts. */
  readonly sets: { readonly bound: Bound; readonly position: number }[];
}

/** The lowest position that some claim sets. */
export class Bound {
  readonly standing: Standing;
  readonly items: { readonly position: number; readonly claim: Claim }[] = [];
  /** As set by the claims that count. */
  firm = Infinity;
  #next = 0;

  constructor(standing: Standing) {
    this.standing = standing;
  }

  /** `claim` sets the bound to `position`, if it counts; an infinite position says nothing. */
  add(position: number, claim: Claim): void {
    if (position === Infinity) return;
    this.items.push({ position, claim });
    claim.sets.push({ bound: this, position });
    if (claim.verdict === "in") this.firm = Math.min(this.firm, position);
  }

  sort(): void {
    this.items.sort((a, b) => a.position - b.position);
  }

  /** As set by the claims that count or still may. */
  get possible(): number {
    while (this.items[this.#next]?.claim.verdict === "out") this.#next++;
    return Math.min(this.firm, this.items[this.#next]?.position ?? Infinity);
  }
}

export class Standing {
  readonly log: ControlLog;
  /** Operations from here on come after an admission of their device. */
  readonly admitted = new Bound(this);
  /** Operations from here on come after an approval; null where the device needs none. */
  readonly approved: Bound | null;
  /** Operations from here on were not known to some revocation of their device. */
  readonly revoked = new Bound(this);
  /** By position. */
  readonly claims: Claim[] = [];
  // Of `claims`: those below `#low` and from `#high` on are out, those of [#from, #to) are in. They only grow.
  #low = 0;
  #high = 0;
  #from = 0;
  #to = 0;

  constructor(log: ControlLog, needsApproval: boolean) {
    this.log = log;
    this.approved = needsApproval ? new Bound(this) : null;
  }

  /** Call once all claims are here. */
  begin(): void {
    this.claims.sort((a, b) => a.placed.entry.position - b.placed.entry.position);
    this.#high = this.claims.length;
    for (const bound of [this.admitted, this.approved, this.revoked]) bound?.sort();
  }

  /** Where the operations that count begin and end; final once no claim is open. */
  get counting(): { readonly from: number; readonly to: number } {
    return { from: Math.max(this.admitted.firm, this.approved?.firm ?? 0), to: this.revoked.firm };
  }

  /** Decides the claims of this log that the bounds decide by now. Each is visited once, however often this is called. */
  decide(onDecided: (claim: Claim) => void): void {
    const set = (at: number, verdict: "in" | "out"): void => {
      const claim = this.claims[at]!;
      if (claim.verdict !== "open") return;
      claim.verdict = verdict;
      onDecided(claim);
    };
    const mayFrom = Math.max(this.admitted.possible, this.approved?.possible ?? 0);
    while (this.#low < this.#high && this.#positionAt(this.#low) < mayFrom) set(this.#low++, "out");
    while (this.#high > this.#low && this.#positionAt(this.#high - 1) >= this.revoked.firm) {
      set(--this.#high, "out");
    }
    const { from } = this.counting;
    const to = this.revoked.possible;
    if (this.#from === this.#to) this.#from = this.#to = this.#firstFrom(from);
    while (this.#from > this.#low && this.#positionAt(this.#from - 1) >= from && from < to) {
      set(--this.#from, "in");
    }
    while (this.#to < this.#high && this.#positionAt(this.#to) < to && from < to) set(this.#to++, "in");
  }

  #positionAt(index: number): number {
    return this.claims[index]!.placed.entry.position;
  }

  #firstFrom(position: number): number {
    let low = this.#low;
    let high = this.#high;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#positionAt(middle) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
