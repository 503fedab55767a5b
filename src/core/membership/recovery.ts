/**
 * Follows the root through its changes: each `set-recovery` that the present root signed, or that a majority of the
 * devices agreed on where the phrase is lost. Whoever holds an old phrase can do nothing more after a change.
 * Spec: docs/spec/membership.md, "Root". Tests: test/unit/membership/recovery.test.ts.
 */
import type { ControlId, DeviceId } from "../base/ids.ts";
import { byDepth, firstAfter, isBefore, type ControlLog, type Placed } from "./causality.ts";
import type { History } from "./history.ts";
import { Judgement } from "./judgement.ts";
import { addTo } from "./multimap.ts";
import { Roots } from "./roots.ts";

/** Changes of the root in an account's life. Each costs a judgement of the whole history. */
const ROOT_CHANGES_MAX = 64;
/** What one device may propose without the phrase: the first ones that it wrote. */
const PROPOSALS_PER_DEVICE_MAX = 16;

/** The history judged under all its roots, with the `set-recovery` entries that took effect. */
export interface Reign {
  readonly judgement: Judgement;
  /** In order. */
  readonly changes: readonly Placed[];
}

export function judgeUnderRoots(history: History): Reign {
  const election = new Election(history);
  const changes: Placed[] = [];
  let roots = Roots.of(history);
  while (changes.length < ROOT_CHANGES_MAX) {
    const change = election.nextChange(roots, changes.at(-1) ?? null);
    if (change === undefined) break;
    changes.push(change);
    roots = roots.followedBy(change);
  }
  return { judgement: new Judgement(history, roots), changes };
}

class Election {
  readonly #history: History;
  readonly #signed: readonly Placed[];
  readonly #proposals: readonly Placed[];
  readonly #countersigns = new Map<ControlId, Placed[]>();

  constructor(history: History) {
    this.#history = history;
    const changes = history.order.filter(({ entry }) => entry.operation.body.kind === "set-recovery");
    this.#signed = changes.filter(isRooted);
    this.#proposals = firstOfEachDevice(changes.filter((change) => !isRooted(change)));
    if (this.#proposals.length === 0) return;
    for (const placed of history.order) {
      const { body } = placed.entry.operation;
      if (body.kind === "countersign" && !isRooted(placed)) addTo(this.#countersigns, body.operation, placed);
    }
  }

  /** The change that follows `last`. */
  nextChange(roots: Roots, last: Placed | null): Placed | undefined {
    const isNext = (change: Placed): boolean => last === null || isBefore(last, change);
    const judge = this.#judgeOnce(roots);
    const agreed = this.#proposals.filter(
      (change) => isNext(change) && this.#isAgreed(change, judge(change)),
    );
    const signed = this.#signed.filter((change) => isNext(change) && roots.haveSigned(change));
    const all = [...agreed, ...signed];
    const rivals = all.filter((change) => !all.some((other) => isBefore(other, change)));
    // The devices' defence against a thief of the phrase, who can always sign something at the same time.
    const agreedRivals = rivals.filter((change) => !isRooted(change));
    return this.#mostAcknowledged(agreedRivals.length > 0 ? agreedRivals : rivals, judge);
  }

  /**
   * Of changes that did not know each other, the one that more devices came after first: who signs with a phrase that was
   * replaced can say that it did so before, but not make others have known it. Devices count that are members whichever
   * of the changes takes effect, so that none of those that the phrase admits on the side is among them.
   */
  #mostAcknowledged(rivals: readonly Placed[], judge: (change: Placed) => Judgement): Placed | undefined {
    const sorted = rivals.toSorted(byDepth);
    if (sorted.length < 2) return sorted[0];
    const votes = new Map(sorted.map((change) => [change, 0]));
    for (const [device, logs] of this.#history.logs) {
      if (!sorted.every((change) => isActive(device, judge(change)))) continue;
      const known = firstKnown(sorted, logs);
      if (known !== undefined) votes.set(known, votes.get(known)! + 1);
    }
    const most = Math.max(...votes.values());
    return sorted.find((change) => votes.get(change) === most);
  }

  #isAgreed(change: Placed, judgement: Judgement): boolean {
    const countersigns = this.#countersigns.get(change.entry.id) ?? [];
    const votes = [change, ...countersigns.filter((vote) => isBefore(change, vote))];
    const voters = new Set(votes.filter((vote) => judgement.counts(vote)).map(({ entry }) => entry.author));
    const electorate = [...this.#history.logs.keys()].filter((device) => mayVote(device, change, judgement));
    return electorate.filter((device) => voters.has(device)).length * 2 > electorate.length;
  }

  /**
   * Judges as if a proposal had taken effect, so that the old phrase cannot stop it by revoking who voted. Proposals
   * that know the same root-signed operations share a judgement: without the phrase nobody can make this costly.
   */
  #judgeOnce(roots: Roots): (change: Placed) => Judgement {
    const rooted = this.#history.order.filter((placed) => roots.haveSigned(placed));
    const judgements = new Map<string, Judgement>();
    return (change) => {
      const known = rooted.map((placed) => (isBefore(placed, change) ? "1" : "0")).join("");
      let judgement = judgements.get(known);
      if (judgement === undefined) {
        judgements.set(known, (judgement = new Judgement(this.#history, roots.endedBy(change))));
      }
      return judgement;
    };
  }
}

/** The change that a device came after, or wrote, before all others; undefined where it did several at once, or none. */
function firstKnown(changes: readonly Placed[], logs: readonly ControlLog[]): Placed | undefined {
  for (const log of logs) {
    const positions = changes.map((change) =>
      change.log === log ? change.entry.position : firstAfter(log, change),
    );
    const first = Math.min(...positions);
    if (first === Infinity) continue;
    const at = positions.indexOf(first);
    return positions.lastIndexOf(first) === at ? changes[at] : undefined;
  }
  return undefined;
}

function isActive(device: DeviceId, judgement: Judgement): boolean {
  const isMember = judgement.history.genesis?.entry.author === device || judgement.admissions.has(device);
  return isMember && !judgement.revocations.has(device) && !judgement.isSuspended(device);
}

/** Whether a device was an active member when `change` was made, as far as `change` knew. */
function mayVote(device: DeviceId, change: Placed, judgement: Judgement): boolean {
  const knows = (placed: Placed): boolean => isBefore(placed, change);
  const { genesis } = judgement.history;
  const isMember =
    (genesis !== undefined && genesis.entry.author === device && knows(genesis)) ||
    judgement.admissions.get(device)?.some(knows) === true;
  const isRevoked = judgement.revocations.get(device)?.some(knows) === true;
  return isMember && !isRevoked && !judgement.isSuspended(device);
}

function isRooted({ entry }: Placed): boolean {
  return entry.operation.rootSignature !== null;
}

function firstOfEachDevice(proposals: readonly Placed[]): readonly Placed[] {
  const byDevice = new Map<DeviceId, Placed[]>();
  for (const proposal of proposals) addTo(byDevice, proposal.entry.author, proposal);
  const first = new Set<Placed>();
  for (const own of byDevice.values()) {
    own.sort(({ entry: a }, { entry: b }) => a.incarnation - b.incarnation || a.position - b.position);
    for (const proposal of own.slice(0, PROPOSALS_PER_DEVICE_MAX)) first.add(proposal);
  }
  return proposals.filter((proposal) => first.has(proposal));
}
