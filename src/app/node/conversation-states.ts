/**
 * What the stored view says of each conversation, kept in memory for the list: reading and decoding thousands of rows would take longer
 * than all else of it. Read once, then told by what becomes durable. No text is kept. Tests: test/integration/app/conversation-list.test.ts.
 */
import { compareForList, type ConversationState, readConversationRow } from "../../core/inbox/view.ts";
import type { RowKey } from "../../core/log/rows.ts";
import type { Replica } from "../replica/replica.ts";
import type { InboxReader } from "./inbox-reader.ts";

/** More are read anew for each list: about 10 MB. */
const KEPT_MAX = 20_000;

type States = Map<string, ConversationState>;

export class ConversationStates {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  /** By conversation; null until they are asked for. */
  #states: Promise<States> | null = null;
  #viewsBuilt = 0;
  /** What was told while they were being read; it is newer. */
  #told: States = new Map();
  #sorted: readonly ConversationState[] | null = null;

  constructor(replica: Replica, inbox: InboxReader) {
    this.#replica = replica;
    this.#inbox = inbox;
    replica.subscribe(({ rows }) => {
      if (this.#states !== null) for (const [key, row] of rows) if (key.startsWith("c")) this.#tell(key, row);
    });
  }

  /** All that a message names: pinned ones first, then the most recently used. */
  async list(): Promise<readonly ConversationState[]> {
    // A view that was built again may say otherwise of any of them.
    if (this.#viewsBuilt !== this.#replica.viewsBuilt) this.#forget();
    const states = await this.#read();
    for (const [conversation, state] of this.#told) states.set(conversation, state);
    if (this.#told.size > 0) this.#sorted = null;
    this.#told = new Map();
    this.#sorted ??= [...states.values()].filter(({ name }) => name !== null).toSorted(compareForList);
    const sorted = this.#sorted;
    if (states.size > KEPT_MAX) this.#forget();
    return sorted;
  }

  async #read(): Promise<States> {
    const reading = (this.#states ??= this.#inbox
      .conversations()
      .then((all) => new Map(all.map((state) => [state.conversation, state]))));
    try {
      return await reading;
    } catch (error) {
      if (this.#states === reading) this.#forget();
      throw error;
    }
  }

  #tell(key: RowKey, row: Uint8Array): void {
    const state = readConversationRow(key, row);
    this.#told.set(state.conversation, state);
  }

  #forget(): void {
    this.#states = null;
    this.#sorted = null;
    this.#told = new Map();
    this.#viewsBuilt = this.#replica.viewsBuilt;
  }
}
