/**
 * Lines of Kinlog's own export: JSON, one object a line, each with its line break. Reading them: jsonl-reader.ts.
 * Format: docs/spec/export.md. Tests: test/unit/gateways/jsonl.test.ts.
 */
import type {
  ExportedConversation,
  ExportedEdit,
  ExportedMessage,
  ExportedReaction,
  ExportedSetting,
  Written,
} from "../../core/inbox/import-types.ts";
import { orderText } from "../../core/inbox/stamp.ts";

export const EXPORT_VERSION = 2;

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
    unsent: message.unsent === null ? null : written(message.unsent),
    delivery: message.delivery,
  });
}

export function editLine(edit: Omit<ExportedEdit, "kind" | "line">): string {
  const { message, conversation, text } = edit;
  return line({ kind: "edit", message, conversation, text, ...written(edit) });
}

export function reactionLine(reaction: Omit<ExportedReaction, "kind" | "line">): string {
  const { message, conversation, sender, emoji, removed } = reaction;
  return line({ kind: "reaction", message, conversation, sender, emoji, removed, ...written(reaction) });
}

export function settingLine(setting: Omit<ExportedSetting, "kind" | "line">): string {
  const { name, value } = setting;
  return line({ kind: "setting", name, value, ...written(setting) });
}

export function conversationLine(conversation: Omit<ExportedConversation, "kind" | "line">): string {
  const { title, readUpTo, pin, mute, archive, draft, participants } = conversation;
  return line({
    kind: "conversation",
    conversation: conversation.conversation,
    title: title === null ? null : { text: title.text, ...written(title) },
    readUpTo: readUpTo === null ? null : orderText(readUpTo),
    markedUnread: conversation.markedUnread,
    pin: pin === null ? null : { on: pin.on, rank: pin.rank, order: orderText(pin.order) },
    mute: mute === null ? null : { until: timeText(mute.untilMs), order: orderText(mute.order) },
    archive: archive === null ? null : { on: archive.on, order: orderText(archive.order) },
    draft: draft === null ? null : { text: draft.text, ...written(draft) },
    participants: participants === null ? null : { list: participants.list, ...written(participants) },
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

function written({ order, author }: Written): { readonly order: string; readonly author: string } {
  return { order: orderText(order), author };
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
