/**
 * One turn of the fold: rows read before, operations applied to them one by one, rows to write after. An operation sees what
 * the ones before it in the turn have written. Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold.test.ts.
 */
import { compareBytes, equalBytes } from "../base/bytes.ts";
import type { ConversationId, DeviceId } from "../base/ids.ts";
import type { Row, RowKey } from "../log/rows.ts";
import {
  NEW_CONVERSATION,
  decodeConversationRow,
  decodeDeviceRow,
  earlierOrder,
  encodeConversationRow,
  encodeDeviceRow,
  firstPlaced,
  lastPlaced,
  lastWord,
  laterOrder,
  laterStamp,
  type ConversationRow,
  type Placed,
} from "./registers.ts";
import { TOTALS_KEY, conversationRowKey, deviceNameRowKey, messageRowKey, orderRowKey } from "./row-keys.ts";
import {
  comparePlaces,
  decodeMessageRow,
  decodeTotals,
  encodeMessageRow,
  encodeOrderRow,
  encodeTotals,
  flagsOf,
  messageFlag,
  type DeleteRegister,
  type MessageContent,
  type MessageRow,
  type Totals,
} from "./rows.ts";
import { compareStamps } from "./stamp.ts";
import type { Change, OperationBody, OrderKey, PlacedOperation } from "./types.ts";

/** A conversation and the key of its row. */
export interface ConversationRef {
  readonly id: ConversationId;
  readonly key: RowKey;
}

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;
type Mutable<Value> = { -readonly [Field in keyof Value]: Value[Field] };

const NO_MESSAGE: MessageRow = { content: null, register: null };

export class FoldTurn {
  readonly #rows: ReadonlyMap<RowKey, Row>;
  readonly #puts = new Map<RowKey, Row>();
  readonly #dels = new Set<RowKey>();
  readonly #changes: Change[] = [];
  /** Many operations of a turn fall into few conversations: those rows are decoded and encoded once. */
  readonly #conversations = new Map<RowKey, Mutable<ConversationRow>>();
  readonly #totals: Mutable<Totals>;

  constructor(rows: ReadonlyMap<RowKey, Row>) {
    this.#rows = rows;
    this.#totals = { ...decodeTotals(rows.get(TOTALS_KEY)) };
  }

  addMessage(placed: PlacedOperation, body: Body<"message">, ref: ConversationRef): void {
    const { operation, contentHash, place } = placed;
    this.#joinMessage(placed, body, ref);
    const key = messageRowKey(operation.id);
    const content: MessageContent = {
      hash: contentHash,
      conversation: ref.id,
      stamp: operation.stamp,
      flags: flagsOf(body),
      place,
    };
    const known = this.#read(key);
    const { content: standing, register } = known === undefined ? NO_MESSAGE : decodeMessageRow(known);
    if (standing !== null) return this.#meet({ key, ref, standing, register, content }, placed);
    this.#putMessage(key, ref.key, content, register);
    this.#totals.messages++;
    if (register?.deleted === true) this.#totals.deleted++;
    else this.#changes.push({ kind: "message", conversation: ref.id, id: operation.id, place });
  }

  /** A delete or restore, for messages that are here and for those that are still to come. */
  moveToBin({ operation }: PlacedOperation, body: Body<"delete" | "restore">): void {
    const conversation = this.#conversation(conversationRowKey(body.conversation));
    conversation.clock = laterStamp(conversation.clock, operation.stamp);
    const word: DeleteRegister = {
      order: { stamp: operation.stamp, id: operation.id },
      deleted: body.kind === "delete",
    };
    for (const id of body.messages) {
      const key = messageRowKey(id);
      const known = this.#read(key);
      const { content, register } = known === undefined ? NO_MESSAGE : decodeMessageRow(known);
      const last = lastWord(register, word, ({ deleted }) => deleted);
      if (last === register) continue;
      const wasDeleted = register?.deleted ?? false;
      if (content === null || wasDeleted === last.deleted) {
        this.#puts.set(key, encodeMessageRow({ content, register: last }));
        continue;
      }
      this.#putMessage(key, conversationRowKey(content.conversation), content, last);
      this.#totals.deleted += last.deleted ? 1 : -1;
      const change = last.deleted ? "deleted" : "restored";
      this.#changes.push({ kind: "message-changed", conversation: content.conversation, id, change });
    }
  }

  markRead({ operation }: PlacedOperation, body: Body<"read" | "unread">): void {
    const conversation = this.#conversation(conversationRowKey(body.conversation));
    const { readUpTo, unread } = conversation;
    conversation.clock = laterStamp(conversation.clock, operation.stamp);
    if (body.kind === "read") {
      // What is written here after a mark stands behind the mark, even where the mark names a time that nobody saw.
      conversation.clock = laterStamp(conversation.clock, body.upTo.stamp);
      conversation.readUpTo = laterOrder(readUpTo, body.upTo);
    }
    const word = { order: { stamp: operation.stamp, id: operation.id }, unread: body.kind === "unread" };
    conversation.unread = lastWord(unread, word, (register) => register.unread);
    const isMarked = unread?.unread ?? false;
    if (conversation.readUpTo !== readUpTo || conversation.unread.unread !== isMarked) {
      this.#changes.push({ kind: "read", conversation: body.conversation });
    }
  }

  setTitle(placed: PlacedOperation, id: ConversationId): void {
    const conversation = this.#conversation(conversationRowKey(id));
    const { title } = conversation;
    conversation.clock = laterStamp(conversation.clock, placed.operation.stamp);
    conversation.title = lastPlaced(title, placedOf(placed));
    if (isOther(title, conversation.title)) this.#changes.push({ kind: "conversation", conversation: id });
  }

  nameDevice(placed: PlacedOperation, device: DeviceId): void {
    const key = deviceNameRowKey(device);
    const known = this.#read(key);
    const name = known === undefined ? null : decodeDeviceRow(known);
    const last = lastPlaced(name, placedOf(placed));
    if (last === name) return;
    this.#puts.set(key, encodeDeviceRow(last));
    if (isOther(name, last)) this.#changes.push({ kind: "device-name", device });
  }

  /** What the turn changed. A row that came out as it was is not written. */
  finish(): {
    readonly puts: ReadonlyMap<RowKey, Row>;
    readonly dels: ReadonlySet<RowKey>;
    readonly changes: readonly Change[];
  } {
    for (const [key, conversation] of this.#conversations)
      this.#putChanged(key, encodeConversationRow(conversation));
    const { messages, conversations } = this.#totals;
    if (messages + conversations > 0) this.#putChanged(TOTALS_KEY, encodeTotals(this.#totals));
    return { puts: this.#puts, dels: this.#dels, changes: this.#changes };
  }

  /** What every message says about its conversation, whether or not it comes to stand for its id. */
  #joinMessage(placed: PlacedOperation, body: Body<"message">, ref: ConversationRef): void {
    const { stamp, id } = placed.operation;
    const conversation = this.#conversation(ref.key);
    if (!body.takenIn) conversation.clock = laterStamp(conversation.clock, stamp);
    conversation.sortMs = Math.max(conversation.sortMs, Math.min(stamp.ms, placed.takenInMs));
    const order: OrderKey = { stamp, id };
    if (body.direction === "in" && !body.readAtSource) {
      const { candidates } = conversation;
      conversation.candidates = {
        first: earlierOrder(candidates?.first ?? null, order),
        last: laterOrder(candidates?.last ?? null, order),
      };
    }
    const { name } = conversation;
    conversation.name = firstPlaced(name, { order, hash: placed.contentHash, place: placed.place });
    if (name !== null) return;
    this.#totals.conversations++;
    this.#changes.push({ kind: "conversation", conversation: ref.id });
  }

  /** Another operation claims an id that has content. */
  #meet(
    message: {
      readonly key: RowKey;
      readonly ref: ConversationRef;
      readonly standing: MessageContent;
      readonly register: DeleteRegister | null;
      readonly content: MessageContent;
    },
    { operation }: PlacedOperation,
  ): void {
    const { key, ref, standing, register, content } = message;
    if (equalBytes(standing.hash, content.hash)) {
      // The same operation at two places: re-appended, or taken in from a log that begins anew. One place is kept.
      if (comparePlaces(content.place, standing.place) < 0) this.#putMessage(key, ref.key, content, register);
      return;
    }
    const bothTakenIn = (standing.flags & content.flags & messageFlag.takenIn) !== 0;
    if (!bothTakenIn) this.#changes.push({ kind: "conflict", id: operation.id });
    if (compareClaims(standing, content) < 0) return;
    const before = orderRowKey(conversationRowKey(standing.conversation), standing.stamp, key);
    this.#puts.delete(before);
    this.#dels.add(before);
    this.#putMessage(key, ref.key, content, register);
    this.#changes.push({ kind: "conversation", conversation: content.conversation });
    if (standing.conversation !== content.conversation) {
      this.#changes.push({ kind: "conversation", conversation: standing.conversation });
    }
  }

  #putMessage(
    key: RowKey,
    conversationKey: RowKey,
    content: MessageContent,
    register: DeleteRegister | null,
  ): void {
    const orderKey = orderRowKey(conversationKey, content.stamp, key);
    const flags = content.flags | (register?.deleted === true ? messageFlag.deleted : 0);
    this.#puts.set(key, encodeMessageRow({ content, register }));
    this.#puts.set(orderKey, encodeOrderRow(flags, content.place));
    this.#dels.delete(orderKey);
  }

  #conversation(key: RowKey): Mutable<ConversationRow> {
    const known = this.#conversations.get(key);
    if (known !== undefined) return known;
    const row = this.#rows.get(key);
    const conversation = { ...(row === undefined ? NEW_CONVERSATION : decodeConversationRow(row)) };
    this.#conversations.set(key, conversation);
    return conversation;
  }

  #read(key: RowKey): Row | undefined {
    return this.#puts.get(key) ?? this.#rows.get(key);
  }

  #putChanged(key: RowKey, row: Row): void {
    const before = this.#rows.get(key);
    if (before === undefined || !equalBytes(before, row)) this.#puts.set(key, row);
  }
}

/**
 * Negative where `a` stands against `b`, which claims the same id: what was written here before what was taken in, so that
 * there is one order of all claims; of two that were taken in the smaller (stamp, hash); else the smaller hash.
 */
function compareClaims(a: MessageContent, b: MessageContent): number {
  const takenIn = a.flags & messageFlag.takenIn;
  const byClass = takenIn - (b.flags & messageFlag.takenIn);
  if (byClass !== 0) return byClass;
  return (takenIn === 0 ? 0 : compareStamps(a.stamp, b.stamp)) || compareBytes(a.hash, b.hash);
}

function placedOf({ operation, contentHash, place }: PlacedOperation): Placed {
  return { order: { stamp: operation.stamp, id: operation.id }, hash: contentHash, place };
}

/** True where another text stands now, not only another place of the same. */
function isOther(before: Placed | null, now: Placed): boolean {
  return before === null || !equalBytes(before.hash, now.hash);
}
