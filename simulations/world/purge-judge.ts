/**
 * Holds the disks of all devices against the purges that they know: what was agreed to is erased on each, what was not is there on each, and
 * nothing that is erased can be read from what a later edit, reaction or copy holds. Asked when all is calm.
 */
import type { MessageId } from "../../src/core/base/ids.ts";
import { purgesAfter, namedOfKey, tombstoneOf } from "../../src/core/inbox/purges.ts";
import { messageRowKey, purgedRowKey } from "../../src/core/inbox/row-keys.ts";
import { openEntry } from "../../src/app/replica/sealing.ts";
import { isEngineError } from "../../src/core/base/errors.ts";
import type { PurgeView } from "../../src/core/membership/types.ts";
import type { Machine } from "./machine.ts";
import { placeOf } from "./purge-witness.ts";
import { SMALL_LIMIT } from "./small-purges.ts";
import { hold } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** Searched for by their texts at the end. */
const SEARCHED = 3;

export class PurgeJudge {
  readonly #witness: Witness;
  readonly #count: (path: string) => void;

  constructor(witness: Witness, count: (path: string) => void) {
    this.#witness = witness;
    this.#count = count;
  }

  /** What still has to happen before all is erased that is to be; null: nothing. */
  pending(machines: readonly Machine[]): string | null {
    const purges = this.#purges(machines);
    if (purges.length === 0) return null;
    const approved = placesOf(purges.filter(({ state }) => state === "approved"));
    for (const machine of machines) {
      const { kept, erased } = payloadsOf(machine, purges);
      if (kept.some((place) => approved.has(place)))
        return `${machine.name} has not erased what was agreed to`;
      // Where clocks jumped, one device may count as a day's few what another keeps and asks its person about.
      const { haveClocksJumped } = this.#witness.purges;
      if (!haveClocksJumped && erased.some((place) => !approved.has(place)))
        return `nobody agreed to what ${machine.name} erased`;
    }
    const isSmall = ({ author }: PurgeView): boolean => sumOf(purges, author) < SMALL_LIMIT;
    if (purges.some((purge) => purge.state === "open" && isSmall(purge)))
      return "a small purge is not carried out";
    const [first] = machines;
    return first !== undefined && this.#isReadable(first, purges)
      ? "what is purged can be read from what came later"
      : null;
  }

  /** Once nothing is pending: all devices know the same, and show nothing of it in any way. */
  async checkEnd(machines: readonly Machine[]): Promise<void> {
    const purges = this.#purges(machines);
    if (purges.length === 0) return;
    for (const machine of machines) {
      const known = this.#witness.purges.known(machine);
      hold(6, described(known) === described(purges), () => `${machine.name} knows other purges`);
    }
    const pending = this.pending(machines);
    hold(11, pending === null, () => `in the end ${pending}`);
    for (const machine of machines)
      hold(
        8,
        !this.#witness.purges.isAhead(machine, machines),
        () => `${machine.name} does not know what it has erased`,
      );
    for (const machine of machines) await this.#checkShown(machine);
    this.#countEnds(purges, machines[0]!);
  }

  async #checkShown(machine: Machine): Promise<void> {
    const { promised, purges } = this.#witness;
    const hidden = [...promised.values()].filter(({ id }) => purges.mustBeHidden(machine, id));
    await machine.observe(async ({ node }) => {
      for (const { id, text } of hidden.slice(-SEARCHED)) {
        const { messages } = await node.messages.search({ text });
        hold(
          8,
          messages.every((found) => found.id !== id),
          () => `${machine.name} finds what is purged`,
        );
        const isFound = await node.messages.history(id).then(
          () => true,
          (error: unknown) => !isEngineError(error, "NOT_FOUND"),
        );
        hold(8, !isFound, () => `${machine.name} shows the history of what is purged`);
      }
    });
    for (const [key] of machine.disk!.state.rows) {
      if (!key.startsWith("q")) continue;
      const { message } = namedOfKey(key);
      hold(1, purges.isWanted(message), () => `a tombstone names what nobody wanted gone`);
    }
  }

  #countEnds(purges: readonly PurgeView[], machine: Machine): void {
    const { rows } = machine.disk!.state;
    const namedBy = new Map<MessageId, PurgeView[]>();
    const byId = new Map(purges.map((purge) => [purge.id, purge]));
    let isWrittenByOthers = false;
    for (const key of [...rows.keys()].filter((each) => each.startsWith("q"))) {
      const { purge: id, message } = namedOfKey(key);
      const purge = byId.get(id);
      if (purge === undefined) continue;
      namedBy.set(message, [...(namedBy.get(message) ?? []), purge]);
      const row = rows.get(purgedRowKey(messageRowKey(message), id));
      const log = row && machine.disk!.state.logOf(tombstoneOf(row).logNumber);
      const writer = log && machine.running?.replica.members.logs.get(log)?.device;
      if (writer !== undefined && writer !== purge.author) isWrittenByOthers = true;
    }
    if (isWrittenByOthers) this.#count("missing tombstones written");
    // Two that name one message and no entry of each other: one of them names what came after the other.
    for (const some of namedBy.values()) {
      const places = some.flatMap(({ entries }) => entries.map(placeOf));
      if (some.length > 1 && new Set(places).size === places.length)
        this.#count("late place named by a further purge");
    }
    for (const { id, state, entries } of purges) {
      if (entries.length < SMALL_LIMIT) continue;
      if (state === "void") this.#count("large purge stopped to the end");
      else if (state === "open") this.#count("large purge held back to the end");
      else if (!this.#witness.purges.isReleased(id)) this.#count("large purge carried out after a month");
    }
  }

  #purges(machines: readonly Machine[]): readonly PurgeView[] {
    const [first] = machines;
    return first === undefined ? [] : this.#witness.purges.known(first);
  }

  /** Of a message whose purge was carried out some entry still holds a text, an edit or a reaction. */
  #isReadable(machine: Machine, purges: readonly PurgeView[]): boolean {
    const { running, disk } = machine;
    const carriedOut = new Set(purges.filter(({ state }) => state === "approved").map(({ id }) => id));
    if (running === null || disk === undefined || carriedOut.size === 0) return false;
    const { from, to } = purgesAfter(null);
    const gone = new Set<MessageId>();
    for (const key of disk.state.rows.keys()) {
      if (key < from || key >= to) continue;
      const { purge, message } = namedOfKey(key);
      if (carriedOut.has(purge)) gone.add(message);
    }
    const { account, members, keys } = running.replica;
    for (const [log, { entries }] of disk.state.logs) {
      const owner = members.logs.get(log);
      if (owner === undefined || owner.logClass === "control" || this.#witness.forked.has(log)) continue;
      for (const [position, entry] of entries) {
        const opened = openEntry(entry, { account, log, position }, owner.device, keys);
        if (opened.kind !== "operation") continue;
        const { body, id } = opened.operation;
        if ((body.kind === "message" || body.kind === "later-message") && gone.has(id)) return true;
        if ((body.kind === "edit" || body.kind === "reaction") && gone.has(body.message)) return true;
      }
    }
    return false;
  }
}

function described(purges: readonly PurgeView[]): string {
  return purges
    .map(({ id, state }) => `${id} ${state}`)
    .toSorted()
    .join();
}

function placesOf(purges: readonly PurgeView[]): ReadonlySet<string> {
  return new Set(purges.flatMap(({ entries }) => entries.map(placeOf)));
}

function sumOf(purges: readonly PurgeView[], author: string): number {
  return purges.reduce((sum, purge) => sum + (purge.author === author ? purge.entries.length : 0), 0);
}

/** Of what these purges name, what is there on the disk and what is not any more. */
function payloadsOf(
  { disk }: Machine,
  purges: readonly PurgeView[],
): { readonly kept: readonly string[]; readonly erased: readonly string[] } {
  const kept: string[] = [];
  const erased: string[] = [];
  for (const entry of purges.flatMap(({ entries }) => entries)) {
    const stored = disk?.state.logs.get(entry.log);
    const found = stored?.entries.get(entry.position);
    const leaf = stored?.leaves.get(entry.position);
    if (found === undefined || leaf === undefined) continue;
    const place = placeOf({ ...entry, leaf });
    if (place === placeOf(entry)) (found.state === "purged" ? erased : kept).push(place);
  }
  return { kept, erased };
}
