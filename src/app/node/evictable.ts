/**
 * Which messages may be evicted, and why others stay. What a person has not read stays, and what the list of conversations is made of: the
 * newest message of each, and the one that gives it its address. Spec: docs/spec/storage.md, "Evicted payloads".
 */
import type { LogId, MessageId } from "../../core/base/ids.ts";
import { contains, NO_RANGES, setOf } from "../../core/log/ranges.ts";
import type { Place, RowKey } from "../../core/log/rows.ts";
import {
  type ConversationState,
  isUnread,
  type OrderedMessage,
  orderRange,
  readOrderRow,
} from "../../core/inbox/view.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import type { Replica } from "../replica/replica.ts";
import type { InboxReader } from "./inbox-reader.ts";

const PAGE = 1_000;
const FIRST_ID = "0".repeat(32) as MessageId;

export interface Evictable {
  readonly places: RangesByLog;
  readonly messages: number;
  /** Old enough, and not read yet. */
  readonly unread: number;
  /** Old enough, and needed by the list. */
  readonly listed: number;
}

/** Messages older than a time that are whole here. */
export async function findEvictable(
  replica: Replica,
  inbox: InboxReader,
  beforeMs: number,
): Promise<Evictable> {
  const found = { positions: new Map<LogId, number[]>(), messages: 0, unread: 0, listed: 0 };
  for (const state of await inbox.conversations()) {
    const [newest] = await inbox.ordered(state.conversation, { limit: 1, before: null, deleted: false });
    for await (const message of olderThan(replica, state, beforeMs)) {
      const log = evictableLog(replica, message.place);
      if (log === null) continue;
      if (isUnread(message, state)) found.unread++;
      else if (message.id === newest?.id || isAt(state.name?.place ?? null, message.place)) found.listed++;
      else {
        found.messages++;
        const positions = found.positions.get(log) ?? [];
        found.positions.set(log, positions);
        positions.push(message.place.position);
      }
    }
  }
  const { positions, ...counts } = found;
  return { ...counts, places: new Map([...positions].map(([log, all]) => [log, setOf(all)])) };
}

async function* olderThan(
  replica: Replica,
  { conversation }: ConversationState,
  beforeMs: number,
): AsyncGenerator<OrderedMessage, void, undefined> {
  const before = { stamp: { ms: Math.max(0, beforeMs), counter: 0 }, id: FIRST_ID };
  const bounds = orderRange(conversation, { before });
  let { from } = bounds;
  for (;;) {
    const rows = await replica.view.rowRange({ from, to: bounds.to, reverse: false, limit: PAGE });
    // What is purged is nowhere any more, whether its payload has gone yet or not.
    yield* await replica.purged.without(rows.map(([key, row]) => readOrderRow(key, row)));
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = `${last[0]}\x00` as RowKey;
  }
}

/** Null where it stands in no messages log, or was evicted before. */
function evictableLog(replica: Replica, { logNumber, position }: Place): LogId | null {
  const log = replica.ports.store.logOf(logNumber);
  if (log === undefined || replica.members.logs.get(log)?.logClass !== "messages") return null;
  return contains(replica.evicted.get(log) ?? NO_RANGES, position) ? null : log;
}

function isAt(place: Place | null, other: Place): boolean {
  return place?.logNumber === other.logNumber && place.position === other.position;
}
