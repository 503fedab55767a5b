/**
 * What one device erased within a day at the word of others alone: whether it can have been small purges. A place may be named by several, and
 * nobody sees for which of them it was erased: so it is asked whether any choice explains all that is gone.
 * Spec: docs/spec/purge.md, "Erasing", rule 2. Tests: test/unit/world/small-purges.test.ts.
 */
import type { ControlId, DeviceId } from "../../src/core/base/ids.ts";

/** What one device may have erased by its own word in a day. */
export const SMALL_LIMIT = 100;

export interface NamedPurge {
  readonly id: ControlId;
  readonly author: DeviceId;
  readonly entries: { readonly length: number };
}

export class SmallPurges {
  /** Of each place that is gone the purges that name it; those of one set once. */
  readonly #sets = new Map<string, readonly NamedPurge[]>();

  /**
   * A place is gone that these purges name. False: there is no set of purges that names each place which is gone, and in which those of every author
   * name less than the limit, counted whole.
   */
  explains(purges: readonly NamedPurge[]): boolean {
    const name = purges.map(({ id }) => id).join();
    if (this.#sets.has(name)) return true;
    this.#sets.set(name, purges);
    // What only one purge names leaves no choice, and goes first.
    const sets = [...this.#sets.values()].toSorted((a, b) => a.length - b.length);
    return canBeChosen(sets, new Set(), new Map());
  }
}

function canBeChosen(
  sets: readonly (readonly NamedPurge[])[],
  chosen: ReadonlySet<ControlId>,
  sums: ReadonlyMap<DeviceId, number>,
): boolean {
  const at = sets.findIndex((set) => !set.some(({ id }) => chosen.has(id)));
  if (at === -1) return true;
  return sets[at]!.some(({ id, author, entries }) => {
    const sum = (sums.get(author) ?? 0) + entries.length;
    if (sum >= SMALL_LIMIT) return false;
    return canBeChosen(sets.slice(at + 1), new Set([...chosen, id]), new Map([...sums, [author, sum]]));
  });
}
