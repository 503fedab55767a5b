/**
 * How many messages of a conversation are unread, and with it the newest of them all: counted from the rows of the stored view, since a
 * count that is stored would have to be right in any order of arrival. Tests: test/integration/app/conversation-list.test.ts.
 */
import type { MessageId } from "../../core/base/ids.ts";
import { type KeyRange, orderOfKey } from "../../core/inbox/row-keys.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import {
  type ConversationState,
  isNamedRow,
  isUnreadRow,
  type OrderedMessage,
  orderRange,
  readOrderRow,
  unreadBounds,
} from "../../core/inbox/view.ts";
import type { OrderKey } from "../../core/inbox/types.ts";
import type { Replica } from "../replica/replica.ts";

/** Rows read at once where some may be unread: most conversations have fewer, and a row costs little beside asking for it. */
const HEAD = 32;
const ROWS_MAX = 1_000_000;

type OrderRow = readonly [RowKey, Row];
/** Where rows are read, and what of them is purged. */
type Source = Pick<Replica, "view" | "purged">;

export interface NewestAndUnread {
  /** Not in the bin; null where there is none. */
  readonly newest: OrderedMessage | null;
  /** As `unreadOf` says. */
  readonly unread: number;
}

/** How many messages are unread; one more sign where the person marked the conversation. */
export async function unreadOf(source: Source, state: ConversationState): Promise<number> {
  const bounds = unreadBounds(state);
  return shown(bounds === null ? 0 : await countIn(source, bounds), state);
}

/** The same with the newest message, for most by one read; where all rows of that are in the bin, `newestBefore` looks further. */
export async function newestAndUnread(
  source: Source,
  state: ConversationState,
  newestBefore: (before: OrderKey) => Promise<OrderedMessage | null>,
): Promise<NewestAndUnread> {
  const { conversation } = state;
  const bounds = unreadBounds(state);
  const limit = bounds === null ? 1 : HEAD;
  const rows = await source.view.rowRange({ ...orderRange(conversation), reverse: true, limit });
  const newest = await firstShown(source, rows);
  const unread = bounds === null ? [] : rows.filter(([key]) => bounds.from <= key && key < bounds.to);
  let count = await countUnread(source, unread);
  const oldest = rows.at(-1);
  if (oldest !== undefined && rows.length === limit) {
    const [end] = oldest;
    if (bounds !== null && bounds.from < end)
      count += await countIn(source, { from: bounds.from, to: end < bounds.to ? end : bounds.to });
    if (newest === null) {
      const older = await newestBefore(readOrderRow(...oldest).order);
      return { newest: older, unread: shown(count, state) };
    }
  }
  return { newest, unread: shown(count, state) };
}

async function countIn(source: Source, bounds: KeyRange): Promise<number> {
  return countUnread(source, await source.view.rowRange({ ...bounds, reverse: false, limit: ROWS_MAX }));
}

/** Of rows within the bounds of what can be unread. */
async function countUnread({ purged }: Source, rows: readonly OrderRow[]): Promise<number> {
  let count = 0;
  const doubtful: MessageId[] = [];
  for (const [key, row] of rows) {
    if (!isUnreadRow(row)) continue;
    // Not in the bin though a tombstone names it: a restore came at the same time, or the purge was stopped.
    if (isNamedRow(row)) doubtful.push(orderOfKey(key).id);
    else count++;
  }
  if (doubtful.length === 0) return count;
  return count + doubtful.length - (await purged.among(doubtful)).size;
}

/** The first that is neither in the bin nor purged. */
async function firstShown({ purged }: Source, rows: readonly OrderRow[]): Promise<OrderedMessage | null> {
  for (const [key, row] of rows) {
    const message = readOrderRow(key, row);
    if (message.deleted) continue;
    if (!message.named || !(await purged.among([message.id])).has(message.id)) return message;
  }
  return null;
}

function shown(count: number, { markedUnread }: ConversationState): number {
  return count === 0 && markedUnread ? 1 : count;
}
