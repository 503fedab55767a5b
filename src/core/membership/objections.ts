/**
 * What speaks against an admission or a revocation before anyone's standing is known, and what approves a device that
 * forked its control log. Judges single claims; how they decide each other: judgement.ts.
 * Spec: docs/spec/membership.md, "What counts". Tests: test/unit/membership/judgement.test.ts.
 */
import { hex } from "../base/bytes.ts";
import type { ControlId, DeviceId } from "../base/ids.ts";
import { isBefore, type ControlLog, type Placed } from "./causality.ts";
import { isForked, type History } from "./history.ts";
import { addTo } from "./multimap.ts";
import type { Roots } from "./roots.ts";
import type { BodyOf } from "./types.ts";

/** An operation that approves, and the control log whose opening it approves. */
export interface Approval {
  readonly placed: Placed;
  readonly opened: ControlLog;
}

export class Objections {
  readonly #history: History;
  readonly #roots: Roots;
  /** By device: of each log the first entry that admits it. Who knows any of a log knows the first. */
  readonly #firstAdmissions = new Map<DeviceId, Placed[]>();
  readonly #rootAdmissions = new Map<DeviceId, Placed[]>();
  /** By device: the open keys that its own first entry has come after; null where it came after none. */
  readonly #ownKeys = new Map<DeviceId, ReadonlySet<string> | null>();

  constructor(history: History, roots: Roots) {
    this.#history = history;
    this.#roots = roots;
    const keys = new Map<DeviceId, Set<string>>();
    for (const placed of history.order) {
      const { body } = placed.entry.operation;
      if (body.kind !== "admit") continue;
      const { device } = body;
      const firsts = this.#firstAdmissions.get(device);
      if (firsts?.some(({ log }) => log === placed.log) !== true)
        addTo(this.#firstAdmissions, device, placed);
      if (roots.haveSigned(placed)) addTo(this.#rootAdmissions, device, placed);
      const first = firstEntryOf(history, device);
      if (first === undefined || (placed !== first && !isBefore(placed, first))) continue;
      keys.set(device, (keys.get(device) ?? new Set()).add(hex(body.openKey)));
    }
    for (const device of history.logs.keys()) this.#ownKeys.set(device, keys.get(device) ?? null);
    const genesis = history.genesis?.entry;
    if (genesis?.operation.body.kind === "genesis") {
      this.#ownKeys.set(genesis.author, new Set([hex(genesis.operation.body.openKey)]));
    }
  }

  /** A member may not put a key of its own under another device's name (threat C9). */
  againstAdmission({ device, openKey }: BodyOf<"admit">): string | null {
    const keys = this.#ownKeys.get(device) ?? null;
    return keys === null || keys.has(hex(openKey)) ? null : "the device came after another open key";
  }

  /** Nobody removes a device unseen; and what the phrase does beats what a device does at the same time. */
  againstRevocation(placed: Placed, { device }: BodyOf<"revoke">): string | null {
    const { genesis } = this.#history;
    const isFounder = genesis?.entry.author === device && isBefore(genesis, placed);
    const admissions = this.#firstAdmissions.get(device) ?? [];
    if (!isFounder && !admissions.some((admission) => isBefore(admission, placed))) {
      return "it does not know the device";
    }
    if (placed.entry.operation.rootSignature !== null) return null;
    const isBeaten = (this.#rootAdmissions.get(device) ?? []).some(
      (admission) => !isBefore(admission, placed) && !isBefore(placed, admission),
    );
    return isBeaten ? "the phrase admitted the device at the same time" : null;
  }

  /** By the phrase, or by another device that saw the opening. Whether that device may is judged as for any operation. */
  approvals(): readonly Approval[] {
    const openings = this.#openingsAfterForks();
    if (openings.size === 0) return [];
    const found: Approval[] = [];
    for (const placed of this.#history.order) {
      const { body } = placed.entry.operation;
      const byPhrase = this.#roots.haveSigned(placed);
      if (byPhrase && openings.get(placed.entry.id) === placed) found.push({ placed, opened: placed.log });
      if (body.kind !== "countersign") continue;
      const opening = openings.get(body.operation);
      if (opening === undefined || !isBefore(opening, placed)) continue;
      if (byPhrase || placed.entry.author !== opening.entry.author)
        found.push({ placed, opened: opening.log });
    }
    return found;
  }

  #openingsAfterForks(): ReadonlyMap<ControlId, Placed> {
    const openings = new Map<ControlId, Placed>();
    for (const logs of this.#history.logs.values()) {
      const forked = logs.findIndex(isForked);
      if (forked === -1) continue;
      for (const { entries } of logs.slice(forked + 1)) {
        if (entries[0] !== undefined) openings.set(entries[0].entry.id, entries[0]);
      }
    }
    return openings;
  }
}

/** The first entry that a device wrote at all: it says which admission the device knows. */
export function firstEntryOf({ logs }: History, device: DeviceId): Placed | undefined {
  const first = logs.get(device)?.[0];
  return first?.incarnation === 0 ? first.entries[0] : undefined;
}
