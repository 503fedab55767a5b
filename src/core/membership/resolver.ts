/**
 * What all control entries come to. Pure and bounded; the same for the same entries, in any order, once or several times.
 * Entries were verified before (log.md); what only this room can verify, root signatures, is verified here.
 * Spec: docs/spec/membership.md. Tests: test/unit/membership.
 */
import type { AccountId, ControlId, DeviceId, EpochId } from "../base/ids.ts";
import { objectionToAssent, viewCloud, viewPurges } from "./assents.ts";
import { byDepth, type ControlLog, type Placed } from "./causality.ts";
import { viewEpochs, type Counted } from "./epochs.ts";
import { weaveHistory, type History } from "./history.ts";
import type { Judgement } from "./judgement.ts";
import { PARENTS_MAX } from "./operation.ts";
import { listOwners } from "./owners.ts";
import { judgeUnderRoots, type Reign } from "./recovery.ts";
import { listDevices, listEndings, objectionToAdmission } from "./roster.ts";
import type { ControlEntry, ForkedLog, MemberDevice, MemberView } from "./types.ts";

export interface ResolverInput {
  readonly account: AccountId;
  /** Verified against heads that their authors signed; in any order. */
  readonly entries: readonly ControlEntry[];
  /** Forks with checked evidence. Forks of control logs that `entries` show themselves need none. */
  readonly forks?: readonly ForkedLog[];
}

/** Before the genesis has come, a view without devices and with empty root keys. */
export function resolve({ account, entries, forks = [] }: ResolverInput): MemberView {
  const history = weaveHistory({ account, entries, forks });
  const reign = judgeUnderRoots(history);
  const { judgement } = reign;
  const devices = listDevices(judgement);
  const sieve = new Sieve(reign, devices);
  const counted = history.order.filter((placed) => sieve.lets(placed));
  const active = [...devices.values()].filter(({ state }) => state === "active");
  return {
    account,
    rootSign: judgement.roots.present?.rootSign ?? new Uint8Array(0),
    rootOpen: judgement.roots.present?.rootOpen ?? new Uint8Array(0),
    devices,
    revocations: listEndings(judgement, devices),
    logs: listOwners(judgement, devices, forks),
    ...viewEpochs({
      announced: ofKind(counted, "epoch"),
      admissions: ofKind(counted, "admit"),
      active: active.map(({ device }) => device),
      revocations: judgement.revocations,
    }),
    purges: viewPurges(counted, judgement),
    cloud: viewCloud(counted),
    heads: headsOf(history),
    refused: new Map([...history.left, ...sieve.refused].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Lets through what counts, ancestors first, and notes why the rest does not. */
class Sieve {
  readonly #reign: Reign;
  readonly #judgement: Judgement;
  readonly #devices: ReadonlyMap<DeviceId, MemberDevice>;
  readonly #epochs = new Set<EpochId>();
  readonly #opened = new Set<ControlLog>();
  readonly refused = new Map<ControlId, string>();

  constructor(reign: Reign, devices: ReadonlyMap<DeviceId, MemberDevice>) {
    this.#reign = reign;
    this.#judgement = reign.judgement;
    this.#devices = devices;
  }

  lets(placed: Placed): boolean {
    // A change of the root stands by who agreed to it, whatever became of its author since.
    if (this.#reign.changes.includes(placed)) return true;
    const objection = this.#judgement.objectionTo(placed) ?? this.#objectionOfKind(placed);
    if (objection !== null) this.refused.set(placed.entry.id, objection);
    return objection === null;
  }

  /** What the operation itself must fulfil, where its author was free to make it. */
  #objectionOfKind(placed: Placed): string | null {
    const { body } = placed.entry.operation;
    switch (body.kind) {
      case "genesis":
        return placed === this.#judgement.history.genesis ? null : "it does not begin this account";
      case "admit":
        return objectionToAdmission(placed, body, this.#judgement, this.#devices);
      case "set-recovery":
        return "another change came first, or too few devices agree to it";
      case "epoch":
        return addOnce(this.#epochs, body.epoch) ? null : "the epoch was announced before";
      case "open-log":
        if (body.incarnation !== placed.log.incarnation) return "it opens another log than its own";
        if (body.incarnation === 0 && body.continues.length > 0)
          return "there is nothing before it to continue";
        return addOnce(this.#opened, placed.log) ? null : "its log is open already";
      case "countersign":
      case "void":
        return objectionToAssent(placed, this.#judgement);
      case "revoke":
      case "purge":
      case "cloud":
      case "unknown":
        return null;
    }
  }
}

function addOnce<Item>(set: Set<Item>, item: Item): boolean {
  return !set.has(item) && set.add(item).has(item);
}

function ofKind<Kind extends "admit" | "epoch">(
  counted: readonly Placed[],
  kind: Kind,
): readonly Counted<Kind>[] {
  return counted.flatMap((placed) => {
    const { body } = placed.entry.operation;
    return body.kind === kind ? [{ placed, body } as Counted<Kind>] : [];
  });
}

/**
 * The last entry of every log, not only those that nothing follows: so an operation's past does not hang on a single
 * entry of another device, whose fork would take all causality away with it. Where there are too many logs, first the
 * entries that nothing follows, then the deepest.
 */
function headsOf({ logs }: History): readonly ControlId[] {
  const last = [...logs.values()].flat().flatMap(({ entries }) => entries.at(-1) ?? []);
  last.sort((a, b) => Number(a.hasSuccessor) - Number(b.hasSuccessor) || byDepth(b, a));
  return last
    .slice(0, PARENTS_MAX)
    .map(({ entry }) => entry.id)
    .toSorted();
}
