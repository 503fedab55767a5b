/**
 * Everything that a person could read, the bin included, as lines of Kinlog's own JSONL. Reads a page at a time, so memory does not
 * grow with history. Format: docs/spec/export.md. Tests: test/integration/app/inbox.test.ts.
 */
import type { Written } from "../../core/inbox/import-types.ts";
import { type ConversationState, isRead, type Naming } from "../../core/inbox/view.ts";
import type { OperationBody, OrderKey } from "../../core/inbox/types.ts";
import {
  conversationLine,
  editLine,
  endLine,
  headerLine,
  messageLine,
  reactionLine,
  settingLine,
} from "../../io/gateways/jsonl-writer.ts";
import type { Replica } from "../replica/replica.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { ReadMessage } from "./read-message.ts";
import { SettingsReader } from "./settings-reader.ts";
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
  const total = await inbox.messageCount();
  let done = 0;
  let lines = 0;
  let toldAtMs = clock.monotonicMs();
  yield headerLine();
  for (const state of await inbox.conversations()) {
    for await (const message of messagesOf(inbox, state)) {
      for await (const line of linesOf(inbox, message, state)) {
        yield line;
        lines++;
      }
      done++;
      if (clock.monotonicMs() - toldAtMs < PROGRESS_EVERY_MS) continue;
      toldAtMs = clock.monotonicMs();
      onProgress?.({ what: "export", done, total });
    }
    // After its messages: what it says of them finds them here.
    yield await conversationLineOf(exporting, state);
    lines++;
  }
  for (const setting of await new SettingsReader(replica, inbox.opener).all()) {
    yield settingLine(setting);
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

/** The message, its edits, its reactions. */
async function* linesOf(
  inbox: InboxReader,
  read: ReadMessage,
  state: ConversationState,
): AsyncGenerator<string, void, undefined> {
  const { ordered } = read;
  // What this version cannot read it cannot write either.
  if (ordered.later) return;
  const { id: message, body } = read.operation;
  const { conversation } = body;
  yield await messageLineOf(inbox, read, state);
  if (ordered.edited)
    for (const edit of await inbox.marks.edits(message)) yield editLine({ message, conversation, ...edit });
  if (ordered.reacted)
    for (const reaction of await inbox.marks.reactions(message))
      yield reactionLine({ message, conversation, ...reaction });
}

async function messageLineOf(
  inbox: InboxReader,
  { ordered, operation }: ReadMessage,
  state: ConversationState,
): Promise<string> {
  const { id, author, stamp, body } = operation;
  const { conversation, direction, service, sender, text } = body;
  const { sentAtMs, receivedAtMs, replyTo, takenIn, readAtSource } = body;
  const unsend = ordered.unsent ? await inbox.marks.unsend(id) : null;
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
    unsent: unsend === null ? null : { order: unsend.order, author: unsend.author ?? author },
    delivery: ordered.delivery,
  });
}

async function conversationLineOf({ inbox }: Exporting, state: ConversationState): Promise<string> {
  const { title, draft, participants, pin, mute, archive } = state;
  const [address] = await inbox.addresses([state]);
  return conversationLine({
    conversation: address ?? "",
    title: await openedAt(inbox, title, (body) => (body.kind === "title" ? { text: body.title } : null)),
    readUpTo: state.readUpTo,
    markedUnread: state.markedUnread,
    pin,
    mute,
    archive,
    draft: await openedAt(inbox, draft, (body) => (body.kind === "draft" ? { text: body.text } : null)),
    participants: await openedAt(inbox, participants, (body) =>
      body.kind === "participants" ? { list: body.participants } : null,
    ),
  });
}

/** What an operation says and who wrote it; null where there is none, or it cannot be read now. */
async function openedAt<Said extends object>(
  inbox: InboxReader,
  naming: Naming | null,
  say: (body: OperationBody) => Said | null,
): Promise<(Said & Written) | null> {
  if (naming === null) return null;
  const [operation = null] = await inbox.opener.operationsAt([naming.place]);
  const said = operation === null ? null : say(operation.body);
  return operation === null || said === null
    ? null
    : { ...said, order: naming.order, author: operation.author };
}
