/**
 * Which admissions and revocations of a history count, and so from where to where each control log does.
 *
 * Claims support each other (an admission, those that its device makes) and attack each other (a revocation, what it did
 * not know of its device). What follows from certain claims is decided first. What is left goes in circles; there the
 * revocations of each circle that depends on nothing else all count, since what a thief's device claims to have seen is
 * no evidence. All of it is about the set of entries, nothing about their order of arrival. Near linear in claims.
 * Spec: docs/spec/membership.md, "What counts". Tests: test/unit/membership/{judgement,concurrency,model}.test.ts.
 */
import { assert } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import { firstAfter, knownLength, type ControlLog, type Placed } from "./causality.ts";
import { findCircularRevocations } from "./circles.ts";
import { isForked, type History } from "./history.ts";
import { addTo } from "./multimap.ts";
import { Objections } from "./objections.ts";
import type { Roots } from "./roots.ts";
import { Standing, type Claim } from "./standing.ts";

export class Judgement {
  readonly history: History;
  readonly roots: Roots;
  /** Those that count, by the device they admit; ancestors first. */
  readonly admissions = new Map<DeviceId, Placed[]>();
  /** Those that count, by the device they revoke; ancestors first. */
  readonly revocations = new Map<DeviceId, Placed[]>();
  readonly #standings = new Map<ControlLog, Standing>();
  readonly #claims = new Map<Placed, Claim>();
  readonly #approvals: { readonly claim: Claim; readonly opened: ControlLog }[] = [];

  constructor(history: History, roots: Roots) {
    this.history = history;
    this.roots = roots;
    this.#standUp();
    this.#hear();
    this.#settle();
    for (const placed of history.order) {
      const { body } = placed.entry.operation;
      if (this.#claims.get(placed)?.verdict !== "in") continue;
      if (body.kind === "admit") addTo(this.admissions, body.device, placed);
      if (body.kind === "revoke") addTo(this.revocations, body.device, placed);
    }
  }

  /** Null where the author's standing, or the phrase, carries the entry; else why not. Its kind may demand more. */
  objectionTo(placed: Placed): string | null {
    const { position, operation } = placed.entry;
    if (placed === this.history.genesis || operation.body.kind === "open-log") return null;
    const claim = this.#claims.get(placed);
    if (claim?.verdict === "in") return null;
    if (claim !== undefined && claim.objection !== null) return claim.objection;
    if (operation.rootSignature !== null) return this.#objectionToRoot(placed);
    const { admitted, revoked, counting } = this.#standings.get(placed.log)!;
    if (position < admitted.firm) return "its author was no member";
    if (position >= revoked.firm) return "its author is revoked, and the revocation did not come after it";
    return position < counting.from ? "its author is suspended" : null;
  }

  counts(placed: Placed): boolean {
    return this.objectionTo(placed) === null;
  }

  /** Its control log is forked, and no incarnation after the fork is approved. */
  isSuspended(device: DeviceId): boolean {
    const logs = this.history.logs.get(device) ?? [];
    const forked = logs.findLast(isForked);
    if (forked === undefined) return false;
    return !this.#approvals.some(
      ({ claim, opened }) =>
        claim.verdict === "in" && opened.device === device && opened.incarnation > forked.incarnation,
    );
  }

  #standUp(): void {
    const founder = this.history.genesis?.entry.author;
    for (const [device, logs] of this.history.logs) {
      let needsApproval = false;
      for (const log of logs) {
        const standing = new Standing(log, needsApproval);
        if (device === founder) standing.admitted.firm = 0;
        this.#standings.set(log, standing);
        needsApproval ||= isForked(log);
      }
    }
  }

  #hear(): void {
    const objections = new Objections(this.history, this.roots);
    for (const placed of this.history.order) {
      const { body } = placed.entry.operation;
      if (body.kind === "admit") {
        const claim = this.#enter(placed, "admit", objections.againstAdmission(body));
        for (const standing of this.#standingsOf(body.device)) {
          standing.admitted.add(firstAfter(standing.log, placed), claim);
        }
      }
      if (body.kind === "revoke") {
        const claim = this.#enter(placed, "revoke", objections.againstRevocation(placed, body));
        for (const standing of this.#standingsOf(body.device)) {
          standing.revoked.add(revokedFrom(standing.log, placed), claim);
        }
      }
    }
    for (const { placed, opened } of objections.approvals()) {
      const claim = this.#enter(placed, "approve", null);
      this.#approvals.push({ claim, opened });
      for (const { log, approved } of this.#standingsOf(opened.device)) {
        if (log.incarnation < opened.incarnation) continue;
        approved?.add(firstAfter(log, placed), claim);
        // Whoever forks again needs a new approval.
        if (isForked(log)) break;
      }
    }
    for (const standing of this.#standings.values()) standing.begin();
  }

  #enter(placed: Placed, kind: Claim["kind"], objection: string | null): Claim {
    const isRooted = placed.entry.operation.rootSignature !== null;
    const against = (isRooted ? this.#objectionToRoot(placed) : null) ?? objection;
    const verdict = against !== null ? "out" : isRooted ? "in" : "open";
    const standing = this.#standings.get(placed.log)!;
    const claim: Claim = { placed, kind, standing, verdict, objection: against, sets: [] };
    this.#claims.set(placed, claim);
    standing.claims.push(claim);
    return claim;
  }

  #settle(): void {
    const waiting = new Set(this.#standings.values());
    const onDecided = (claim: Claim): void => {
      for (const { bound, position } of claim.sets) {
        if (claim.verdict === "in") bound.firm = Math.min(bound.firm, position);
        waiting.add(bound.standing);
      }
    };
    for (;;) {
      for (const standing of waiting) {
        waiting.delete(standing);
        standing.decide(onDecided);
      }
      const open = [...this.#claims.values()].filter(({ verdict }) => verdict === "open");
      if (open.length === 0) return;
      const circular = findCircularRevocations(open);
      assert(circular.length > 0, "what stays open goes in circles of revocations");
      for (const claim of circular) claim.verdict = "in";
      circular.forEach(onDecided);
    }
  }

  #standingsOf(device: DeviceId): readonly Standing[] {
    return (this.history.logs.get(device) ?? []).map((log) => this.#standings.get(log)!);
  }

  #objectionToRoot(placed: Placed): string | null {
    return this.roots.haveSigned(placed) ? null : "no root in force signed it";
  }
}

/** Who leaves is not silenced by its own leaving. */
function revokedFrom(log: ControlLog, revocation: Placed): number {
  return revocation.log === log ? revocation.entry.position + 1 : knownLength(revocation, log);
}
