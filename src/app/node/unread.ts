/**
 * How many messages of a conversation are unread, and with it the newest of them all: counted from the rows of the stored view, since a
 * count that is stored would have to be right in any order of arrival. Tests: test/integration/app/conversation-list.test.ts.
 */
import type { KeyRange } from "../../core/inbox/row-keys.ts";
import {
  type ConversationState,
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

type View = Replica["view"];

export interface NewestAndUnread {
  /** Not in the bin; null where there is none. */
  readonly newest: OrderedMessage | null;
  /** As `unreadOf` says. */
  readonly unread: number;
}

/** How many messages are unread; one more sign where the person marked the conversation. */
export async function unreadOf(view: View, state: ConversationState): Promise<number> {
  const bounds = unreadBounds(state);
  return shown(bounds === null ? 0 : await countIn(view, bounds), state);
}

/** The same with the newest message, for most by one read; where all rows of that are in the bin, `newestBefore` looks further. */
export async function newestAndUnread(
  view: View,
  state: ConversationState,
  newestBefore: (before: OrderKey) => Promise<OrderedMessage | null>,
): Promise<NewestAndUnread> {
  const { conversation } = state;
  const bounds = unreadBounds(state);
  const limit = bounds === null ? 1 : HEAD;
  const rows = await view.rowRange({ ...orderRange(conversation), reverse: true, limit });
  let newest: OrderedMessage | null = null;
  let count = 0;
  for (const [key, row] of rows) {
    if (newest === null) {
      const message = readOrderRow(key, row);
      if (!message.deleted) newest = message;
    }
    if (bounds !== null && bounds.from <= key && key < bounds.to && isUnreadRow(row)) count++;
  }
  const oldest = rows.at(-1);
  if (oldest !== undefined && rows.length === limit) {
    const [end] = oldest;
    if (bounds !== null && bounds.from < end)
      count += await countIn(view, { from: bounds.from, to: end < bounds.to ? end : bounds.to });
    newest ??= await newestBefore(readOrderRow(...oldest).order);
  }
  return { newest, unread: shown(count, state) };
}

async function countIn(view: View, bounds: KeyRange): Promise<number> {
  const rows = await view.rowRange({ ...bounds, reverse: false, limit: ROWS_MAX });
  let count = 0;
  for (const [, row] of rows) if (isUnreadRow(row)) count++;
  return count;
}

function shown(count: number, { markedUnread }: ConversationState): number {
  return count === 0 && markedUnread ? 1 : count;
}
