/**
 * Lines of Kinlog's own export: JSON, one object a line, each with its line break. Reading them: jsonl-reader.ts.
 * Format: docs/spec/export.md. Tests: test/unit/gateways/jsonl.test.ts.
 */
import type { ExportedConversation, ExportedMessage } from "../../core/inbox/import-types.ts";
import { orderText } from "../../core/inbox/stamp.ts";

export const EXPORT_VERSION = 1;

/** The first line. */
export function headerLine(): string {
  return line({ kinlog: "export", version: EXPORT_VERSION });
}

export function messageLine(message: Omit<ExportedMessage, "kind" | "line">): string {
  const { id, author, stamp, conversation, direction, sender, service, text, replyTo } = message;
  return line({
    kind: "message",
    id,
    order: orderText({ stamp, id }),
    author,
    conversation,
    direction,
    sender,
    service,
    text,
    sentAt: timeText(message.sentAtMs),
    receivedAt: message.receivedAtMs === null ? null : timeText(message.receivedAtMs),
    replyTo,
    takenIn: message.takenIn,
    readAtSource: message.readAtSource,
    read: message.read,
    deleted: message.deletedBy !== null,
    deletedBy: message.deletedBy === null ? null : orderText(message.deletedBy),
  });
}

export function conversationLine(conversation: Omit<ExportedConversation, "kind" | "line">): string {
  const { title, readUpTo } = conversation;
  return line({
    kind: "conversation",
    conversation: conversation.conversation,
    title: title === null ? null : { text: title.text, order: orderText(title.order), author: title.author },
    readUpTo: readUpTo === null ? null : orderText(readUpTo),
    markedUnread: conversation.markedUnread,
  });
}

/** The last line. `lineCount` counts the lines between the first and this one. */
export function endLine(lineCount: number): string {
  return line({ kind: "end", lines: lineCount });
}

/** RFC 3339 in UTC with milliseconds; from the year 10000 on, which a wrong clock may write, with a sign and six digits. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
