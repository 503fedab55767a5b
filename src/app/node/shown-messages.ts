/**
 * Messages of a conversation as people see them, those included whose texts were evicted here: what the view says of them is shown, and their
 * texts are on another device. Rules: docs/spec/storage.md, "Evicted payloads". Tests: test/integration/app/keeping.test.ts.
 */
import { orderText } from "../../core/inbox/stamp.ts";
import { type ConversationState, isRead, type OrderedMessage } from "../../core/inbox/view.ts";
import { type InboxReader, timeText } from "./inbox-reader.ts";
import type { Message } from "./types.ts";

export async function shownMessages(
  inbox: InboxReader,
  ordered: readonly OrderedMessage[],
  state: ConversationState | undefined,
): Promise<readonly Message[]> {
  const read = new Map((await inbox.open(ordered)).map((each) => [each.ordered.id, each]));
  const unread = ordered.filter(({ id }) => !read.has(id));
  const evicted = new Set((await evictedAmong(inbox, unread)).map(({ id }) => id));
  const [address] = evicted.size === 0 ? [] : await inbox.addresses([state]);
  const shown: Message[] = [];
  for (const message of ordered) {
    const found = read.get(message.id);
    if (found !== undefined) shown.push(inbox.message(found, state));
    else if (evicted.has(message.id))
      shown.push(await evictedMessage(inbox, message, { address: address ?? "", state }));
  }
  return shown;
}

/** Those of which the text was evicted here. */
export async function evictedAmong(
  inbox: InboxReader,
  ordered: readonly OrderedMessage[],
): Promise<readonly OrderedMessage[]> {
  const flags = await inbox.opener.evictedAt(ordered.map(({ place }) => place));
  return ordered.filter((_, at) => flags[at]);
}

/** What the view says of it, and its edits. */
export async function evictedMessage(
  inbox: InboxReader,
  ordered: OrderedMessage,
  { address, state }: { readonly address: string; readonly state: ConversationState | undefined },
): Promise<Message> {
  const { edit, unsentAt, reactions } = await inbox.marks.of(ordered);
  return {
    id: ordered.id,
    conversation: address,
    order: orderText(ordered.order),
    sender: null,
    direction: ordered.direction,
    service: null,
    // What an edit says stands in another log.
    text: ordered.unsent ? "" : (edit?.text ?? ""),
    sentAt: timeText(ordered.order.stamp.ms),
    receivedAt: null,
    editedAt: edit === null ? null : timeText(edit.order.stamp.ms),
    unsentAt: unsentAt === null ? null : timeText(unsentAt.stamp.ms),
    read: state === undefined ? ordered.direction === "out" : isRead(ordered, state),
    deleted: ordered.deleted,
    replyTo: null,
    reactions: reactions.map(({ emoji, sender, order }) => ({ emoji, sender, at: timeText(order.stamp.ms) })),
    attachments: [],
    status: ordered.direction === "in" ? "received" : (ordered.delivery ?? "sent"),
    stored: { ...inbox.storedWhere(ordered), here: false },
    needsUpdate: ordered.later,
  };
}
