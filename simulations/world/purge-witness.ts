/**
 * What the world knows of purges: what people wanted gone, what they agreed to, and what each device has erased. Whether a device may erase
 * is judged here by simpler rules than those under test: only what was named, and of much only what somebody agreed to.
 * Spec: docs/spec/purge.md. Compared at the end by purge-judge.ts.
 */
import { hex } from "../../src/core/base/bytes.ts";
import type { DeviceId, LogId, MessageId, TreeHash } from "../../src/core/base/ids.ts";
import { messageRowKey, purgedRowKey } from "../../src/core/inbox/row-keys.ts";
import { decodeMessageRow } from "../../src/core/inbox/rows.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import type { PurgeView } from "../../src/core/membership/types.ts";
import type { Commit } from "../../src/core/sync/ports.ts";
import type { Machine } from "./machine.ts";
import { SMALL_LIMIT, SmallPurges } from "./small-purges.ts";

type Purges = readonly PurgeView[];

const DAY_MS = 86_400_000;
/** How long a purge waits that nobody agrees to, and how long a message is in the bin. */
const MONTH_MS = 30 * DAY_MS;
/** A clock that goes forward ends a month so much earlier on its machine, and no more: "Erasing", "Time". */
const ALLOWANCE_MS = 7 * DAY_MS;

export class PurgeWitness {
  /** Messages that somebody tried to have erased. */
  readonly wanted = new Set<MessageId>();
  /** A month has passed in which nobody stopped anything. */
  isLong = false;
  /** A clock was set far off: devices do not agree on what was within one day. */
  haveClocksJumped = false;
  /** For how long everything was off since the storm. */
  #offMs = 0;
  /** By how much clocks were set forward, all together. */
  readonly #forwardMs = new Map<Machine, number>();
  readonly #released = new Set<string>();
  /** Who was its account's only device when it wanted something gone. */
  readonly #alone = new Set<DeviceId>();
  readonly #known = new Map<Machine, Purges>();
  readonly #named = new WeakMap<Purges, ReadonlyMap<string, Purges>>();
  /** What each device erased that nobody had agreed to. */
  readonly #small = new Map<Machine, SmallPurges>();
  readonly #count: (path: string) => void;
  readonly #hold: (invariant: number, condition: boolean, what: () => string) => void;

  readonly #wasBinned: (id: MessageId) => boolean;

  constructor(
    count: (path: string) => void,
    hold: (invariant: number, condition: boolean, what: () => string) => void,
    wasBinned: (id: MessageId) => boolean,
  ) {
    this.#wasBinned = wasBinned;
    this.#count = count;
    this.#hold = hold;
  }

  /** Somebody is about to purge these. */
  want(machine: Machine, ids: readonly MessageId[]): void {
    for (const id of ids) this.wanted.add(id);
    if (isAlone(machine) && machine.device !== null) this.#alone.add(machine.device);
  }

  /** Somebody wanted it gone, or it was in the bin for long. */
  isWanted(id: MessageId): boolean {
    return this.wanted.has(id) || (this.#hasMonthPassedAnywhere() && this.#wasBinned(id));
  }

  /** Everything was off for so long, a day at least: what was erased at one device's word was erased on an earlier day. */
  daysPassed(ms: number): void {
    this.#offMs += ms;
    this.#small.clear();
  }

  /** This machine's clock is set to another time. */
  clockSet(machine: Machine, byMs: number): void {
    if (byMs > 0) this.#forwardMs.set(machine, (this.#forwardMs.get(machine) ?? 0) + byMs);
  }

  /** A person agrees to it. */
  release(purge: string): void {
    this.#released.add(purge);
  }

  isReleased(purge: string): boolean {
    return this.#released.has(purge);
  }

  /** The purges that a device knows; while its program starts or does not run, those that any device knows. */
  known(machine: Machine): Purges {
    const purges = machine.running?.replica.members.purges;
    if (purges !== undefined) {
      this.#known.set(machine, purges);
      return purges;
    }
    let most: Purges = [];
    for (const known of this.#known.values()) if (known.length > most.length) most = known;
    return most;
  }

  /** A purge that counts and its tombstone are on this device's disk: nothing shows the message. */
  mustBeHidden(machine: Machine, id: MessageId): boolean {
    const rows = machine.disk?.state.rows;
    const key = messageRowKey(id);
    return this.known(machine).some(
      (purge) => purge.state !== "void" && rows?.has(purgedRowKey(key, purge.id)) === true,
    );
  }

  /**
   * It has erased something of which it does not know yet what it was: another of the machines with the same entries may still show it.
   * What came here erased, before any tombstone of it, has no place in this device's rows: where it stands the others' rows say.
   */
  isAhead(machine: Machine, machines: readonly Machine[]): boolean {
    return [...this.wanted].some((id) => {
      const own = standingPlace(machine, id);
      const places = own === undefined ? machines.map((other) => standingPlace(other, id)) : [own];
      return places.some((place) => isErasedAt(machine, place)) && !this.mustBeHidden(machine, id);
    });
  }

  /** The older version knows no tombstones; it misses what is erased all the same. */
  mayBeHidden(machine: Machine, id: MessageId): boolean {
    if (!this.isWanted(id)) return false;
    if (machine.hasOlderView) return this.known(machine).length > 0;
    // The purge may be here and carried out before its tombstone has come.
    return this.mustBeHidden(machine, id) || isErasedAt(machine, standingPlace(machine, id));
  }

  /** Every commit that became durable: what loses its payload, or comes without, is named by a purge that may be carried out. */
  durable(machine: Machine, commit: Commit): void {
    for (const [log, entries] of commit.bodiless ?? []) {
      // What is evicted lies elsewhere: keeping-witness.ts.
      const erased = [...entries].filter(([, { state }]) => state !== "absent");
      for (const [position, entry] of erased)
        this.#erased(machine, { log, position, leaf: leavesOf([entry])[0]! });
      if (erased.length > 0) this.#count("payloads erased");
    }
    if (commit.logs.length === 0) return;
    const named = this.named(this.known(machine));
    if (named.size === 0 && commit.logs.every(({ entries }) => entries.every(isWhole))) return;
    for (const { state, from, entries, leaves } of commit.logs) {
      for (const [at, entry] of entries.entries()) {
        const place = { log: state.head.log, position: from + at, leaf: leaves[at]! };
        if (named.has(placeOf(place))) this.#count("purge before arrival");
        if (isWhole(entry)) continue;
        this.#erased(machine, place);
        this.#count("erased history taken in");
      }
    }
  }

  /** Which purges name each place. */
  named(purges: Purges): ReadonlyMap<string, Purges> {
    const known = this.#named.get(purges);
    if (known !== undefined) return known;
    const named = new Map<string, PurgeView[]>();
    for (const purge of purges)
      for (const entry of purge.entries) {
        const place = placeOf(entry);
        named.set(place, [...(named.get(place) ?? []), purge]);
      }
    this.#named.set(purges, named);
    return named;
  }

  #erased(machine: Machine, place: Place): void {
    const purges = this.named(this.known(machine)).get(placeOf(place)) ?? [];
    this.#hold(1, purges.length > 0, () => `${machine.name} erased what no purge names`);
    const small = purges.filter(({ entries }) => entries.length < SMALL_LIMIT);
    const isReleased = purges.some((purge) => this.#isReleased(machine, purge));
    this.#hold(
      1,
      small.length > 0 || isReleased,
      () => `${machine.name} erased what a large purge names that nobody agreed to`,
    );
    // What others agreed to counts where they did; and a clock that jumps begins another day.
    if (isReleased || this.haveClocksJumped || purges.some(({ state }) => state !== "open")) return;
    const ofMachine = this.#small.get(machine) ?? new SmallPurges();
    this.#small.set(machine, ofMachine);
    this.#hold(
      1,
      ofMachine.explains(small),
      () => `${machine.name} erased ${SMALL_LIMIT} payloads or more at one device's word`,
    );
  }

  #isReleased(machine: Machine, { id, author, state }: PurgeView): boolean {
    const isAgreed = this.#released.has(id) || this.#alone.has(author) || isAlone(machine);
    if (isAgreed || this.#hasMonthPassed(machine)) return true;
    // Where the month ends first, the device agrees as soon as it erases, whether or not it had the payloads.
    return (
      state === "approved" &&
      [...this.#forwardMs.keys()].some((other) => other.device !== author && this.#hasMonthPassed(other))
    );
  }

  /** It may count thirty days since the storm. */
  #hasMonthPassed(machine: Machine): boolean {
    return this.#offMs + Math.min(ALLOWANCE_MS, this.#forwardMs.get(machine) ?? 0) >= MONTH_MS;
  }

  #hasMonthPassedAnywhere(): boolean {
    const machines = [...this.#forwardMs.keys()];
    return this.#offMs >= MONTH_MS || machines.some((machine) => this.#hasMonthPassed(machine));
  }
}

interface Place {
  readonly log: LogId;
  readonly position: number;
  readonly leaf: TreeHash;
}

/** Where a device has the message, by its rows; undefined where they say nothing of its content. */
function standingPlace({ disk }: Machine, id: MessageId): Omit<Place, "leaf"> | undefined {
  const row = disk?.state.rows.get(messageRowKey(id));
  const content = row === undefined ? null : decodeMessageRow(row).content;
  const log = content === null ? undefined : disk?.state.logOf(content.place.logNumber);
  return content === null || log === undefined ? undefined : { log, position: content.place.position };
}

function isErasedAt({ disk }: Machine, place: Omit<Place, "leaf"> | undefined): boolean {
  if (place === undefined) return false;
  return disk?.state.logs.get(place.log)?.entries.get(place.position)?.state === "purged";
}

/** With its leaf: where another entry stands, it is another place. */
export function placeOf({ log, position, leaf }: Place): string {
  return `${log}/${position}/${hex(leaf)}`;
}

function isWhole({ state }: { readonly state: string }): boolean {
  return state === "present";
}

function isAlone({ running }: Machine): boolean {
  if (running === null) return false;
  const { members, self } = running.replica;
  return [...members.devices.values()].every(({ device, state }) => device === self || state !== "active");
}
