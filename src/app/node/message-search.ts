/**
 * Search for people: what they typed becomes a query, what was found becomes messages. Index: src/app/search.
 * Tests: test/integration/app/search.test.ts.
 */
import { parseQuery } from "../../core/search/query.ts";
import { orderText } from "../../core/inbox/stamp.ts";
import type { ConversationId } from "../../core/base/ids.ts";
import type { ConversationState } from "../../core/inbox/view.ts";
import type { MessageIndex } from "../search/message-index.ts";
import type { CurrentTexts } from "../search/texts.ts";
import { type InboxReader } from "./inbox-reader.ts";
import { textOf } from "./read-message.ts";
import { orderOfArgument } from "./order-argument.ts";
import type { KinlogNode, Message, SearchResult } from "./types.ts";

const LIMIT_DEFAULT = 50;

export class MessageSearch {
  readonly #inbox: InboxReader;
  readonly #index: MessageIndex;
  readonly #isBuilding: boolean;

  /** `isBuilding`: the index is built in the background; else a search builds it first. */
  constructor(input: {
    readonly inbox: InboxReader;
    readonly index: MessageIndex;
    readonly isBuilding: boolean;
  }) {
    this.#inbox = input.inbox;
    this.#index = input.index;
    this.#isBuilding = input.isBuilding;
  }

  readonly search: KinlogNode["messages"]["search"] = async (wanted, { onProgress } = {}) => {
    const query = parseQuery(wanted.text);
    const { conversation: name } = wanted;
    const conversation = name === undefined ? null : await this.#inbox.findConversation(name);
    const before = wanted.before === undefined ? null : await orderOfArgument(this.#inbox, wanted.before);
    if (!this.#isBuilding)
      await this.#index.complete((covered) => onProgress?.({ what: "search", ...covered }));
    const limit = wanted.limit ?? LIMIT_DEFAULT;
    const { found, next } = await this.#index.search({ query, conversation, limit, before });
    const states = new Map<ConversationId, ConversationState | undefined>();
    const messages: Message[] = [];
    for (const read of await this.#inbox.open(found)) {
      const id = read.ordered.conversation;
      if (!states.has(id)) states.set(id, await this.#inbox.conversation(id));
      messages.push(this.#inbox.message(read, states.get(id)));
    }
    const result: SearchResult = {
      messages,
      next: next === null ? null : orderText(next),
      indexed: await this.#index.covered(),
    };
    return result;
  };
}

/** What the index lists of messages: as they count now. */
export function currentTexts(inbox: InboxReader): CurrentTexts {
  return async (messages) => {
    const read = new Map((await inbox.open(messages)).map((each) => [each.ordered.id, textOf(each)]));
    return messages.map(({ id }) => read.get(id) ?? null);
  };
}
