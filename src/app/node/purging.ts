/**
 * Erasing messages on all devices, for good: finds what is meant and writes the purges that name it. What is erased, and when, is not decided
 * here. Spec: docs/spec/purge.md, "Writing". Tests: test/integration/app/purging.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import type { ConversationId, MessageId } from "../../core/base/ids.ts";
import { placeName } from "../replica/message-spots.ts";
import type { Replica } from "../replica/replica.ts";
import { requireConfirmed } from "./confirmation.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { Confirmed } from "./types.ts";

/** Messages looked at for one that says how its conversation was written. */
const READ_FOR_ADDRESS = 50;

export class Purging {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;

  constructor(replica: Replica, inbox: InboxReader) {
    this.#replica = replica;
    this.#inbox = inbox;
  }

  /** Nothing is written before every one of them was found. */
  async purge(ids: readonly string[], options: Confirmed = {}): Promise<{ readonly done: number }> {
    const found = new Set((await this.#inbox.findMessages(ids)).map(({ id }) => id));
    requireConfirmed(found.size, options, "be erased for good");
    return { done: await this.write([...found]) };
  }

  /**
   * Purges one after the other until all that is here of the messages is named. Resolves with how many of the messages had something to be
   * named.
   */
  async write(messages: readonly MessageId[], options: { readonly binned?: boolean } = {}): Promise<number> {
    const known = new Set<string>();
    const written = new Set<MessageId>();
    for (let left = messages; left.length > 0;) {
      const { entries, done, targets } = await this.#replica.writer.purge({
        messages: left,
        named: known,
        ...options,
        addressOf: this.addressOf,
      });
      for (const { log, position } of entries) known.add(placeName(log, position));
      for (const id of targets) written.add(id);
      // Of the first nothing can be named now: what it stands in is damaged.
      const isStuck = done.length === 0 && entries.length === 0;
      left = left.slice(isStuck ? 1 : done.length);
    }
    return written.size;
  }

  /** As the conversation is shown, or as one of its messages says it. */
  readonly addressOf = async (conversation: ConversationId): Promise<string> => {
    const state = await this.#inbox.conversation(conversation);
    const [address] = await this.#inbox.addresses([state]);
    if (address !== null && address !== undefined) return address;
    const [read] = await this.#inbox.messages(conversation, {
      limit: READ_FOR_ADDRESS,
      before: null,
      deleted: true,
    });
    if (read !== undefined) return read.operation.body.conversation;
    throw new EngineError("STORE_DAMAGED", "what the conversation is called cannot be read", {
      remedy: "Run `kinlog verify --repair` while another device is connected.",
    });
  };
}
