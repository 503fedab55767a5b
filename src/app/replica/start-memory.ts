/**
 * What every start reads of the store, read around what is damaged: a flipped bit must lock nobody out. The store knows that it met
 * damage, and it is set right before anything is written. Spec: docs/spec/storage.md, "Opening". Tests: test/integration/app/damaged-control.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { LogId } from "../../core/base/ids.ts";
import { NO_RANGES, type Ranges, rangeOf, union } from "../../core/log/ranges.ts";
import type { LogState } from "../../core/log/types.ts";
import type { Store, StoredEntry } from "../../core/sync/ports.ts";

export class StartMemory {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A small value, undefined where there is none or where it is damaged. */
  async read<Value>(name: string, decode: (bytes: Uint8Array) => Value): Promise<Value | undefined> {
    const bytes = await this.#readable(() => this.#store.meta(name));
    return bytes === undefined ? undefined : decode(bytes);
  }

  /** All that is held of a log and can be read, and which positions cannot. */
  async entries(
    log: LogId,
    { head, held }: LogState,
  ): Promise<{ readonly found: readonly StoredEntry[]; readonly missing: Ranges }> {
    const found = await this.#readable(() => this.#store.entries(log, 0, head.length));
    return found === undefined ? this.#oneByOne(log, held) : { found, missing: NO_RANGES };
  }

  async #oneByOne(
    log: LogId,
    held: Ranges,
  ): Promise<{ readonly found: readonly StoredEntry[]; readonly missing: Ranges }> {
    const found: StoredEntry[] = [];
    let missing: Ranges = NO_RANGES;
    for (const { from, to } of held) {
      for (let position = from; position < to; position++) {
        const entries = await this.#readable(() => this.#store.entries(log, position, position + 1));
        if (entries === undefined) missing = union(missing, rangeOf(position, position + 1));
        else found.push(...entries);
      }
    }
    return { found, missing };
  }

  async #readable<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isEngineError(error, "STORE_DAMAGED")) throw error;
      return undefined;
    }
  }
}
