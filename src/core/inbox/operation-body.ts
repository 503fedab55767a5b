/**
 * The bodies of operations, kind by kind, to bytes and back. What stands before a body is in operation.ts. Decides nothing.
 * Spec: docs/spec/inbox.md. Tests: test/unit/inbox/operation.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import type { ConversationId, DeviceId } from "../base/ids.ts";
import {
  readId,
  readMessageIds,
  readOrder,
  readParticipants,
  readTarget,
  writeMessageIds,
  writeParticipants,
  writeStamp,
  writeText,
} from "./body-fields.ts";
import { DEVICE_ID_BYTES, readDeviceId } from "./id-codec.ts";
import { readLaterMessage, readMessage, readReaction, writeMessage, writeReaction } from "./message-body.ts";
import type { ScratchWriter } from "./scratch-writer.ts";
import { readTombstone, writeTombstone } from "./tombstone-body.ts";
import {
  ADDRESS_BYTES_MAX,
  DELIVERY_STATES,
  NAME_BYTES_MAX,
  SETTING_NAME_BYTES_MAX,
  SETTING_VALUE_BYTES_MAX,
  TEXT_BYTES_MAX,
  type OperationBody,
} from "./types.ts";

/** What this version writes. */
type WrittenBody = Exclude<OperationBody, { kind: "unknown" | "later-message" }>;

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
  tombstone: 18,
} as const;
/** Kept for later kinds of message, of which every version knows where they stand. */
const laterMessages = { from: 64, to: 127 } as const;

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
    case "tombstone":
      return writeTombstone(writer, body);
    default:
      writer.id(body.conversation);
      return writeReference(writer, body);
  }
}

/** What comes behind the conversation in everything that refers to one. */
function writeReference(
  writer: ScratchWriter,
  body: Exclude<WrittenBody, { kind: "message" | "device-name" | "setting" | "tombstone" }>,
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

/**
 * The body of a kind, read to its end; `unknown`, with nothing read, where this version does not know what it says.
 *
 * @throws EngineError `WIRE_*` or `TEXT_NOT_UTF8` for anything that `writeBody` does not write.
 */
export function readBody(reader: ByteReader, kind: number): OperationBody {
  switch (kind) {
    case numberByKind.message:
      return readMessage(reader, kind);
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
      return readReaction(reader, kind);
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
    case numberByKind.tombstone:
      return readTombstone(reader);
    default:
      return { kind: "unknown", number: kind };
  }
}

function readDelivery(reader: ByteReader): OperationBody {
  const target = readTarget(reader);
  const state = DELIVERY_STATES[reader.u8() - 1];
  return state === undefined
    ? { kind: "unknown", number: numberByKind.delivery }
    : { kind: "delivery", ...target, state };
}
