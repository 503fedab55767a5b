/**
 * The lines of Kinlog's own export as records, field by field, of this version and of those before. Which lines there are:
 * jsonl-reader.ts. Format: docs/spec/export.md. Tests: test/unit/gateways/jsonl.test.ts.
 */
import { utf8 } from "../../core/base/bytes.ts";
import { isWellFormed, validateAddress, validateSetting, validateText } from "../../core/inbox/address.ts";
import type {
  ExportedConversation,
  ExportedEdit,
  ExportedMessage,
  ExportedReaction,
  ExportedRecord,
  ExportedSetting,
  Written,
} from "../../core/inbox/import-types.ts";
import { STAMP_MS_MAX } from "../../core/inbox/stamp.ts";
import {
  DELIVERY_STATES,
  EMOJI_BYTES_MAX,
  PARTICIPANTS_BYTES_MAX,
  PARTICIPANTS_MAX,
  type Direction,
  type Service,
} from "../../core/inbox/types.ts";
import { type JsonFields, LineFault, checked } from "./json-fields.ts";

interface LinePlace {
  readonly line: number;
  /** Of the export. */
  readonly version: number;
}

const directions: readonly Direction[] = ["in", "out"];
const services: readonly Service[] = ["kinlog", "sms", "mms"];
const NO_PROPERTIES = { pin: null, mute: null, archive: null, draft: null, participants: null };

/** @throws LineFault for a line that says what no device may write, or that its version does not have. */
export function readRecord(fields: JsonFields, place: LinePlace): ExportedRecord {
  const kind = fields.text("kind");
  if (kind === "message") return messageOf(fields, place);
  if (kind === "conversation") return conversationOf(fields, place);
  if (place.version >= 2) {
    if (kind === "edit") return editOf(fields, place);
    if (kind === "reaction") return reactionOf(fields, place);
    if (kind === "setting") return settingOf(fields, place);
  }
  throw new LineFault("a kind of line that this version does not know");
}

function messageOf(fields: JsonFields, { line, version }: LinePlace): ExportedMessage {
  const id = fields.messageId("id");
  const order = fields.order("order");
  if (order.id !== id) throw new LineFault("order and id name different messages");
  const message: ExportedMessage = {
    kind: "message",
    id,
    author: fields.deviceId("author"),
    stamp: order.stamp,
    conversation: addressOf(fields, "conversation"),
    direction: fields.oneOf("direction", directions),
    service: fields.oneOf("service", services),
    sender: fields.optional("sender", (name) => addressOf(fields, name)),
    text: fields.text("text"),
    sentAtMs: fields.timeMs("sentAt"),
    receivedAtMs: fields.optional("receivedAt", (name) => fields.timeMs(name)),
    replyTo: fields.optional("replyTo", (name) => fields.messageId(name)),
    takenIn: fields.flag("takenIn"),
    readAtSource: fields.flag("readAtSource"),
    read: fields.flag("read"),
    deletedBy: fields.optional("deletedBy", (name) => fields.order(name)),
    unsent: version < 2 ? null : fields.optional("unsent", (name) => writtenOf(fields.nested(name))),
    delivery: version < 2 ? null : fields.optional("delivery", (name) => fields.oneOf(name, DELIVERY_STATES)),
    line,
  };
  checked(() => validateText(message.text));
  return message;
}

function editOf(fields: JsonFields, { line }: LinePlace): ExportedEdit {
  const text = fields.text("text");
  checked(() => validateText(text));
  return { kind: "edit", ...targetOf(fields), text, ...writtenOf(fields), line };
}

function reactionOf(fields: JsonFields, { line }: LinePlace): ExportedReaction {
  return {
    kind: "reaction",
    ...targetOf(fields),
    sender: fields.optional("sender", (name) => addressOf(fields, name)),
    emoji: boundedText(fields, "emoji", EMOJI_BYTES_MAX),
    removed: fields.flag("removed"),
    ...writtenOf(fields),
    line,
  };
}

function settingOf(fields: JsonFields, { line }: LinePlace): ExportedSetting {
  const [name, value] = [fields.text("name"), fields.text("value")];
  checked(() => validateSetting(name, value));
  return { kind: "setting", name, value, ...writtenOf(fields), line };
}

function conversationOf(fields: JsonFields, { line, version }: LinePlace): ExportedConversation {
  return {
    kind: "conversation",
    conversation: addressOf(fields, "conversation"),
    title: fields.optional("title", (name) => titleOf(fields.nested(name))),
    readUpTo: fields.optional("readUpTo", (name) => fields.order(name)),
    markedUnread: fields.flag("markedUnread"),
    ...(version < 2 ? NO_PROPERTIES : propertiesOf(fields)),
    line,
  };
}

function propertiesOf(
  fields: JsonFields,
): Pick<ExportedConversation, "pin" | "mute" | "archive" | "draft" | "participants"> {
  const optional = <Value>(name: string, read: (nested: JsonFields) => Value): Value | null =>
    fields.optional(name, () => read(fields.nested(name)));
  return {
    pin: optional("pin", (pin) => ({ on: pin.flag("on"), rank: rankOf(pin), order: pin.order("order") })),
    mute: optional("mute", (mute) => ({ untilMs: mute.timeMs("until"), order: mute.order("order") })),
    archive: optional("archive", (archive) => ({ on: archive.flag("on"), order: archive.order("order") })),
    draft: optional("draft", (draft) => {
      const text = draft.text("text");
      checked(() => validateText(text));
      return { text, ...writtenOf(draft) };
    }),
    participants: optional("participants", (participants) => {
      const list = participants.texts("list", { countMax: PARTICIPANTS_MAX });
      for (const each of list) checked(() => validateAddress(each));
      if (utf8(list.join("")).length > PARTICIPANTS_BYTES_MAX)
        throw new LineFault(`participants are over ${PARTICIPANTS_BYTES_MAX} bytes`);
      return { list, ...writtenOf(participants) };
    }),
  };
}

/** An empty one takes the title away. */
function titleOf(fields: JsonFields): NonNullable<ExportedConversation["title"]> {
  const text = fields.text("text");
  if (text !== "") checked(() => validateAddress(text));
  return { text, ...writtenOf(fields) };
}

function rankOf(fields: JsonFields): number {
  const rank = fields.count("rank");
  if (rank > STAMP_MS_MAX) throw new LineFault("rank is too large");
  return rank;
}

function writtenOf(fields: JsonFields): Written {
  return { order: fields.order("order"), author: fields.deviceId("author") };
}

function targetOf(fields: JsonFields): Pick<ExportedEdit, "message" | "conversation"> {
  return { message: fields.messageId("message"), conversation: addressOf(fields, "conversation") };
}

function boundedText(fields: JsonFields, name: string, bytesMax: number): string {
  const text = fields.text(name);
  if (!isWellFormed(text) || utf8(text).length > bytesMax)
    throw new LineFault(`${name} is no text of at most ${bytesMax} bytes`);
  return text;
}

function addressOf(fields: JsonFields, name: string): string {
  const address = fields.text(name);
  checked(() => validateAddress(address));
  return address;
}
