/**
 * What people do with messages: each call checks what it was given, drafts operations or reads the inbox, and resolves when what it
 * promises is durable. The part of the node that needs no network.
 */
import type { ConversationId, MessageId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { validateAddress, validateText } from "../../core/inbox/address.ts";
import { orderText } from "../../core/inbox/stamp.ts";
import { MESSAGES_PER_DELETE_MAX, type OperationBody } from "../../core/inbox/types.ts";
import type { OrderedMessage } from "../../core/inbox/view.ts";
import type { Replica } from "../replica/replica.ts";
import { requireConfirmed } from "./confirmation.ts";
import { ConversationLines } from "./conversation-lines.ts";
import { ConversationProperties } from "./conversation-properties.ts";
import type { InboxReader } from "./inbox-reader.ts";
import { MessageMarking } from "./message-marking.ts";
import { ConversationStates } from "./conversation-states.ts";
import { freshDraft } from "./fresh-draft.ts";
import { orderOfArgument } from "./order-argument.ts";
import { shownMessages } from "./shown-messages.ts";
import type { Conversation, KinlogNode, Message } from "./types.ts";

const SHOW_DEFAULT = 50;
const LIST_DEFAULT = 200;
/** Messages that one command may put into the bin. */
const DELETE_MAX = 100_000;
const TO_THE_BIN = "go to the bin";

export class InboxWriting {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  readonly #marking: MessageMarking;
  readonly #properties: ConversationProperties;
  readonly #states: ConversationStates;
  readonly #lines: ConversationLines;

  constructor(replica: Replica, inbox: InboxReader) {
    this.#replica = replica;
    this.#inbox = inbox;
    this.#marking = new MessageMarking(replica, inbox);
    this.#properties = new ConversationProperties(replica, inbox);
    this.#states = new ConversationStates(replica, inbox);
    this.#lines = new ConversationLines(replica, inbox);
  }

  readonly messages: Omit<KinlogNode["messages"], "search" | "purge" | "fetch"> = {
    send: async (message) => {
      const { conversation, text, from, replyTo } = message;
      validateAddress(conversation);
      validateText(text);
      if (from !== undefined) validateAddress(from);
      const reply = replyTo === undefined ? null : await this.#inbox.findMessage(replyTo);
      const address = await this.#addressFor(conversation);
      const nowMs = this.#replica.ports.clock.wallMs();
      const draft = freshDraft(this.#replica, {
        kind: "message",
        conversation: address,
        direction: from === undefined ? "out" : "in",
        service: "kinlog",
        sender: from ?? null,
        text,
        sentAtMs: nowMs,
        receivedAtMs: from === undefined ? null : nowMs,
        replyTo: reply?.id ?? null,
        takenIn: false,
        readAtSource: false,
      });
      const [result] = await this.#replica.writer.append([draft]);
      return { id: draft.id, conversation: address, order: orderText(result!.order!) };
    },
    show: async (conversation, options = {}): Promise<readonly Message[]> => {
      const id = await this.#inbox.findConversation(conversation);
      const before = options.before === undefined ? null : await orderOfArgument(this.#inbox, options.before);
      const [ordered, state] = await Promise.all([
        this.#inbox.ordered(id, {
          limit: options.limit ?? SHOW_DEFAULT,
          before,
          deleted: options.deleted ?? false,
        }),
        this.#inbox.conversation(id),
      ]);
      return shownMessages(this.#inbox, ordered, state);
    },
    delete: async (ids, options = {}) => {
      requireConfirmed(new Set(ids).size, options, TO_THE_BIN);
      return this.#bin("delete", ids);
    },
    restore: (ids) => this.#bin("restore", ids),
    edit: (id, text) => this.#marking.edit(id, text),
    unsend: (id) => this.#marking.unsend(id),
    react: (id, emoji, options) => this.#marking.react(id, emoji, options),
    setStatus: (id, status) => this.#marking.setStatus(id, status),
    history: (id) => this.#marking.history(id),
  };

  readonly conversations: KinlogNode["conversations"] = {
    list: async (options = {}): Promise<readonly Conversation[]> => {
      const isWanted = options.archived ?? false;
      const read = async (): Promise<readonly Conversation[]> => {
        const states = (await this.#states.list())
          .filter(({ archive }) => (archive?.on ?? false) === isWanted)
          .slice(0, options.limit ?? LIST_DEFAULT);
        return this.#lines.of(states);
      };
      // A line whose address cannot be read names no conversation that could be asked for.
      return this.#inbox.certainly(read, (lines) => lines.every(({ conversation }) => conversation !== ""));
    },
    read: async (conversation) => {
      const id = await this.#inbox.findConversation(conversation);
      const [state, newest] = [await this.#inbox.conversation(id), await this.#inbox.newest(id)];
      if (state === undefined || newest === null || (await this.#inbox.unread(state)) === 0)
        return { done: 0 };
      return this.#write([{ kind: "read", conversation: id, upTo: newest }]);
    },
    unread: async (conversation) => {
      const id = await this.#inbox.findConversation(conversation);
      return this.#write([{ kind: "unread", conversation: id }]);
    },
    delete: async (conversation, options = {}) => {
      const id = await this.#inbox.findConversation(conversation);
      const all = await this.#inbox.ordered(id, { limit: DELETE_MAX, before: null, deleted: false });
      const before = options.before === undefined ? Number.POSITIVE_INFINITY : Date.parse(options.before);
      if (Number.isNaN(before)) {
        throw new EngineError("REQUEST_INVALID", "this is no time", {
          remedy: "Write it as 2026-01-31T12:00:00Z.",
        });
      }
      const found = await this.#sentBefore(all, before);
      requireConfirmed(found.length, options, TO_THE_BIN);
      return this.#writeBin("delete", found);
    },
    title: (conversation, title) => this.#properties.title(conversation, title),
    pin: (conversation, options) => this.#properties.pin(conversation, options),
    unpin: (conversation) => this.#properties.unpin(conversation),
    mute: (conversation, options) => this.#properties.mute(conversation, options),
    unmute: (conversation) => this.#properties.unmute(conversation),
    archive: (conversation) => this.#properties.archive(conversation),
    unarchive: (conversation) => this.#properties.unarchive(conversation),
    draft: (conversation, text) => this.#properties.draft(conversation, text),
    participants: (conversation, participants) => this.#properties.participants(conversation, participants),
  };

  /** What waits to be written is, before the node ends. */
  flush(): Promise<void> {
    return this.#properties.flush();
  }

  /** An existing conversation by address or title; else the address as given begins a new one. */
  async #addressFor(argument: string): Promise<string> {
    let id: ConversationId;
    try {
      id = await this.#inbox.findConversation(argument);
    } catch (error) {
      if (error instanceof EngineError && error.code === "NOT_FOUND") return argument.trim().normalize("NFC");
      throw error;
    }
    const state = await this.#inbox.conversation(id);
    const [address] = await this.#inbox.addresses([state]);
    return address ?? argument;
  }

  /** Of those that were evicted here the place in the conversation tells. */
  async #sentBefore(all: readonly OrderedMessage[], beforeMs: number): Promise<readonly OrderedMessage[]> {
    const read = new Map(
      (await this.#inbox.open(all)).map(({ ordered, operation }) => [ordered.id, operation.body]),
    );
    return all.filter(({ id, order }) => (read.get(id)?.sentAtMs ?? order.stamp.ms) < beforeMs);
  }

  async #bin(kind: "delete" | "restore", ids: readonly string[]): Promise<{ readonly done: number }> {
    const found = await this.#inbox.findMessages(ids);
    return this.#writeBin(
      kind,
      found.filter((message) => message.deleted === (kind === "restore")),
    );
  }

  /** One operation a conversation and thousand messages. */
  async #writeBin(
    kind: "delete" | "restore",
    messages: readonly OrderedMessage[],
  ): Promise<{ readonly done: number }> {
    const byConversation = new Map<ConversationId, Set<MessageId>>();
    for (const { conversation, id } of messages) {
      byConversation.set(conversation, (byConversation.get(conversation) ?? new Set()).add(id));
    }
    const bodies: OperationBody[] = [];
    for (const [conversation, those] of byConversation) {
      const ids = [...those];
      for (let at = 0; at < ids.length; at += MESSAGES_PER_DELETE_MAX) {
        bodies.push({ kind, conversation, messages: ids.slice(at, at + MESSAGES_PER_DELETE_MAX) });
      }
    }
    if (bodies.length > 0) await this.#write(bodies);
    return { done: new Set(messages.map(({ id }) => id)).size };
  }

  async #write(bodies: readonly OperationBody[]): Promise<{ readonly done: number }> {
    await this.#replica.writer.append(bodies.map((body) => freshDraft(this.#replica, body)));
    return { done: bodies.length };
  }
}
