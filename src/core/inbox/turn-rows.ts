/**
 * The rows that one turn of the fold reads and writes: what was read before, over it what the turn has put so far. Knows how rows of a
 * message belong together, and no operation: those are in fold.ts. Tests: test/unit/inbox/fold.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";
import {
  NEW_CONVERSATION,
  decodeConversationRow,
  encodeConversationRow,
  type ConversationRow,
} from "./registers.ts";
import { TOTALS_KEY, conversationRowKey, furtherRowKey, orderRowKey } from "./row-keys.ts";
import {
  EMPTY_ROW,
  decodeMessageRow,
  decodeTotals,
  encodeMessageRow,
  encodeOrderRow,
  encodeTotals,
  messageFlag,
  type MessageRow,
  type Totals,
} from "./rows.ts";
import type { Change } from "./types.ts";

type Mutable<Value> = { -readonly [Field in keyof Value]: Value[Field] };

const NO_MESSAGE: MessageRow = { marks: 0, content: null, told: false, before: null, register: null };

export class TurnRows {
  readonly totals: Mutable<Totals>;
  readonly changes: Change[] = [];
  readonly #rows: ReadonlyMap<RowKey, Row>;
  readonly #puts = new Map<RowKey, Row>();
  readonly #dels = new Set<RowKey>();
  /** Many operations of a turn fall into few conversations: those rows are decoded and encoded once. */
  readonly #conversations = new Map<RowKey, Mutable<ConversationRow>>();

  constructor(rows: ReadonlyMap<RowKey, Row>) {
    this.#rows = rows;
    this.totals = { ...decodeTotals(rows.get(TOTALS_KEY)) };
  }

  read(key: RowKey): Row | undefined {
    return this.#puts.get(key) ?? this.#rows.get(key);
  }

  put(key: RowKey, row: Row): void {
    this.#puts.set(key, row);
  }

  message(key: RowKey): MessageRow {
    const row = this.read(key);
    return row === undefined ? NO_MESSAGE : decodeMessageRow(row);
  }

  /** The message's row and, where its content is here, its place in the order. */
  putMessage(key: RowKey, message: MessageRow): void {
    const { content, marks, register } = message;
    this.#puts.set(key, encodeMessageRow(message));
    if (content === null) return;
    const orderKey = orderRowKey(conversationRowKey(content.conversation), content.stamp, key);
    const flags = content.flags | (register?.deleted === true ? messageFlag.deleted : 0);
    this.#puts.set(orderKey, encodeOrderRow({ flags, marks, place: content.place }));
    this.#dels.delete(orderKey);
  }

  /** A place beside the one that stands which holds content of a message. Written again where it is known: nobody reads it before. */
  addFurther(key: RowKey, place: Place): void {
    this.#puts.set(furtherRowKey(key, place), EMPTY_ROW);
  }

  /** Takes a message out of the order, before it is put at another place of it. */
  takeOutOfOrder(key: RowKey, { content }: MessageRow): void {
    if (content === null) return;
    const orderKey = orderRowKey(conversationRowKey(content.conversation), content.stamp, key);
    this.#puts.delete(orderKey);
    this.#dels.add(orderKey);
  }

  /** To be changed in place; written once, when the turn is finished. */
  conversation(key: RowKey): Mutable<ConversationRow> {
    const known = this.#conversations.get(key);
    if (known !== undefined) return known;
    const row = this.#rows.get(key);
    const conversation = { ...(row === undefined ? NEW_CONVERSATION : decodeConversationRow(row)) };
    this.#conversations.set(key, conversation);
    return conversation;
  }

  /** What the turn changed. A row that came out as it was is not written. */
  finish(): {
    readonly puts: ReadonlyMap<RowKey, Row>;
    readonly dels: ReadonlySet<RowKey>;
    readonly changes: readonly Change[];
  } {
    for (const [key, conversation] of this.#conversations)
      this.#putChanged(key, encodeConversationRow(conversation));
    const { messages, conversations } = this.totals;
    if (messages + conversations > 0) this.#putChanged(TOTALS_KEY, encodeTotals(this.totals));
    return { puts: this.#puts, dels: this.#dels, changes: this.changes };
  }

  #putChanged(key: RowKey, row: Row): void {
    const before = this.#rows.get(key);
    if (before === undefined || !equalBytes(before, row)) this.#puts.set(key, row);
  }
}
