/**
 * Reads entries: from commits in flight, then from the database, each against its check. What is held and what is proved,
 * others know.
 * Tests: test/contracts/store.contract.ts.
 */
import type { Place } from "../../core/log/rows.ts";
import type { BatchEntry } from "../../core/log/types.ts";
import { decodeEntry, type KindTable } from "./entry-codec.ts";
import { entryKey, positionOf } from "./keys.ts";
import type { Database } from "./level-database.ts";
import type { Overlay } from "./overlay.ts";
import { bodyOf, damaged } from "./row-check.ts";

/** Undefined: there is a row, and it is not what was written. */
export interface ReadEntry {
  readonly position: number;
  readonly entry: BatchEntry | undefined;
}

export class EntryReader {
  readonly #database: Database;
  readonly #overlay: Overlay;
  readonly #kinds: KindTable;

  constructor(parts: { readonly database: Database; readonly overlay: Overlay; readonly kinds: KindTable }) {
    this.#database = parts.database;
    this.#overlay = parts.overlay;
    this.#kinds = parts.kinds;
  }

  /** All of `[from, to)` that is stored or in flight, ascending; damaged ones without their entry. */
  async range(logNumber: number, from: number, to: number): Promise<readonly ReadEntry[]> {
    const inFlight = this.#overlay.entriesIn(logNumber, from, to);
    const found: ReadEntry[] = [];
    for await (const chunk of this.stored(logNumber, { from, to, reverse: false })) {
      for (const read of chunk) if (!inFlight.has(read.position)) found.push(read);
    }
    if (inFlight.size === 0) return found;
    for (const [position, entry] of inFlight) found.push({ position, entry });
    return found.sort((a, b) => a.position - b.position);
  }

  /** The same without the damaged ones. */
  async readable(
    logNumber: number,
    from: number,
    to: number,
  ): Promise<readonly { readonly position: number; readonly entry: BatchEntry }[]> {
    const all = await this.range(logNumber, from, to);
    return all.flatMap(({ position, entry }) => (entry === undefined ? [] : [{ position, entry }]));
  }

  /** What the database has of `[from, to)`, in chunks, as it is at the call. */
  stored(
    logNumber: number,
    span: { readonly from: number; readonly to: number; readonly reverse: boolean },
  ): AsyncIterable<readonly ReadEntry[]> {
    const chunks = this.#database.read({
      from: entryKey(logNumber, span.from),
      to: entryKey(logNumber, span.to),
      reverse: span.reverse,
    });
    const decode = ([key, value]: readonly [Uint8Array, Uint8Array]): ReadEntry => ({
      position: positionOf(key),
      entry: this.#decode(key, value),
    });
    return {
      async *[Symbol.asyncIterator]() {
        for await (const chunk of chunks) yield chunk.map(decode);
      },
    };
  }

  /**
   * One entry for each place, undefined where there is none.
   *
   * @throws EngineError `STORE_DAMAGED` where one is not what was written, or is hidden although it is held.
   */
  async at(
    places: readonly Place[],
    isHeld: (place: Place) => boolean,
  ): Promise<readonly (BatchEntry | undefined)[]> {
    const found = places.map(({ logNumber, position }) => this.#overlay.entry(logNumber, position));
    const missing = [...found.keys()].filter((at) => found[at] === undefined);
    const keys = missing.map((at) => entryKey(places[at]!.logNumber, places[at]!.position));
    const values = await this.#database.getMany(keys);
    for (const [n, at] of missing.entries()) {
      const value = values[n];
      if (value === undefined && !isHeld(places[at]!)) continue;
      if (value === undefined) throw damaged("an entry that is held cannot be found");
      found[at] = this.#decode(keys[n]!, value);
      if (found[at] === undefined) throw damaged("an entry is not what was written");
    }
    return found;
  }

  #decode(key: Uint8Array, value: Uint8Array): BatchEntry | undefined {
    const body = bodyOf(key, value);
    return body === undefined ? undefined : decodeEntry(body, this.#kinds);
  }
}
