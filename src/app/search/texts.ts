/**
 * Reads messages for the index as they are now: which message an entry or an edit stands for, and its text.
 * Spec: docs/spec/search.md. Tests: test/integration/app/search.test.ts.
 */
import type { MessageId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { Operation, OrderKey } from "../../core/inbox/types.ts";
import { type FoundMessage, messageRowKey, readMessageRow } from "../../core/inbox/view.ts";
import type { Place } from "../../core/log/rows.ts";
import type { StoredEntry } from "../../core/sync/ports.ts";
import type { Text } from "../../core/search/segment-maker.ts";
import { openEntry } from "../replica/sealing.ts";
import type { Replica } from "../replica/replica.ts";

/** What the inbox shows as the texts of messages, in their order; null where there is none to be read. */
export type CurrentTexts = (messages: readonly FoundMessage[]) => Promise<readonly (string | null)[]>;

/** A message with its present text. */
export interface TextOf extends Text {
  readonly id: MessageId;
  readonly order: OrderKey;
  readonly found: FoundMessage;
}

export class Texts {
  readonly #replica: Replica;
  readonly #current: CurrentTexts;

  constructor(replica: Replica, current: CurrentTexts) {
    this.#replica = replica;
    this.#current = current;
  }

  /**
   * Messages that stand at positions `[from, to)` of a log, and those that edits there name. Positions whose entries are damaged are left out, and given back.
   */
  async in(
    logNumber: number,
    from: number,
    to: number,
  ): Promise<{ readonly texts: readonly TextOf[]; readonly damaged: readonly number[] }> {
    const log = this.#replica.ports.store.logOf(logNumber);
    if (log === undefined) return { texts: [], damaged: [] };
    try {
      return {
        texts: await this.#textsOf(await this.#replica.ports.store.entries(log, from, to)),
        damaged: [],
      };
    } catch (error) {
      if (!isEngineError(error, "STORE_DAMAGED")) throw error;
      if (to - from === 1) return { texts: [], damaged: [from] };
      const middle = Math.floor((from + to) / 2);
      const [low, high] = [await this.in(logNumber, from, middle), await this.in(logNumber, middle, to)];
      return { texts: [...low.texts, ...high.texts], damaged: [...low.damaged, ...high.damaged] };
    }
  }

  /** Those of the places whose entries are messages that are here, each once. @throws EngineError `STORE_DAMAGED`. */
  async at(places: readonly Place[]): Promise<readonly TextOf[]> {
    const entries = await this.#replica.ports.store.entriesAt(places);
    return this.#textsOf(entries.filter((entry) => entry !== undefined));
  }

  async #textsOf(entries: readonly StoredEntry[]): Promise<readonly TextOf[]> {
    const written = new Map<MessageId, { readonly text: string; readonly at: StoredEntry }>();
    const wanted = new Set<MessageId>();
    for (const stored of entries) {
      const operation = this.#operation(stored);
      if (operation === null) continue;
      const { body } = operation;
      if (body.kind === "message") {
        written.set(operation.id, { text: body.text, at: stored });
        wanted.add(operation.id);
      } else if (body.kind === "edit") wanted.add(body.message);
    }
    const ids = [...wanted];
    const rows = await this.#replica.ports.store.rows(ids.map((id) => messageRowKey(id)));
    const found = ids.flatMap((id, at) => {
      const row = rows[at];
      const message = row === undefined ? null : readMessageRow(id, row);
      return message === null || message.unsent || message.later ? [] : [message];
    });
    return this.#withTexts(found, written);
  }

  async #withTexts(
    found: readonly FoundMessage[],
    written: ReadonlyMap<MessageId, { readonly text: string; readonly at: StoredEntry }>,
  ): Promise<readonly TextOf[]> {
    // Most were never edited, and their text is at hand already.
    const others = found.filter(({ id, edited, place }) => {
      const at = written.get(id)?.at;
      // Of two contents under one id only one stands.
      const isThis =
        at?.position === place.position && at.log === this.#replica.ports.store.logOf(place.logNumber);
      return edited || !isThis;
    });
    const read = others.length === 0 ? [] : await this.#current(others);
    const byId = new Map(others.map(({ id }, at) => [id, read[at] ?? null]));
    return found.flatMap((message) => {
      const { id, order, place, conversation } = message;
      const text = byId.has(id) ? byId.get(id)! : (written.get(id)?.text ?? null);
      return text === null
        ? []
        : [{ id, order, ms: order.stamp.ms, place, conversation, text, found: message }];
    });
  }

  #operation({ log, position, entry }: StoredEntry): Operation | null {
    const { account, members, keys } = this.#replica;
    const owner = members.logs.get(log);
    if (owner === undefined) return null;
    const opened = openEntry(entry, { account, log, position }, owner.device, keys);
    return opened.kind === "operation" ? opened.operation : null;
  }
}
