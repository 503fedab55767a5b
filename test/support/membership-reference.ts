/**
 * What counts, by the words of docs/spec/membership.md, "What counts", rules 1 to 6, and nothing clever: sets of ancestors,
 * every claim against every other. Slow and obvious; for histories without forks, of one root.
 */
import type { ControlId, DeviceId } from "../../src/core/base/ids.ts";
import { isSignedByRoot } from "../../src/core/membership/operation.ts";
import type { ControlEntry } from "../../src/core/membership/types.ts";
import type { TestAccount } from "./membership.ts";

interface Claim {
  readonly entry: ControlEntry;
  readonly about: DeviceId;
  readonly isRevocation: boolean;
  verdict: "open" | "in" | "out";
}

export class ReferenceJudgement {
  readonly #founder: DeviceId;
  readonly #isRooted: (entry: ControlEntry) => boolean;
  readonly #pasts = new Map<ControlId, ReadonlySet<ControlId>>();
  readonly #claims: Claim[] = [];

  constructor(account: TestAccount, entries: readonly ControlEntry[]) {
    this.#founder = account.genesis.author;
    this.#isRooted = ({ author, operation }) =>
      isSignedByRoot({ account: account.id, author, operation }, account.phrase.publicKey);
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    const byPlace = new Map(entries.map((entry) => [`${entry.log} ${entry.position}`, entry]));
    for (const entry of entries) this.#findPast(entry, byId, byPlace);
    for (const entry of entries) {
      const { body } = entry.operation;
      if (body.kind !== "admit" && body.kind !== "revoke") continue;
      const isRevocation = body.kind === "revoke";
      this.#claims.push({ entry, about: body.device, isRevocation, verdict: "open" });
    }
    for (const claim of this.#claims) this.#begin(claim);
    this.#settle();
  }

  /** Ids of the admissions and revocations that count. */
  get counting(): ReadonlySet<ControlId> {
    return new Set(this.#claims.filter(({ verdict }) => verdict === "in").map(({ entry }) => entry.id));
  }

  #findPast(
    entry: ControlEntry,
    byId: Map<ControlId, ControlEntry>,
    byPlace: Map<string, ControlEntry>,
  ): ReadonlySet<ControlId> {
    const found = this.#pasts.get(entry.id);
    if (found !== undefined) return found;
    const past = new Set<ControlId>();
    const parents = entry.operation.parents.map((id) => byId.get(id)!);
    const before = byPlace.get(`${entry.log} ${entry.position - 1}`);
    for (const parent of before === undefined ? parents : [...parents, before]) {
      past.add(parent.id);
      for (const id of this.#findPast(parent, byId, byPlace)) past.add(id);
    }
    this.#pasts.set(entry.id, past);
    return past;
  }

  #knows(later: ControlEntry, earlier: ControlEntry): boolean {
    return this.#pasts.get(later.id)!.has(earlier.id);
  }

  #begin(claim: Claim): void {
    const { entry, about, isRevocation } = claim;
    if (entry.operation.rootSignature !== null) claim.verdict = this.#isRooted(entry) ? "in" : "out";
    if (!isRevocation) return;
    const admissions = this.#claims.filter((other) => !other.isRevocation && other.about === about);
    const isKnown = about === this.#founder || admissions.some((one) => this.#knows(entry, one.entry));
    const isBeaten =
      entry.operation.rootSignature === null &&
      admissions.some(
        (one) =>
          this.#isRooted(one.entry) && !this.#knows(entry, one.entry) && !this.#knows(one.entry, entry),
      );
    if (!isKnown || isBeaten) claim.verdict = "out";
  }

  #supports({ entry }: Claim): readonly Claim[] {
    return this.#claims.filter(
      (one) => !one.isRevocation && one.about === entry.author && this.#knows(entry, one.entry),
    );
  }

  #attackers({ entry }: Claim): readonly Claim[] {
    return this.#claims.filter(
      (one) =>
        one.isRevocation &&
        one.about === entry.author &&
        one.entry !== entry &&
        !this.#knows(one.entry, entry),
    );
  }

  #decide(claim: Claim): Claim["verdict"] {
    const attackers = this.#attackers(claim);
    const supports = this.#supports(claim);
    const isFounder = claim.entry.author === this.#founder;
    if (attackers.some(({ verdict }) => verdict === "in")) return "out";
    if (!isFounder && supports.every(({ verdict }) => verdict === "out")) return "out";
    const isSupported = isFounder || supports.some(({ verdict }) => verdict === "in");
    return isSupported && attackers.every(({ verdict }) => verdict === "out") ? "in" : "open";
  }

  #settle(): void {
    for (;;) {
      let changed = false;
      for (const claim of this.#claims) {
        if (claim.verdict !== "open") continue;
        claim.verdict = this.#decide(claim);
        changed ||= claim.verdict !== "open";
      }
      if (changed) continue;
      const open = this.#claims.filter(({ verdict }) => verdict === "open");
      if (open.length === 0) return;
      const reach = new Map(open.map((claim) => [claim, this.#reach(claim)]));
      const circular = open.filter((claim) =>
        [...reach.get(claim)!].every((other) => reach.get(other)!.has(claim)),
      );
      for (const claim of circular) if (claim.isRevocation) claim.verdict = "in";
    }
  }

  #reach(start: Claim): ReadonlySet<Claim> {
    const found = new Set([start]);
    for (const claim of found) {
      const supports = this.#supports(claim);
      const isSupported =
        claim.entry.author === this.#founder || supports.some(({ verdict }) => verdict === "in");
      for (const other of isSupported ? this.#attackers(claim) : [...supports, ...this.#attackers(claim)]) {
        if (other.verdict === "open") found.add(other);
      }
    }
    return found;
  }
}
