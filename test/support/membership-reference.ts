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

  /** What becomes of a purge that counts, by "Purges" of the same page. */
  stateOf(purge: ControlEntry, entries: readonly ControlEntry[]): "open" | "approved" | "void" {
    const about = (kind: "countersign" | "void"): readonly ControlEntry[] =>
      entries.filter(
        (entry) =>
          entry.operation.body.kind === kind &&
          entry.operation.body.operation === purge.id &&
          this.#knows(entry, purge) &&
          this.carries(entry),
      );
    const stops = about("void");
    const approvals = about("countersign").filter(
      (entry) => entry.author !== purge.author || this.#isRooted(entry),
    );
    const stands = approvals.some((approval) => !stops.some((stop) => this.#knows(approval, stop)));
    if (this.#isRooted(purge) || this.#wasAlone(purge) || stands) return "approved";
    const isRevoked = this.#counting(true).some(({ about: device }) => device === purge.author);
    return stops.length > 0 || isRevoked ? "void" : "open";
  }

  /** Rules 1, 2 and 6, of an entry that is no claim. */
  carries(entry: ControlEntry): boolean {
    if (entry.operation.rootSignature !== null) return this.#isRooted(entry);
    const own = { entry, about: entry.author, isRevocation: false, verdict: "open" } as const;
    const isIn = ({ verdict }: Claim): boolean => verdict === "in";
    const isMember = entry.author === this.#founder || this.#supports(own).some(isIn);
    return isMember && !this.#attackers(own).some(isIn);
  }

  #counting(isRevocation: boolean): readonly Claim[] {
    return this.#claims.filter((claim) => claim.verdict === "in" && claim.isRevocation === isRevocation);
  }

  /** Everybody else came after it, or was revoked before it by somebody else. */
  #wasAlone(purge: ControlEntry): boolean {
    const revocations = this.#counting(true);
    // A revoked key that is admitted again is no arrival.
    const admissions = this.#counting(false).filter(({ entry, about }) =>
      revocations.every((one) => one.about !== about || this.#knows(one.entry, entry)),
    );
    const others = new Set(admissions.map(({ about }) => about)).add(this.#founder);
    others.delete(purge.author);
    return [...others].every((device) => {
      const arrivals = admissions.filter(({ about }) => about === device);
      const isLater = device !== this.#founder && arrivals.every(({ entry }) => this.#knows(entry, purge));
      const isGone = revocations.some(
        ({ entry, about }) =>
          about === device &&
          this.#knows(purge, entry) &&
          (entry.author !== purge.author || this.#isRooted(entry)),
      );
      return isLater || isGone;
    });
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
