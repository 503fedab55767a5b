/**
 * What the world knows of payloads that one device keeps for another, read off the disks: nothing leaves a disk but against a promise that
 * another disk holds, with the payload, at that moment; and a promise that is relied on stays one, whichever programs run or die.
 * Spec: docs/spec/sync.md, "Keeping"; docs/spec/storage.md, "Evicted payloads".
 */
import type { DeviceId, LogId, MessageId } from "../../src/core/base/ids.ts";
import { contains, NO_RANGES } from "../../src/core/log/ranges.ts";
import { messageOfKey, messageRowKey } from "../../src/core/inbox/row-keys.ts";
import { decodeMessageRow } from "../../src/core/inbox/rows.ts";
import { countIn, NOTHING, unite, without } from "../../src/core/sync/promises.ts";
import type { Commit } from "../../src/core/sync/ports.ts";
import type { RangesByLog } from "../../src/core/sync/types.ts";
import { decodePlaces } from "../../src/app/replica/ledger.ts";
import { META } from "../../src/app/replica/meta-names.ts";
import type { MemoryDisk } from "../doubles/memory-disk.ts";
import type { Machine } from "./machine.ts";

export class KeepingWitness {
  /** Whose disks count; those that a clone or a hostile device has keep nothing for anybody. */
  machines: readonly Machine[] = [];
  readonly #count: (path: string) => void;
  readonly #hold: (invariant: number, condition: boolean, what: () => string) => void;
  /** Where texts stood that were on another device when the view of a disk was built again: it knows nothing of these messages. */
  readonly #unfolded = new WeakMap<MemoryDisk, RangesByLog>();
  /** What each disk promised before, to see what it releases. */
  readonly #given = new WeakMap<MemoryDisk, Map<string, RangesByLog>>();

  constructor(
    count: (path: string) => void,
    hold: (invariant: number, condition: boolean, what: () => string) => void,
  ) {
    this.#count = count;
    this.#hold = hold;
  }

  /** Every commit that became durable. */
  durable(machine: Machine, disk: MemoryDisk, commit: Commit): void {
    for (const [log, entries] of commit.bodiless ?? [])
      for (const [position, { state }] of entries)
        if (state === "absent") this.#evicted(machine, log, position);
    for (const [name, value] of commit.meta) {
      if (name.startsWith(META.keptFor)) this.#promised(disk, name, value);
      if (name !== META.unfolded || value === null || placesIn(value).size === 0) continue;
      const before = this.#unfolded.get(disk);
      if (before === undefined) this.#count("view built again without what was evicted");
      this.#unfolded.set(disk, unite(before ?? NOTHING, placesIn(value)));
    }
  }

  /** A view of the machine was built at some time without what stood there, since it was on another device. */
  wasUnfolded({ disk }: Machine, place: EntryPlace): boolean {
    const unfolded = disk === undefined ? undefined : this.#unfolded.get(disk);
    return unfolded !== undefined && holds(unfolded, place);
  }

  /**
   * 2: an entry that r devices acknowledged survives the loss of r - 1 of them, unless it was evicted against another's promise: so at the
   * moment of evicting another disk holds the payload and the promise, and this one has promised it to nobody. What the keeper has purged
   * meanwhile is to go everywhere, also where this device has not heard of it yet.
   */
  #evicted(machine: Machine, log: LogId, position: number): void {
    this.#count("evicted against a promise");
    const place = { log, position };
    this.#hold(
      2,
      this.#keepersOf(machine, place).some((keeper) => isWhole(keeper, place) || isPurged(keeper, place)),
      () => `${machine.name} evicted what no other disk holds and has promised to keep for it`,
    );
    const bound = this.#others(machine).filter(
      ({ device }) => device !== null && holds(promisesOf(machine, META.keptFor, device), place),
    );
    this.#hold(2, bound.length === 0, () => `${machine.name} evicted what it has promised to keep`);
  }

  #promised(disk: MemoryDisk, name: string, value: Uint8Array | null): void {
    const given = this.#given.get(disk) ?? new Map<string, RangesByLog>();
    this.#given.set(disk, given);
    const now = value === null ? NOTHING : placesIn(value);
    if (countIn(without(given.get(name) ?? NOTHING, now)) > 0) this.#count("promise released");
    given.set(name, now);
  }

  /** 2: whatever a device has evicted and relies on another for, that other one has promised it still, and has it; run or not. */
  check(): void {
    for (const machine of this.machines)
      for (const keeper of this.#others(machine)) {
        if (keeper.device === null) continue;
        const relied = promisesOf(machine, META.keptBy, keeper.device);
        for (const place of eachOf(relied)) {
          if (isExcused(keeper, place)) continue;
          const isPromised = holds(promisesOf(keeper, META.keptFor, machine.device), place);
          this.#hold(2, isPromised, () => `${keeper.name} forgot what it promised ${machine.name} to keep`);
          this.#hold(
            2,
            isWhole(keeper, place),
            () => `${keeper.name} lost what it keeps for ${machine.name}`,
          );
        }
      }
  }

  /** 2: what was evicted and is not purged somebody keeps whom its device relies on. Asked when all is calm. */
  checkKept(): void {
    for (const machine of this.machines)
      for (const place of eachOf(noted(machine, META.evicted))) {
        if (isPurged(machine, place)) continue;
        const keepers = this.#keepersOf(machine, place);
        this.#hold(
          2,
          keepers.some((keeper) => isWhole(keeper, place)),
          () => `nobody keeps what ${machine.name} evicted`,
        );
      }
  }

  /** What was promised is relied on, or has been released. Asked at the end, long after anything was evicted. */
  checkReleased(): void {
    for (const machine of this.machines)
      for (const other of this.#others(machine)) {
        const loose = without(
          promisesOf(machine, META.keptFor, other.device),
          promisesOf(other, META.keptBy, machine.device),
        );
        this.#hold(
          2,
          countIn(loose) === 0,
          () =>
            `${machine.name} keeps ${countIn(loose)} messages for ${other.name}, which relies on none of them`,
        );
      }
  }

  /** What the view of this device lacks since it was built again without what is kept elsewhere; of what is purged nothing comes. */
  lacksRows(machine: Machine): boolean {
    return [...eachOf(noted(machine, META.unfolded))].some((place) => !isPurged(machine, place));
  }

  /** One of these devices has promised one of these messages to the machine. */
  isAnyKeptBy(machine: Machine, ids: readonly MessageId[], devices: ReadonlySet<string>): boolean {
    const places = ids.map((id) => placeOf(machine, id)).filter((place) => place !== null);
    return this.#others(machine).some(
      ({ device }) =>
        device !== null &&
        devices.has(device) &&
        places.some((place) => holds(promisesOf(machine, META.keptBy, device), place)),
    );
  }

  /** On whom the machine relies for a place, and who has promised it to the machine, both as their disks say. */
  #keepersOf(machine: Machine, place: EntryPlace): readonly Machine[] {
    return this.#others(machine).filter(
      (keeper) =>
        keeper.device !== null &&
        holds(promisesOf(machine, META.keptBy, keeper.device), place) &&
        holds(promisesOf(keeper, META.keptFor, machine.device), place),
    );
  }

  #others(machine: Machine): readonly Machine[] {
    return this.machines.filter((other) => other !== machine);
  }
}

interface EntryPlace {
  readonly log: LogId;
  readonly position: number;
}

/** Messages of which the view of a machine has a row, and the disk no payload. */
export function evictedMessages({ disk }: Machine): readonly MessageId[] {
  const state = disk?.state;
  if (state === undefined || !state.meta.has(META.evicted)) return [];
  const known = evictedByVersion.get(state.version);
  if (known !== undefined) return known;
  const found: MessageId[] = [];
  for (const [key, row] of state.rows) {
    if (!key.startsWith("m")) continue;
    const { content } = decodeMessageRow(row);
    const log = content === null ? undefined : state.logOf(content.place.logNumber);
    if (content === null || log === undefined) continue;
    if (state.logs.get(log)?.entries.get(content.place.position)?.state === "absent")
      found.push(messageOfKey(key));
  }
  found.sort();
  evictedByVersion.set(state.version, found);
  return found;
}

const evictedByVersion = new WeakMap<object, readonly MessageId[]>();

/** This device has promised another one to keep it, as its disk says. */
export function hasPromised({ disk }: Machine, place: EntryPlace): boolean {
  for (const [name, value] of disk?.state.meta ?? [])
    if (name.startsWith(META.keptFor) && holds(placesIn(value), place)) return true;
  return false;
}

function placeOf({ disk }: Machine, id: MessageId): EntryPlace | null {
  const row = disk?.state.rows.get(messageRowKey(id));
  const content = row === undefined ? null : decodeMessageRow(row).content;
  const log = content === null ? undefined : disk?.state.logOf(content.place.logNumber);
  return content === null || log === undefined ? null : { log, position: content.place.position };
}

function promisesOf(machine: Machine, name: string, device: DeviceId | null): RangesByLog {
  return device === null ? NOTHING : noted(machine, `${name}${device}`);
}

function noted({ disk }: Machine, name: string): RangesByLog {
  const value = disk?.state.meta.get(name);
  return value === undefined ? NOTHING : placesIn(value);
}

/** Values are never changed in place. */
const placesByValue = new WeakMap<Uint8Array, RangesByLog>();

function placesIn(value: Uint8Array): RangesByLog {
  const known = placesByValue.get(value);
  if (known !== undefined) return known;
  const places = decodePlaces(value);
  placesByValue.set(value, places);
  return places;
}

function holds(places: RangesByLog, { log, position }: EntryPlace): boolean {
  return contains(places.get(log) ?? NO_RANGES, position);
}

function* eachOf(places: RangesByLog): Generator<EntryPlace, void, undefined> {
  for (const [log, ranges] of places)
    for (const { from, to } of ranges)
      for (let position = from; position < to; position++) yield { log, position };
}

function isWhole({ disk }: Machine, { log, position }: EntryPlace): boolean {
  return (
    disk?.state.logs.get(log)?.entries.get(position)?.state === "present" && !disk.isDamaged(log, position)
  );
}

function isPurged({ disk }: Machine, { log, position }: EntryPlace): boolean {
  return disk?.state.logs.get(log)?.entries.get(position)?.state === "purged";
}

/** A purge is for everyone, and what damage took its device says itself. */
function isExcused(keeper: Machine, place: EntryPlace): boolean {
  const { log, position } = place;
  return isPurged(keeper, place) || keeper.wasDamaged(log, { from: position, to: position + 1 });
}
