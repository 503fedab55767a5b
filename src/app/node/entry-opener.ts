/** Opens the operations that stand at places of the logs, at the moment they are read: no text is kept anywhere else. */
import { isEngineError } from "../../core/base/errors.ts";
import type { Operation } from "../../core/inbox/types.ts";
import type { Place } from "../../core/log/rows.ts";
import type { StoredEntry } from "../../core/sync/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { openEntry } from "../replica/sealing.ts";

export class EntryOpener {
  readonly #replica: Replica;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** In the order of the places; null where one holds nothing that can be read now: `verify` reports those. */
  async operationsAt(places: readonly Place[]): Promise<readonly (Operation | null)[]> {
    if (places.length === 0) return [];
    const entries = await this.#replica.ports.store.entriesAt(places);
    return places.map((_, at) => this.#operation(entries[at]));
  }

  /** Which of the places hold an entry whose payload was evicted. */
  async evictedAt(places: readonly Place[]): Promise<readonly boolean[]> {
    if (places.length === 0) return [];
    const entries = await this.#replica.ports.store.entriesAt(places);
    return entries.map((stored) => stored?.entry.state === "absent");
  }

  /** As `operationsAt`, and null where the entry is damaged: a name that is gone must keep nobody from opening the device and repairing it. */
  async readableAt(places: readonly Place[]): Promise<readonly (Operation | null)[]> {
    try {
      return await this.operationsAt(places);
    } catch (error) {
      if (!isEngineError(error, "STORE_DAMAGED")) throw error;
      if (places.length === 1) return [null];
      const read: (Operation | null)[] = [];
      for (const place of places) read.push(...(await this.readableAt([place])));
      return read;
    }
  }

  #operation(stored: StoredEntry | undefined): Operation | null {
    if (stored === undefined) return null;
    const { account, members, keys } = this.#replica;
    const owner = members.logs.get(stored.log);
    if (owner === undefined) return null;
    const place = { account, log: stored.log, position: stored.position };
    const opened = openEntry(stored.entry, place, owner.device, keys);
    return opened.kind === "operation" ? opened.operation : null;
  }
}
