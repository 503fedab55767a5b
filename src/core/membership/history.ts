/**
 * Puts control entries in their causal place: which are complete, which wait for an ancestor, which lie beyond a fork.
 * Knows who is named by an admission, so that a stranger's log is left out; whether the admission counts is decided
 * later (judgement.ts). The same for the same entries in any order, once or several times.
 * Spec: docs/spec/membership.md, "History". Tests: test/unit/membership/history.test.ts.
 */
import { assert } from "../base/errors.ts";
import type { AccountId, ControlId, DeviceId, LogId } from "../base/ids.ts";
import { accountIdOf, logIdOf } from "../crypto/derive.ts";
import { INCARNATIONS_MAX } from "./body-codec.ts";
import { byDepth, place, type ControlLog, type Placed } from "./causality.ts";
import { VectorSpace } from "./length-vector.ts";
import { encodeGenesis, isSignedByRoot, PARENTS_MAX } from "./operation.ts";
import type { ControlEntry, ForkedLog } from "./types.ts";

/** Complete control entries and how they hang together. */
export interface History {
  readonly account: AccountId;
  readonly genesis: Placed | undefined;
  /** Ancestors first. */
  readonly order: readonly Placed[];
  readonly byId: ReadonlyMap<ControlId, Placed>;
  /** Of every device that an admission names: its control logs that hold something or are forked, by incarnation. */
  readonly logs: ReadonlyMap<DeviceId, readonly ControlLog[]>;
  /** Entries that have no place here, with the reason. */
  readonly left: ReadonlyMap<ControlId, string>;
}

/** An entry on its way to its place. */
interface Candidate {
  readonly entry: ControlEntry;
  readonly log: ControlLog;
  readonly parents: Candidate[];
  /** Those that come directly after it. */
  readonly next: Candidate[];
  missing: number;
  placed: Placed | undefined;
}

export function weaveHistory(input: {
  readonly account: AccountId;
  readonly entries: readonly ControlEntry[];
  readonly forks: readonly ForkedLog[];
}): History {
  return new Loom(input.account, input.entries, input.forks).weave();
}

class Loom {
  readonly #account: AccountId;
  readonly #candidates = new Map<ControlId, Candidate>();
  /** By device, then by incarnation. */
  readonly #logs = new Map<DeviceId, Map<number, ControlLog>>();
  readonly #left = new Map<ControlId, string>();
  readonly #order: Placed[] = [];
  readonly #named = new Set<DeviceId>();
  readonly #rootKeys: Uint8Array[] = [];
  readonly #space: VectorSpace;
  #logCount = 0;
  #ready: Candidate[] = [];
  /** First entries of logs that nothing lets in yet. */
  #parked = new Set<Candidate>();
  #genesis: Candidate | undefined;

  constructor(account: AccountId, entries: readonly ControlEntry[], forks: readonly ForkedLog[]) {
    this.#account = account;
    for (const entry of entries) this.#add(entry);
    this.#findForks(forks);
    this.#space = new VectorSpace(this.#logCount);
    this.#connect();
  }

  weave(): History {
    do this.#drain();
    while (this.#letIn());
    for (const { entry } of this.#parked)
      this.#left.set(entry.id, "its device is not admitted, or an incarnation before it is missing");
    for (const { entry, placed } of this.#candidates.values()) {
      if (placed === undefined && !this.#left.has(entry.id))
        this.#left.set(entry.id, "an ancestor is missing");
    }
    const placed = this.#order.toSorted(byDepth);
    return {
      account: this.#account,
      genesis: this.#genesis?.placed,
      order: placed,
      byId: new Map(placed.map((one) => [one.entry.id, one])),
      logs: new Map([...this.#named].toSorted().map((device) => [device, this.#usedLogs(device)])),
      left: this.#left,
    };
  }

  #add(entry: ControlEntry): void {
    if (this.#candidates.has(entry.id)) return;
    const { incarnation, position, operation } = entry;
    if (incarnation >= INCARNATIONS_MAX || operation.parents.length > PARENTS_MAX) {
      this.#left.set(entry.id, "it is over a limit");
      return;
    }
    const log = this.#logOf(entry.author, incarnation);
    if (log.id !== entry.log) {
      this.#left.set(entry.id, "its log is not its author's");
      return;
    }
    assert(Number.isSafeInteger(position) && position >= 0, "a position is a whole number");
    const candidate: Candidate = { entry, log, parents: [], next: [], missing: 0, placed: undefined };
    this.#candidates.set(entry.id, candidate);
    if (!this.#isGenesis(entry)) return;
    if (this.#genesis === undefined || entry.id < this.#genesis.entry.id) this.#genesis = candidate;
  }

  #logOf(device: DeviceId, incarnation: number): ControlLog {
    let logs = this.#logs.get(device);
    if (logs === undefined) this.#logs.set(device, (logs = new Map<number, ControlLog>()));
    let log = logs.get(incarnation);
    if (log === undefined) {
      const id = logIdOf({ account: this.#account, device, incarnation, logClass: "control" });
      log = { id, number: this.#logCount++, device, incarnation, forkedAt: Infinity, entries: [] };
      logs.set(incarnation, log);
    }
    return log;
  }

  /** The account's id commits to every byte of it, so no second one and no fork can take its place. */
  #isGenesis({ operation, author, incarnation, position }: ControlEntry): boolean {
    const { body, parents, rootSignature } = operation;
    if (body.kind !== "genesis" || body.device !== author || incarnation !== 0 || position !== 0)
      return false;
    if (parents.length > 0 || rootSignature !== null) return false;
    return accountIdOf(encodeGenesis(body)) === this.#account;
  }

  /** Two entries at one position, both under heads that their device signed, are a fork as good as any evidence. */
  #findForks(forks: readonly ForkedLog[]): void {
    const lengthByLog = new Map<LogId, number>();
    for (const { log, commonLength } of forks) {
      lengthByLog.set(log, Math.min(commonLength, lengthByLog.get(log) ?? Infinity));
    }
    if (lengthByLog.size > 0) this.#imagineNextLogs(lengthByLog);
    for (const logs of this.#logs.values()) {
      for (const log of logs.values()) log.forkedAt = lengthByLog.get(log.id) ?? Infinity;
    }
    const taken = new Map<ControlLog, Set<number>>();
    for (const { entry, log } of this.#candidates.values()) {
      const positions = taken.get(log) ?? new Set<number>();
      taken.set(log, positions);
      if (positions.has(entry.position)) log.forkedAt = Math.min(log.forkedAt, entry.position);
      positions.add(entry.position);
    }
  }

  /** A log may be forked from its first entry on, so that none of it is held; it must be known all the same. */
  #imagineNextLogs(forked: ReadonlyMap<LogId, number>): void {
    for (const { entry } of this.#candidates.values()) {
      const { body } = entry.operation;
      if (body.kind === "admit" && !this.#logs.has(body.device)) this.#logOf(body.device, 0);
    }
    for (const [device, logs] of this.#logs) {
      const last = Math.max(...logs.keys());
      // Up to the last one that holds something, then as long as one follows the other.
      for (let at = 0; at < INCARNATIONS_MAX; at++) {
        if (!forked.has(this.#logOf(device, at).id) && at > last) break;
      }
    }
  }

  #connect(): void {
    // A missing parent may lie on a branch that is here nowhere and counts for nobody: waiting for it could have no end.
    const mayWait = ![...this.#logs.values()].some((logs) => [...logs.values()].some(isForked));
    const isAlive = (one: Candidate): boolean =>
      one.entry.position < one.log.forkedAt || one === this.#genesis;
    const byPosition = new Map<ControlLog, Map<number, Candidate>>();
    for (const candidate of this.#candidates.values()) {
      if (!isAlive(candidate)) this.#left.set(candidate.entry.id, "it lies beyond a fork of its log");
      else {
        const positions = byPosition.get(candidate.log) ?? new Map<number, Candidate>();
        byPosition.set(candidate.log, positions.set(candidate.entry.position, candidate));
      }
    }
    for (const candidate of this.#candidates.values()) {
      const { entry, log } = candidate;
      if (this.#left.has(entry.id)) continue;
      if (entry.position > 0) follow(candidate, byPosition.get(log)?.get(entry.position - 1));
      for (const id of new Set(entry.operation.parents)) {
        const parent = this.#candidates.get(id);
        if (parent === undefined) candidate.missing += mayWait ? 1 : 0;
        else if (isAlive(parent)) candidate.parents.push(follow(candidate, parent));
      }
      if (candidate.missing === 0) this.#ready.push(candidate);
    }
  }

  #drain(): void {
    for (let one = this.#ready.pop(); one !== undefined; one = this.#ready.pop()) {
      if (one.entry.position > 0 || one === this.#genesis || this.#mayBegin(one)) this.#place(one);
      else if (!this.#left.has(one.entry.id)) this.#parked.add(one);
    }
  }

  #place(candidate: Candidate): void {
    const { entry, log } = candidate;
    candidate.placed = place(
      entry,
      log,
      candidate.parents.map((parent) => parent.placed!),
      this.#space,
    );
    this.#order.push(candidate.placed);
    const { body } = entry.operation;
    if (body.kind === "admit") this.#named.add(body.device);
    if (body.kind === "set-recovery") this.#rootKeys.push(body.rootSign);
    if (candidate === this.#genesis && body.kind === "genesis") {
      this.#named.add(entry.author);
      this.#rootKeys.push(body.rootSign);
    }
    for (const next of candidate.next) if (--next.missing === 0) this.#ready.push(next);
  }

  /** Whether a log may begin with this entry; leaves out what never may. */
  #mayBegin({ entry, log }: Candidate): boolean {
    if (!this.#named.has(entry.author)) return false;
    if (log.incarnation === 0) return true;
    const before = this.#logs.get(log.device)?.get(log.incarnation - 1);
    if (before === undefined || (before.entries.length === 0 && !isForked(before))) return false;
    const { body } = entry.operation;
    if (body.kind === "open-log" && body.incarnation === log.incarnation && this.#isOwnPast(entry, body))
      return true;
    this.#left.set(entry.id, "its log does not begin by opening itself");
    return false;
  }

  /** Nobody continues another's logs, nor several incarnations at once. */
  #isOwnPast(entry: ControlEntry, { continues }: { readonly continues: readonly { log: LogId }[] }): boolean {
    if (continues.length === 0) return true;
    const { author: device, incarnation } = entry;
    for (let earlier = incarnation - 1; earlier >= 0; earlier--) {
      const ids = new Set(
        (["control", "state", "messages"] as const).map((logClass) =>
          logIdOf({ account: this.#account, device, incarnation: earlier, logClass }),
        ),
      );
      if (ids.has(continues[0]!.log)) return continues.every(({ log }) => ids.delete(log));
    }
    return false;
  }

  /** Lets in logs whose way is free by now; true where there are any. */
  #letIn(): boolean {
    const before = this.#parked;
    this.#parked = new Set();
    for (const one of before) {
      if (this.#isAdmittedByPhrase(one.entry)) this.#named.add(one.entry.author);
      if (this.#mayBegin(one)) this.#ready.push(one);
      else if (!this.#left.has(one.entry.id)) this.#parked.add(one);
    }
    return this.#ready.length > 0;
  }

  /** A recovered device's log begins with its own admission, signed with the phrase: nobody else can vouch for it. */
  #isAdmittedByPhrase({ author, incarnation, operation }: ControlEntry): boolean {
    const { body } = operation;
    if (body.kind !== "admit" || body.device !== author || incarnation !== 0) return false;
    const signed = { account: this.#account, author, operation };
    return this.#rootKeys.some((rootSign) => isSignedByRoot(signed, rootSign));
  }

  #usedLogs(device: DeviceId): readonly ControlLog[] {
    const logs = [...(this.#logs.get(device)?.values() ?? [])];
    return logs
      .filter((log) => log.entries.length > 0 || isForked(log))
      .toSorted((a, b) => a.incarnation - b.incarnation);
  }
}

export function isForked(log: ControlLog): boolean {
  return log.forkedAt < Infinity;
}

/** Makes `candidate` come after `earlier`, which may be missing. */
function follow<Earlier extends Candidate | undefined>(candidate: Candidate, earlier: Earlier): Earlier {
  candidate.missing++;
  earlier?.next.push(candidate);
  return earlier;
}
