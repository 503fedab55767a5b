/**
 * Reads entries: from commits in flight, then from the database, each against its check. By their keys and not by a range, since
 * what is held says which there are: so one that is hidden or gone is noticed. Where the first row of an entry that was written
 * twice is not what was written, the second is read.
 * Tests: test/contracts/store.contract.ts.
 */
import { contains, intersect, type Range, type Ranges } from "../../core/log/ranges.ts";
import type { Place } from "../../core/log/rows.ts";
import type { BatchEntry } from "../../core/log/types.ts";
import { decodeEntry, type KindTable } from "./entry-codec.ts";
import { entryCopyKey, entryKey } from "./keys.ts";
import type { Database } from "./level-database.ts";
import type { Overlay } from "./overlay.ts";
import { bodyOf, damaged, readable } from "./row-check.ts";

/**
 * A second row holds every bit the other way round: of two rows that are alike, a packed block holds one and a reference to it, and one
 * flipped bit would damage both.
 */
export function inverted(body: Uint8Array): Uint8Array {
  return body.map((byte) => ~byte);
}

/** Undefined: it is held, and what is stored is not what was written, or nothing. */
export interface ReadEntry {
  readonly position: number;
  readonly entry: BatchEntry | undefined;
}

export interface WholeEntry {
  readonly position: number;
  readonly entry: BatchEntry;
}

/** The two rows of an entry, each undefined where it is not there or not what was written. */
export interface EntryRows {
  readonly position: number;
  readonly first: Uint8Array | undefined;
  readonly second: Uint8Array | undefined;
}

export class EntryReader {
  readonly #database: Database;
  readonly #overlay: Overlay;
  readonly #kinds: KindTable;
  readonly #heldOf: (logNumber: number) => Ranges;
  readonly #onCopy: () => void;
  constructor(parts: {
    readonly database: Database;
    readonly overlay: Overlay;
    readonly kinds: KindTable;
    /** Commits in flight included. */
    readonly heldOf: (logNumber: number) => Ranges;
    /** A second row stood in for the first. */
    readonly onCopy: () => void;
  }) {
    this.#database = parts.database;
    this.#overlay = parts.overlay;
    this.#kinds = parts.kinds;
    this.#heldOf = parts.heldOf;
    this.#onCopy = parts.onCopy;
  }

  /** All that is held of `[from, to)`, ascending. */
  async range(logNumber: number, { from, to }: Range): Promise<readonly ReadEntry[]> {
    const positions = positionsIn(intersect(this.#heldOf(logNumber), [{ from, to }]));
    const inFlight = this.#overlay.entriesIn(logNumber, from, to);
    const stored = inFlight.size === 0 ? positions : positions.filter((position) => !inFlight.has(position));
    const bodies = await this.#bodiesAt(stored.map((position) => ({ logNumber, position })));
    const read = stored.map((position, at) => ({ position, entry: this.#decode(bodies[at]) }));
    if (inFlight.size === 0) return read;
    for (const [position, entry] of inFlight) read.push({ position, entry });
    return read.sort((a, b) => a.position - b.position);
  }

  /** The same without those that are damaged. */
  async readable(logNumber: number, range: Range): Promise<readonly WholeEntry[]> {
    return (await this.range(logNumber, range)).filter(
      (read): read is WholeEntry => read.entry !== undefined,
    );
  }

  /**
   * One entry for each place, undefined where none is held.
   *
   * @throws EngineError `STORE_DAMAGED` where one that is held is not what was written, or not there.
   */
  async at(places: readonly Place[]): Promise<readonly (BatchEntry | undefined)[]> {
    const found = places.map(({ logNumber, position }) => this.#overlay.entry(logNumber, position));
    const isHeld = ({ logNumber, position }: Place): boolean => contains(this.#heldOf(logNumber), position);
    const missing = [...found.keys()].filter((at) => found[at] === undefined && isHeld(places[at]!));
    // In the order of the tables, so that each block is unpacked once however few LevelDB keeps.
    missing.sort((a, b) => comparePlaces(places[a]!, places[b]!));
    const bodies = await this.#bodiesAt(missing.map((at) => places[at]!));
    for (const [n, at] of missing.entries()) {
      found[at] = this.#decode(bodies[n]);
      if (found[at] === undefined) throw damaged("an entry is not what was written");
    }
    return found;
  }

  /** Both rows of each of these positions, as they are stored. */
  async rowsOf(logNumber: number, ranges: Ranges): Promise<readonly EntryRows[]> {
    const positions = positionsIn(ranges);
    const first = await this.#bodies(positions.map((position) => entryKey(logNumber, position)));
    const second = await this.#copies(positions.map((position) => ({ logNumber, position })));
    return positions.map((position, at) => ({ position, first: first[at], second: second[at] }));
  }

  /** What is stored at each place, by its second row where the first says nothing. */
  async #bodiesAt(places: readonly Place[]): Promise<readonly (Uint8Array | undefined)[]> {
    const bodies = await this.#bodies(places.map(({ logNumber, position }) => entryKey(logNumber, position)));
    const gone = [...bodies.keys()].filter((at) => bodies[at] === undefined);
    if (gone.length === 0) return bodies;
    const copies = await this.#copies(gone.map((at) => places[at]!));
    for (const [n, at] of gone.entries()) bodies[at] = copies[n];
    if (copies.some((copy) => copy !== undefined)) this.#onCopy();
    return bodies;
  }

  async #copies(places: readonly Place[]): Promise<readonly (Uint8Array | undefined)[]> {
    const keys = places.map(({ logNumber, position }) => entryCopyKey(logNumber, position));
    return (await this.#bodies(keys)).map((body) => (body === undefined ? undefined : inverted(body)));
  }

  async #bodies(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const values = await this.#getReadable(keys);
    return keys.map((key, at) => {
      const value = values[at];
      return value === undefined ? undefined : bodyOf(key, value);
    });
  }

  /** Around a block that cannot be read: what is in it counts as not there. */
  async #getReadable(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    const all = await readable(() => this.#database.getMany(keys));
    if (all !== undefined) return all;
    const values: (Uint8Array | undefined)[] = [];
    for (const key of keys) values.push((await readable(() => this.#database.getMany([key])))?.[0]);
    return values;
  }

  #decode(body: Uint8Array | undefined): BatchEntry | undefined {
    return body === undefined ? undefined : decodeEntry(body, this.#kinds);
  }
}

function comparePlaces(a: Place, b: Place): number {
  return a.logNumber - b.logNumber || a.position - b.position;
}

function positionsIn(ranges: Ranges): number[] {
  const positions: number[] = [];
  for (const { from, to } of ranges)
    for (let position = from; position < to; position++) positions.push(position);
  return positions;
}
