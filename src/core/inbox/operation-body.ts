/**
 * The bodies of operations, kind by kind, to bytes and back. What stands before a body is in operation.ts. Decides nothing.
 * Spec: docs/spec/inbox.md. Tests: test/unit/inbox/operation.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { utf8ToText } from "../base/bytes.ts";
import { EngineError, assert } from "../base/errors.ts";
import type { ConversationId, DeviceId, MessageId } from "../base/ids.ts";
import { isWellFormed } from "./address.ts";
import { DEVICE_ID_BYTES, SHORT_ID_BYTES, readDeviceId, readShortId } from "./id-codec.ts";
import type { ScratchWriter } from "./scratch-writer.ts";
import {
  ADDRESS_BYTES_MAX,
  DELIVERY_STATES,
  EMOJI_BYTES_MAX,
  MESSAGES_PER_DELETE_MAX,
  NAME_BYTES_MAX,
  PARTICIPANTS_BYTES_MAX,
  PARTICIPANTS_MAX,
  SETTING_NAME_BYTES_MAX,
  SETTING_VALUE_BYTES_MAX,
  TEXT_BYTES_MAX,
  type OperationBody,
  type OrderKey,
  type Service,
  type Stamp,
} from "./types.ts";

/** What this version writes. */
type WrittenBody = Exclude<OperationBody, { kind: "unknown" | "later-message" }>;
type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;

const numberByKind = {
  message: 1,
  delete: 2,
  restore: 3,
  read: 4,
  unread: 5,
  title: 6,
  "device-name": 7,
  edit: 8,
  unsend: 9,
  reaction: 10,
  delivery: 11,
  pin: 12,
  mute: 13,
  archive: 14,
  draft: 15,
  setting: 16,
  participants: 17,
} as const;
/** Kept for later kinds of message, of which every version knows where they stand. */
const laterMessages = { from: 64, to: 127 } as const;

const messageFlag = { in: 1, sender: 2, reply: 4, takenIn: 8, readAtSource: 16, received: 32 } as const;
const MESSAGE_FLAGS_KNOWN = 63;
const reactionFlag = { sender: 1, removed: 2 } as const;
const REACTION_FLAGS_KNOWN = 3;

const services: readonly (Service | undefined)[] = [undefined, "kinlog", "sms", "mms"];
const numberByService = { kinlog: 1, sms: 2, mms: 3 } as const;

export function kindNumber(body: WrittenBody): number {
  return numberByKind[body.kind];
}

/** @throws EngineError `TEXT_TOO_LONG`, `TEXT_NOT_UTF8` for a text that no device may write. */
export function writeBody(writer: ScratchWriter, body: WrittenBody): void {
  switch (body.kind) {
    case "message":
      return writeMessage(writer, body);
    case "device-name":
      writer.id(body.device);
      return writeText(writer, body.name, NAME_BYTES_MAX);
    case "setting":
      writeText(writer, body.name, SETTING_NAME_BYTES_MAX);
      return writeText(writer, body.value, SETTING_VALUE_BYTES_MAX);
    default:
      writer.id(body.conversation);
      return writeReference(writer, body);
  }
}

/** What comes behind the conversation in everything that refers to one. */
function writeReference(
  writer: ScratchWriter,
  body: Exclude<WrittenBody, { kind: "message" | "device-name" | "setting" }>,
): void {
  switch (body.kind) {
    case "delete":
    case "restore":
      return writeMessageIds(writer, body.messages);
    case "read":
      writeStamp(writer, body.upTo.stamp);
      writer.id(body.upTo.id);
      return;
    case "unread":
      return;
    case "title":
      return writeText(writer, body.title, ADDRESS_BYTES_MAX);
    case "edit":
      writer.id(body.message);
      return writeText(writer, body.text, TEXT_BYTES_MAX);
    case "unsend":
      writer.id(body.message);
      return;
    case "reaction":
      return writeReaction(writer, body);
    case "delivery":
      writer.id(body.message).u8(DELIVERY_STATES.indexOf(body.state) + 1);
      return;
    case "pin":
      writer.u8(body.on ? 1 : 0).u48(body.rank);
      return;
    case "mute":
      writer.u48(body.untilMs);
      return;
    case "archive":
      writer.u8(body.on ? 1 : 0);
      return;
    case "draft":
      return writeText(writer, body.text, TEXT_BYTES_MAX);
    case "participants":
      return writeParticipants(writer, body.participants);
  }
}

function writeParticipants(writer: ScratchWriter, participants: readonly string[]): void {
  assert(participants.length <= PARTICIPANTS_MAX, "a conversation has at most 256 participants");
  writer.uint(participants.length);
  let left = PARTICIPANTS_BYTES_MAX;
  for (const participant of participants)
    left -= putText(writer, participant, Math.min(left, ADDRESS_BYTES_MAX));
}

function writeMessage(writer: ScratchWriter, body: Body<"message">): void {
  let flags = 0;
  if (body.direction === "in") flags |= messageFlag.in;
  if (body.sender !== null) flags |= messageFlag.sender;
  if (body.replyTo !== null) flags |= messageFlag.reply;
  if (body.takenIn) flags |= messageFlag.takenIn;
  if (body.readAtSource) flags |= messageFlag.readAtSource;
  if (body.receivedAtMs !== null) flags |= messageFlag.received;
  writer.u8(flags).u8(numberByService[body.service]);
  writeText(writer, body.conversation, ADDRESS_BYTES_MAX);
  writer.u48(body.sentAtMs);
  if (body.receivedAtMs !== null) writer.u48(body.receivedAtMs);
  if (body.sender !== null) writeText(writer, body.sender, ADDRESS_BYTES_MAX);
  if (body.replyTo !== null) writer.id(body.replyTo);
  writeText(writer, body.text, TEXT_BYTES_MAX);
}

function writeMessageIds(writer: ScratchWriter, messages: readonly MessageId[]): void {
  assert(
    messages.length >= 1 && messages.length <= MESSAGES_PER_DELETE_MAX,
    "a delete names 1 to 1000 messages",
  );
  writer.uint(messages.length);
  for (const id of messages) writer.id(id);
}

function writeReaction(writer: ScratchWriter, { message, sender, emoji, removed }: Body<"reaction">): void {
  writer.id(message);
  writer.u8((sender === null ? 0 : reactionFlag.sender) | (removed ? reactionFlag.removed : 0));
  if (sender !== null) writeText(writer, sender, ADDRESS_BYTES_MAX);
  writeText(writer, emoji, EMOJI_BYTES_MAX);
}

export function writeStamp(writer: ScratchWriter, stamp: Stamp): void {
  writer.u48(stamp.ms).u16(stamp.counter);
}

function writeText(writer: ScratchWriter, text: string, bytesMax: number): void {
  putText(writer, text, bytesMax);
}

/** Writes a text and returns its size in bytes. */
function putText(writer: ScratchWriter, text: string, bytesMax: number): number {
  const size = writer.text(text, bytesMax);
  if (size > bytesMax) throw new EngineError("TEXT_TOO_LONG", `a text is over ${bytesMax} bytes`);
  // Bytes equal characters where all is ASCII, and nothing can be half a pair there.
  if (size !== text.length && !isWellFormed(text)) {
    throw new EngineError("TEXT_NOT_UTF8", "a text has half a surrogate pair");
  }
  return size;
}

/**
 * The body of a kind, read to its end; `unknown`, with nothing read, where this version does not know what it says.
 *
 * @throws EngineError `WIRE_*` or `TEXT_NOT_UTF8` for anything that `writeBody` does not write.
 */
export function readBody(reader: ByteReader, kind: number): OperationBody {
  switch (kind) {
    case numberByKind.message:
      return readMessage(reader);
    case numberByKind.delete:
      return { kind: "delete", conversation: readId(reader), messages: readMessageIds(reader) };
    case numberByKind.restore:
      return { kind: "restore", conversation: readId(reader), messages: readMessageIds(reader) };
    case numberByKind.read:
      return { kind: "read", conversation: readId<ConversationId>(reader), upTo: readOrder(reader) };
    case numberByKind.unread:
      return { kind: "unread", conversation: readId<ConversationId>(reader) };
    case numberByKind.title:
      return { kind: "title", conversation: readId(reader), title: reader.text(ADDRESS_BYTES_MAX) };
    case numberByKind["device-name"]: {
      const device = readDeviceId<DeviceId>(reader.raw(DEVICE_ID_BYTES), 0);
      return { kind: "device-name", device, name: reader.text(NAME_BYTES_MAX) };
    }
    case numberByKind.edit:
      return { kind: "edit", ...readTarget(reader), text: reader.text(TEXT_BYTES_MAX) };
    case numberByKind.unsend:
      return { kind: "unsend", ...readTarget(reader) };
    case numberByKind.reaction:
      return readReaction(reader);
    case numberByKind.delivery:
      return readDelivery(reader);
    case numberByKind.setting: {
      const name = reader.text(SETTING_NAME_BYTES_MAX);
      return { kind: "setting", name, value: reader.text(SETTING_VALUE_BYTES_MAX) };
    }
    default:
      return kind >= laterMessages.from && kind <= laterMessages.to
        ? readLaterMessage(reader, kind)
        : readProperty(reader, kind);
  }
}

function readProperty(reader: ByteReader, kind: number): OperationBody {
  switch (kind) {
    case numberByKind.pin: {
      const [conversation, on] = [readId<ConversationId>(reader), reader.flag()];
      return { kind: "pin", conversation, on, rank: reader.u48() };
    }
    case numberByKind.mute:
      return { kind: "mute", conversation: readId<ConversationId>(reader), untilMs: reader.u48() };
    case numberByKind.archive:
      return { kind: "archive", conversation: readId<ConversationId>(reader), on: reader.flag() };
    case numberByKind.draft:
      return { kind: "draft", conversation: readId(reader), text: reader.text(TEXT_BYTES_MAX) };
    case numberByKind.participants:
      return { kind: "participants", conversation: readId(reader), participants: readParticipants(reader) };
    default:
      return { kind: "unknown", number: kind };
  }
}

function readMessage(reader: ByteReader): OperationBody {
  const flags = reader.u8();
  const service = services[reader.u8()];
  if (flags > MESSAGE_FLAGS_KNOWN || service === undefined)
    return { kind: "unknown", number: numberByKind.message };
  // In the order of the encoding.
  const conversation = reader.text(ADDRESS_BYTES_MAX);
  const sentAtMs = reader.u48();
  const receivedAtMs = (flags & messageFlag.received) !== 0 ? reader.u48() : null;
  const sender = (flags & messageFlag.sender) !== 0 ? reader.text(ADDRESS_BYTES_MAX) : null;
  const replyTo = (flags & messageFlag.reply) !== 0 ? readId<MessageId>(reader) : null;
  const text = reader.text(TEXT_BYTES_MAX);
  return {
    kind: "message",
    conversation,
    direction: (flags & messageFlag.in) !== 0 ? "in" : "out",
    service,
    sender,
    text,
    sentAtMs,
    receivedAtMs,
    replyTo,
    takenIn: (flags & messageFlag.takenIn) !== 0,
    readAtSource: (flags & messageFlag.readAtSource) !== 0,
  };
}

/** As far as every version reads it; a service that came later is shown as our own. */
function readLaterMessage(reader: ByteReader, number: number): OperationBody {
  const flags = reader.u8();
  const service = services[reader.u8()] ?? "kinlog";
  const conversation = reader.text(ADDRESS_BYTES_MAX);
  return {
    kind: "later-message",
    number,
    conversation,
    direction: (flags & messageFlag.in) !== 0 ? "in" : "out",
    service,
    sentAtMs: reader.u48(),
    takenIn: (flags & messageFlag.takenIn) !== 0,
    readAtSource: (flags & messageFlag.readAtSource) !== 0,
  };
}

function readReaction(reader: ByteReader): OperationBody {
  const target = readTarget(reader);
  const flags = reader.u8();
  if (flags > REACTION_FLAGS_KNOWN) return { kind: "unknown", number: numberByKind.reaction };
  const sender = (flags & reactionFlag.sender) !== 0 ? reader.text(ADDRESS_BYTES_MAX) : null;
  const emoji = reader.text(EMOJI_BYTES_MAX);
  return { kind: "reaction", ...target, sender, emoji, removed: (flags & reactionFlag.removed) !== 0 };
}

function readDelivery(reader: ByteReader): OperationBody {
  const target = readTarget(reader);
  const state = DELIVERY_STATES[reader.u8() - 1];
  return state === undefined
    ? { kind: "unknown", number: numberByKind.delivery }
    : { kind: "delivery", ...target, state };
}

function readTarget(reader: ByteReader): {
  readonly conversation: ConversationId;
  readonly message: MessageId;
} {
  const conversation = readId<ConversationId>(reader);
  return { conversation, message: readId<MessageId>(reader) };
}

function readParticipants(reader: ByteReader): readonly string[] {
  let left = PARTICIPANTS_BYTES_MAX;
  return reader.list(PARTICIPANTS_MAX, () => {
    const bytes = reader.blob(Math.min(left, ADDRESS_BYTES_MAX));
    left -= bytes.length;
    return utf8ToText(bytes);
  });
}

function readMessageIds(reader: ByteReader): readonly MessageId[] {
  const ids = reader.list(MESSAGES_PER_DELETE_MAX, () => readId<MessageId>(reader));
  if (ids.length === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a delete names no message");
  return ids;
}

function readOrder(reader: ByteReader): OrderKey {
  const stamp = readStamp(reader);
  return { stamp, id: readId<MessageId>(reader) };
}

export function readStamp(reader: ByteReader): Stamp {
  const ms = reader.u48();
  return { ms, counter: reader.u16() };
}

export function readId<Id extends string>(reader: ByteReader): Id {
  return readShortId<Id>(reader.input, reader.skip(SHORT_ID_BYTES));
}
