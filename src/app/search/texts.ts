/**
 * Reads messages for the index as they are now: which message an entry or an edit stands for, and its text.
 * Spec: docs/spec/search.md. Tests: test/integration/app/search.test.ts.
 */
import type { ConversationId, MessageId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { Operation, OrderKey } from "../../core/inbox/types.ts";
import { type FoundMessage, messageRowKey, readMessageRow } from "../../core/inbox/view.ts";
import type { Range } from "../../core/log/ranges.ts";
import type { Place } from "../../core/log/rows.ts";
import type { StoredEntry } from "../../core/sync/ports.ts";
import type { Text } from "../../core/search/segment-maker.ts";
import { openEntry } from "../replica/sealing.ts";
import type { Replica } from "../replica/replica.ts";

/** What the inbox shows as the texts of messages, in their order; null where there is none to be read. */
export type CurrentTexts = (messages: readonly FoundMessage[]) => Promise<readonly (string | null)[]>;

/** A message with its present text. */
export interface TextOf {
  readonly id: MessageId;
  readonly text: string;
  readonly found: FoundMessage;
}

/** What the index is to list of a message. */
export interface Listed extends Text {
  readonly id: MessageId;
  readonly order: OrderKey;
  /** An edit said so: the text as it was written counts no more. */
  readonly isEdited: boolean;
}

/** What was read, and positions whose entries are damaged. */
export interface ReadTexts<Of> {
  readonly texts: readonly Of[];
  readonly damaged: readonly number[];
}

const ADDRESSES_MAX = 10_000;

export class Texts {
  readonly #replica: Replica;
  readonly #current: CurrentTexts;
  readonly #conversations = new Map<string, ConversationId>();

  constructor(replica: Replica, current: CurrentTexts) {
    this.#replica = replica;
    this.#current = current;
  }

  /** Messages as they are now that stand at positions `[from, to)` of a log, and those that edits there name. */
  in(logNumber: number, from: number, to: number): Promise<ReadTexts<TextOf>> {
    return this.#read(logNumber, { from, to }, (entries) => this.#textsOf(entries));
  }

  /**
   * What to list of the same messages: as they were written, and of edits as they are now. Asks for no row of the view but those that edits
   * name: rows lie in the order of their ids, and reading one for each message would take longer than all else.
   */
  listedIn(logNumber: number, from: number, to: number): Promise<ReadTexts<Listed>> {
    return this.#read(logNumber, { from, to }, (entries) => this.#listedOf(logNumber, entries));
  }

  /** Those of the places whose entries are messages that are here, each once. @throws EngineError `STORE_DAMAGED`. */
  async at(places: readonly Place[]): Promise<readonly TextOf[]> {
    const entries = await this.#replica.ports.store.entriesAt(places);
    return this.#textsOf(entries.filter((entry) => entry !== undefined));
  }

  async #read<Of>(
    logNumber: number,
    { from, to }: Range,
    textsOf: (entries: readonly StoredEntry[]) => Promise<readonly Of[]>,
  ): Promise<ReadTexts<Of>> {
    const log = this.#replica.ports.store.logOf(logNumber);
    if (log === undefined) return { texts: [], damaged: [] };
    try {
      return { texts: await textsOf(await this.#replica.ports.store.entries(log, from, to)), damaged: [] };
    } catch (error) {
      if (!isEngineError(error, "STORE_DAMAGED")) throw error;
      if (to - from === 1) return { texts: [], damaged: [from] };
      const middle = Math.floor((from + to) / 2);
      const low = await this.#read(logNumber, { from, to: middle }, textsOf);
      const high = await this.#read(logNumber, { from: middle, to }, textsOf);
      return { texts: [...low.texts, ...high.texts], damaged: [...low.damaged, ...high.damaged] };
    }
  }

  async #listedOf(logNumber: number, entries: readonly StoredEntry[]): Promise<readonly Listed[]> {
    const listed: Listed[] = [];
    const edited = new Set<MessageId>();
    for (const stored of entries) {
      const operation = this.#operation(stored);
      if (operation === null) continue;
      const { id, stamp, body } = operation;
      if (body.kind === "edit") edited.add(body.message);
      if (body.kind !== "message") continue;
      const place = { logNumber, position: stored.position };
      const conversation = this.#conversationOf(body.conversation);
      if (conversation === null) continue;
      listed.push({
        id,
        order: { stamp, id },
        ms: stamp.ms,
        place,
        conversation,
        text: body.text,
        isEdited: false,
      });
    }
    for (const { id, text, found } of edited.size === 0
      ? []
      : await this.#textsWith([...edited], new Map())) {
      const { order, place, conversation } = found;
      listed.push({ id, order, ms: order.stamp.ms, place, conversation, text, isEdited: true });
    }
    return listed;
  }

  /** By the address as given: an import names few of them again and again. */
  #conversationOf(address: string): ConversationId | null {
    const known = this.#conversations.get(address);
    if (known !== undefined) return known;
    const conversation = this.#replica.fold?.conversationOf(address) ?? null;
    if (this.#conversations.size >= ADDRESSES_MAX) this.#conversations.clear();
    if (conversation !== null) this.#conversations.set(address, conversation);
    return conversation;
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
    return this.#textsWith([...wanted], written);
  }

  async #textsWith(
    ids: readonly MessageId[],
    written: ReadonlyMap<MessageId, { readonly text: string; readonly at: StoredEntry }>,
  ): Promise<readonly TextOf[]> {
    const rows = await this.#replica.ports.store.rows(ids.map((id) => messageRowKey(id)));
    const found = ids.flatMap((id, at) => {
      const row = rows[at];
      const message = row === undefined ? null : readMessageRow(id, row);
      return message === null || message.unsent || message.later ? [] : [message];
    });
    return this.#withTexts(await this.#replica.purged.without(found), written);
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
      const { id } = message;
      const text = byId.has(id) ? byId.get(id)! : (written.get(id)?.text ?? null);
      return text === null ? [] : [{ id, text, found: message }];
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
