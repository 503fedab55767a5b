/**
 * Reads the inbox for people: rows from the stored view, texts opened from the entries they stand in, at the moment they are read.
 * Changes nothing. Which rows: src/core/inbox/view.ts.
 */
import type { ConversationId, DeviceId, MessageId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { orderText } from "../../core/inbox/stamp.ts";
import type { DeliveryState, OrderKey } from "../../core/inbox/types.ts";
import {
  compareForList,
  type ConversationState,
  conversationBounds,
  conversationRowKey,
  deviceBounds,
  isRead,
  messageRowKey,
  type OrderedMessage,
  orderRange,
  readConversationRow,
  readDeviceRow,
  readMessageRow,
  readOrderRow,
  readTotals,
  TOTALS_KEY,
  type Totals,
} from "../../core/inbox/view.ts";
import { orderRowKeyOf } from "../../core/inbox/row-keys.ts";
import type { Place, RowKey } from "../../core/log/rows.ts";
import type { Replica } from "../replica/replica.ts";
import { conversationOfArgument } from "./conversation-argument.ts";
import { EntryOpener } from "./entry-opener.ts";
import { messagesOfArgument, messagesOfIds, onlyOne } from "./message-argument.ts";
import { MarksReader } from "./marks-reader.ts";
import { messageBodyOf, nameIn, type ReadMessage, textOf } from "./read-message.ts";
import type { Message, StoredWhere } from "./types.ts";
import { type NewestAndUnread, newestAndUnread, unreadOf } from "./unread.ts";

/** Rows read in one step while messages that are not shown are passed over. */
const STEP = 200;
const CONVERSATIONS_MAX = 1_000_000;
const SHOW_MAX = 100_000;
/** The end of the year 9999, the last that RFC 3339 can write. */
const TIME_MS_MAX = 253_402_300_799_999;

export class InboxReader {
  readonly #replica: Replica;
  readonly opener: EntryOpener;
  readonly marks: MarksReader;
  /** Which devices acknowledged the entry at a place. */
  readonly storedWhere: (entry: { readonly place: Place }) => StoredWhere;
  readonly #beCertain: () => Promise<void>;

  /**
   * `storedWhere` says which devices acknowledged the entry at a place. `beCertain` is waited for before it is said that something is not
   * here: a flipped bit in a file of the store may hide it.
   */
  constructor(
    replica: Replica,
    storedWhere: (entry: { readonly place: Place }) => StoredWhere,
    beCertain: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#replica = replica;
    this.#beCertain = beCertain;
    this.opener = new EntryOpener(replica);
    this.marks = new MarksReader(replica, this.opener);
    this.storedWhere = storedWhere;
  }

  /** What `find` finds; where it is less than it should be, once more if waiting for certainty has built the view again. */
  async certainly<Found>(find: () => Promise<Found>, isThere: (found: Found) => boolean): Promise<Found> {
    const built = this.#replica.viewsBuilt;
    const found = await find();
    if (isThere(found)) return found;
    await this.#beCertain();
    return built === this.#replica.viewsBuilt ? found : find();
  }

  async totals(): Promise<Totals> {
    const read = (): Promise<readonly (Uint8Array | undefined)[]> => this.#replica.view.rows([TOTALS_KEY]);
    const [row] = await this.certainly(read, ([found]) => found !== undefined);
    return readTotals(row);
  }

  /** How many messages there are for people: those in the bin included, those that are purged not. */
  async messageCount(): Promise<number> {
    return this.#replica.purged.count(await this.totals());
  }

  /** Undefined where nothing with this id was ever here. */
  async conversation(id: ConversationId): Promise<ConversationState | undefined> {
    const key = conversationRowKey(id);
    const [row] = await this.#replica.view.rows([key]);
    return row === undefined ? undefined : readConversationRow(key, row);
  }

  /** All conversations that a message names: pinned ones first, then the most recently used. */
  async conversations(): Promise<readonly ConversationState[]> {
    // As many as were counted, or one of their rows is hidden.
    const { named } = await this.certainly(
      () => this.#namedConversations(),
      ({ named: found, counted }) => found.length === counted,
    );
    return named.toSorted(compareForList);
  }

  /** The newest `limit`, oldest of them first. */
  async messages(
    conversation: ConversationId,
    options: { readonly limit: number; readonly before: OrderKey | null; readonly deleted: boolean },
  ): Promise<readonly ReadMessage[]> {
    return this.open(await this.ordered(conversation, options));
  }

  /** The same, by their places only. */
  async ordered(
    conversation: ConversationId,
    options: { readonly limit: number; readonly before: OrderKey | null; readonly deleted: boolean },
  ): Promise<readonly OrderedMessage[]> {
    const found: OrderedMessage[] = [];
    const limit = Math.min(options.limit, SHOW_MAX);
    const bounds = orderRange(conversation, options.before === null ? {} : { before: options.before });
    const { from } = bounds;
    let { to } = bounds;
    // Most are shown; where many in a row are not, more is read at once.
    for (let step = limit; found.length < limit; step = Math.max(STEP, limit - found.length)) {
      const rows = await this.#replica.view.rowRange({ from, to, reverse: true, limit: step });
      const asked = rows
        .map(([key, row]) => readOrderRow(key, row))
        .filter((message) => options.deleted || !message.deleted);
      found.push(...(await this.#replica.purged.without(asked)).slice(0, limit - found.length));
      const last = rows.at(-1);
      if (last === undefined || rows.length < step) break;
      to = last[0];
    }
    return found.reverse();
  }

  /** A page of messages behind one of them, oldest first, the bin included; `last` is where the next page begins, null at the end. */
  async messagesAfter(
    conversation: ConversationId,
    options: { readonly limit: number; readonly after: OrderKey | null },
  ): Promise<{ readonly read: readonly ReadMessage[]; readonly last: OrderKey | null }> {
    const { from, to } = orderRange(conversation);
    const begin =
      options.after === null ? from : (`${orderRowKeyOf(conversation, options.after)}\x00` as RowKey);
    const rows = await this.#replica.view.rowRange({
      from: begin,
      to,
      reverse: false,
      limit: options.limit,
    });
    const found = rows.map(([key, row]) => readOrderRow(key, row));
    return {
      read: await this.open(await this.#replica.purged.without(found)),
      last: rows.length < options.limit ? null : (found.at(-1)?.order ?? null),
    };
  }

  /** Opens messages where they stand. Those that cannot be opened now are left out: `verify` reports them. */
  async open(ordered: readonly OrderedMessage[]): Promise<readonly ReadMessage[]> {
    const operations = await this.opener.operationsAt(ordered.map((message) => message.place));
    const marks = await Promise.all(ordered.map((message) => this.marks.of(message)));
    const read: ReadMessage[] = [];
    for (const [at, message] of ordered.entries()) {
      const operation = operations[at] ?? null;
      const body = operation === null ? null : messageBodyOf(operation.body);
      // A tombstone that lies may claim a place of something else for a message.
      if (operation === null || body === null || operation.id !== message.id) continue;
      read.push({
        ordered: message,
        operation: { ...operation, body },
        marks: marks[at]!,
      });
    }
    return read;
  }

  /** A message as it stands now; undefined where it is not here, is purged or cannot be opened. */
  async byId(id: MessageId): Promise<ReadMessage | undefined> {
    const [found] = await this.#row(messageRowKey(id));
    const message = found === undefined ? null : readMessageRow(id, found[1]);
    const shown = message === null ? [] : await this.#replica.purged.without([message]);
    return (await this.open(shown))[0];
  }

  /** Addresses of conversations as given; of each whose naming message was erased as its tombstone gives it. Null: it cannot be read. */
  async addresses(states: readonly (ConversationState | undefined)[]): Promise<readonly (string | null)[]> {
    return this.withTombstones(states, await this.namesAt(states.map((state) => state?.name?.place ?? null)));
  }

  /** The same, where what their naming messages give is read already. */
  async withTombstones(
    states: readonly (ConversationState | undefined)[],
    given: readonly (string | null)[],
  ): Promise<readonly (string | null)[]> {
    const addresses = [...given];
    for (const [at, state] of states.entries()) {
      if (addresses[at] !== null || state === undefined || state.name === null) continue;
      addresses[at] = await this.#replica.purged.address(state.conversation, state.name.order.id);
    }
    return addresses;
  }

  /** Addresses, titles or drafts, opened; null where the place holds nothing readable, or an empty one. */
  async namesAt(places: readonly (Place | null)[]): Promise<readonly (string | null)[]> {
    const operations = await this.opener.readableAt(places.filter((place) => place !== null));
    let at = 0;
    return places.map((place) => (place === null ? null : nameIn(operations[at++] ?? null)));
  }

  /** Names of all devices that have one. */
  async deviceNames(): Promise<ReadonlyMap<DeviceId, string>> {
    const rows = await this.#replica.view.rowRange({
      ...deviceBounds(),
      reverse: false,
      limit: CONVERSATIONS_MAX,
    });
    const namings = rows.map(([key, row]) => readDeviceRow(key, row));
    const names = await this.namesAt(namings.map((naming) => naming.place));
    const byDevice = new Map<DeviceId, string>();
    for (const [at, { device }] of namings.entries()) {
      const name = names[at];
      if (name !== null && name !== undefined) byDevice.set(device, name);
    }
    return byDevice;
  }

  /**
   * The conversation that an argument means: its address in any form, or its title.
   *
   * @throws EngineError `NOT_FOUND`, `AMBIGUOUS`.
   */
  async findConversation(argument: string): Promise<ConversationId> {
    const found = await this.certainly(
      () => conversationOfArgument(this, this.#replica.fold, argument),
      (id) => id !== null,
    );
    if (found !== null) return found;
    throw new EngineError("NOT_FOUND", "there is no such conversation", {
      remedy: "`kinlog conversations` lists them; `kinlog send` begins a new one.",
    });
  }

  /**
   * The message of a full id, or of a unique beginning of at least six digits.
   *
   * @throws EngineError `NOT_FOUND`, `AMBIGUOUS`.
   */
  async findMessage(argument: string): Promise<OrderedMessage> {
    const found = await this.certainly(
      () => messagesOfArgument(this.#replica, argument),
      ({ length }) => length > 0,
    );
    return onlyOne(found);
  }

  /** The same of many, in their order. Nothing is given where one of them is not found. */
  async findMessages(given: readonly string[]): Promise<readonly OrderedMessage[]> {
    const known = await messagesOfIds(this.#replica, given);
    const found: OrderedMessage[] = [];
    for (const argument of given)
      found.push(known.get(argument.toLowerCase()) ?? (await this.findMessage(argument)));
    return found;
  }

  /** The delete or restore of a message that counts last; null where there was none, or no such message. */
  async lastWord(id: MessageId): Promise<OrderKey | null> {
    const [found] = await this.#row(messageRowKey(id));
    return found === undefined ? null : (readMessageRow(id, found[1])?.lastWord ?? null);
  }

  /** How far a message got; null where nothing was said about it, or no such message is here. */
  async deliveryOf(id: MessageId): Promise<DeliveryState | null> {
    const [found] = await this.#row(messageRowKey(id));
    return found === undefined ? null : (readMessageRow(id, found[1])?.delivery ?? null);
  }

  /** The order of the newest message, deleted ones included; null in an empty conversation. */
  async newest(conversation: ConversationId): Promise<OrderKey | null> {
    const [last] = await this.#replica.view.rowRange({
      ...orderRange(conversation),
      reverse: true,
      limit: 1,
    });
    return last === undefined ? null : readOrderRow(...last).order;
  }

  /** How many messages are unread; one more sign where the person marked the conversation. */
  unread(state: ConversationState): Promise<number> {
    return unreadOf(this.#replica, state);
  }

  /** What a line of the list needs of the messages. */
  newestAndUnread(state: ConversationState): Promise<NewestAndUnread> {
    const { conversation } = state;
    return newestAndUnread(this.#replica, state, async (before) => {
      const [newest] = await this.ordered(conversation, { limit: 1, before, deleted: false });
      return newest ?? null;
    });
  }

  message(read: ReadMessage, state: ConversationState | undefined): Message {
    const { ordered, operation, marks } = read;
    const { body } = operation;
    return {
      id: ordered.id,
      conversation: body.conversation,
      order: orderText(ordered.order),
      sender: body.sender,
      direction: body.direction,
      service: body.service,
      text: textOf(read),
      sentAt: timeText(body.sentAtMs),
      receivedAt: body.receivedAtMs === null ? null : timeText(body.receivedAtMs),
      editedAt: marks.edit === null ? null : timeText(marks.edit.order.stamp.ms),
      unsentAt: marks.unsentAt === null ? null : timeText(marks.unsentAt.stamp.ms),
      read: state === undefined ? body.direction === "out" : isRead(ordered, state),
      deleted: ordered.deleted,
      replyTo: body.replyTo,
      reactions: marks.reactions.map(({ emoji, sender, order }) => ({
        emoji,
        sender,
        at: timeText(order.stamp.ms),
      })),
      attachments: [],
      status: body.direction === "in" ? "received" : (ordered.delivery ?? "sent"),
      stored: this.storedWhere(ordered),
      needsUpdate: ordered.later,
    };
  }

  /** Those that a message names, and how many there should be. Both are asked for at once, so that they are of one moment. */
  async #namedConversations(): Promise<{
    readonly named: readonly ConversationState[];
    readonly counted: number;
  }> {
    const range = { ...conversationBounds(), reverse: false, limit: CONVERSATIONS_MAX };
    const [rows, [totals]] = await Promise.all([
      this.#replica.view.rowRange(range),
      this.#replica.view.rows([TOTALS_KEY]),
    ]);
    const states = rows.map(([key, row]) => readConversationRow(key, row));
    return { named: states.filter(({ name }) => name !== null), counted: readTotals(totals).conversations };
  }

  async #row(key: RowKey): Promise<readonly (readonly [RowKey, Uint8Array])[]> {
    const [row] = await this.#replica.view.rows([key]);
    return row === undefined ? [] : [[key, row]];
  }
}

/** RFC 3339 in UTC with milliseconds; times beyond what a date can hold show its end. */
export function timeText(ms: number): string {
  return new Date(Math.min(ms, TIME_MS_MAX)).toISOString();
}
