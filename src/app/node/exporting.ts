/**
 * Everything that a person could read, the bin included, as lines of Kinlog's own JSONL. Reads a page at a time, so memory does not
 * grow with history. Format: docs/spec/export.md. Tests: test/integration/app/export.test.ts.
 */
import type { ConversationState } from "../../core/inbox/view.ts";
import { isRead } from "../../core/inbox/view.ts";
import type { OrderKey } from "../../core/inbox/types.ts";
import { conversationLine, endLine, headerLine, messageLine } from "../../io/gateways/jsonl-writer.ts";
import type { Replica } from "../replica/replica.ts";
import type { InboxReader, ReadMessage } from "./inbox-reader.ts";
import type { OnProgress } from "./types.ts";

const PAGE = 500;
const PROGRESS_EVERY_MS = 250;

interface Exporting {
  readonly replica: Replica;
  readonly inbox: InboxReader;
  readonly onProgress: OnProgress | undefined;
}

export async function* exportLines(exporting: Exporting): AsyncGenerator<string, void, undefined> {
  const { replica, inbox, onProgress } = exporting;
  const { clock } = replica.ports;
  const total = (await inbox.totals()).messages;
  let done = 0;
  let lines = 0;
  let toldAtMs = clock.monotonicMs();
  yield headerLine();
  for (const state of await inbox.conversations()) {
    for await (const message of messagesOf(inbox, state)) {
      yield await lineOf(inbox, message, state);
      lines++;
      done++;
      if (clock.monotonicMs() - toldAtMs < PROGRESS_EVERY_MS) continue;
      toldAtMs = clock.monotonicMs();
      onProgress?.({ what: "export", done, total });
    }
    // After its messages: what it says of them finds them here.
    yield await conversationLineOf(exporting, state);
    lines++;
  }
  yield endLine(lines);
  onProgress?.({ what: "export", done, total });
}

/** Oldest first. */
async function* messagesOf(
  inbox: InboxReader,
  state: ConversationState,
): AsyncGenerator<ReadMessage, void, undefined> {
  let after: OrderKey | null = null;
  for (;;) {
    const page = await inbox.messagesAfter(state.conversation, { limit: PAGE, after });
    yield* page.read;
    if (page.last === null) return;
    after = page.last;
  }
}

async function lineOf(
  inbox: InboxReader,
  { ordered, operation }: ReadMessage,
  state: ConversationState,
): Promise<string> {
  const { id, author, stamp, body } = operation;
  const {
    conversation,
    direction,
    service,
    sender,
    text,
    sentAtMs,
    receivedAtMs,
    replyTo,
    takenIn,
    readAtSource,
  } = body;
  return messageLine({
    id,
    author,
    stamp,
    conversation,
    direction,
    service,
    sender,
    text,
    sentAtMs,
    receivedAtMs,
    replyTo,
    takenIn,
    readAtSource,
    read: isRead(ordered, state),
    deletedBy: ordered.deleted ? await inbox.lastWord(id) : null,
  });
}

async function conversationLineOf({ inbox }: Exporting, state: ConversationState): Promise<string> {
  const [address] = await inbox.namesAt([state.name?.place ?? null]);
  const title = state.title === null ? null : await inbox.titleAt(state.title.place);
  return conversationLine({
    conversation: address ?? "",
    title: state.title === null || title === null ? null : { ...title, order: state.title.order },
    readUpTo: state.readUpTo,
    markedUnread: state.markedUnread,
  });
}
