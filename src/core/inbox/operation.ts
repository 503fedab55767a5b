/**
 * Operations to bytes and back: the opened payload of an entry of a state or messages log. Decides nothing.
 * Spec: docs/spec/inbox.md. Tests: test/unit/inbox/operation.test.ts.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { EngineError, assert } from "../base/errors.ts";
import type { ConversationId, DeviceId, MessageId } from "../base/ids.ts";
import { sha256 } from "../crypto/hash.ts";
import { isWellFormed } from "./address.ts";
import { DEVICE_ID_BYTES, SHORT_ID_BYTES, readDeviceId, readShortId } from "./id-codec.ts";
import { ScratchWriter } from "./scratch-writer.ts";
import {
  ADDRESS_BYTES_MAX,
  MESSAGES_PER_DELETE_MAX,
  NAME_BYTES_MAX,
  TEXT_BYTES_MAX,
  type Operation,
  type OperationBody,
  type OrderKey,
  type Service,
  type Stamp,
} from "./types.ts";

export const OPERATION_VERSION = 1;
/** Of a payload's SHA-256 as much as decides between two contents of one id. */
export const CONTENT_HASH_BYTES = 16;

const numberByKind = {
  message: 1,
  delete: 2,
  restore: 3,
  read: 4,
  unread: 5,
  title: 6,
  "device-name": 7,
} as const;
const KIND_NUMBER_MAX = 65_535;

const AUTHOR_IS_LOG_DEVICE = 0;
const AUTHOR_FOLLOWS = 1;
/** Version, a kind of one byte, and the id stand before the author. */
const AUTHOR_AT = 2 + SHORT_ID_BYTES;

const flag = { in: 1, sender: 2, reply: 4, takenIn: 8, readAtSource: 16, received: 32 } as const;
const FLAGS_KNOWN = 63;

const services: readonly (Service | undefined)[] = [undefined, "kinlog", "sms", "mms"];
const numberByService = { kinlog: 1, sms: 2, mms: 3 } as const;

/** Holds the largest operation, a message, with three bytes of room for each character of its texts. */
const writer = new ScratchWriter(3 * (TEXT_BYTES_MAX + 3 * ADDRESS_BYTES_MAX));

/** Which log an operation belongs in: what refers to something goes into the state log, which syncs first. */
export function logClassOf(body: OperationBody): "messages" | "state" {
  return body.kind === "message" ? "messages" : "state";
}

/**
 * The payload for a log of `logDevice`.
 *
 * @throws EngineError `TEXT_TOO_LONG`, `TEXT_NOT_UTF8` for a text that no device may write.
 */
export function encodeOperation(operation: Operation, log: { readonly logDevice: DeviceId }): Uint8Array {
  const { body } = operation;
  assert(body.kind !== "unknown", "an operation of an unknown kind is passed on as it came, never written");
  writer.begin().u8(OPERATION_VERSION).u8(numberByKind[body.kind]).id(operation.id);
  if (operation.author === log.logDevice) writer.u8(AUTHOR_IS_LOG_DEVICE);
  else writer.u8(AUTHOR_FOLLOWS).id(operation.author);
  writeStamp(operation.stamp);
  writeBody(body);
  return writer.finish();
}

/**
 * The operation of a payload in a log of `logDevice`. Of a newer version, an unknown kind, or a message with flags or a
 * service that came later, the body is `unknown` (kind 0 where the version is newer, since nothing after it can be read).
 *
 * @throws EngineError `WIRE_*` or `TEXT_NOT_UTF8` for anything that `encodeOperation` does not write.
 */
export function decodeOperation(bytes: Uint8Array, log: { readonly logDevice: DeviceId }): Operation {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== OPERATION_VERSION) return operationOfNewerVersion(log.logDevice);
  const kind = reader.uint(KIND_NUMBER_MAX);
  const id = readId<MessageId>(reader);
  const author = readAuthor(reader, log.logDevice);
  const stamp = readStamp(reader);
  const body = readBody(reader, kind);
  if (body.kind !== "unknown") reader.end();
  return { id, author, stamp, body };
}

/**
 * What decides between two contents of one id: the first 16 bytes of SHA-256 over the payload with its author written out,
 * so that it is the same in whichever log the operation stands.
 */
export function contentHashOf(payload: Uint8Array, log: { readonly logDevice: DeviceId }): Uint8Array {
  if (payload[AUTHOR_AT] !== AUTHOR_IS_LOG_DEVICE) return shortHash(payload);
  writer.begin().raw(payload.subarray(0, AUTHOR_AT)).u8(AUTHOR_FOLLOWS).id(log.logDevice);
  return shortHash(writer.raw(payload.subarray(AUTHOR_AT + 1)).written());
}

function shortHash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, CONTENT_HASH_BYTES);
}

function writeBody(body: Exclude<OperationBody, { kind: "unknown" }>): void {
  switch (body.kind) {
    case "message":
      return writeMessage(body);
    case "delete":
    case "restore":
      assert(
        body.messages.length >= 1 && body.messages.length <= MESSAGES_PER_DELETE_MAX,
        "a delete names 1 to 1000 messages",
      );
      writer.id(body.conversation).uint(body.messages.length);
      for (const id of body.messages) writer.id(id);
      return;
    case "read":
      writer.id(body.conversation);
      writeStamp(body.upTo.stamp);
      writer.id(body.upTo.id);
      return;
    case "unread":
      writer.id(body.conversation);
      return;
    case "title":
      writer.id(body.conversation);
      writeText(body.title, ADDRESS_BYTES_MAX);
      return;
    case "device-name":
      writer.id(body.device);
      writeText(body.name, NAME_BYTES_MAX);
  }
}

function writeMessage(body: Extract<OperationBody, { kind: "message" }>): void {
  let flags = 0;
  if (body.direction === "in") flags |= flag.in;
  if (body.sender !== null) flags |= flag.sender;
  if (body.replyTo !== null) flags |= flag.reply;
  if (body.takenIn) flags |= flag.takenIn;
  if (body.readAtSource) flags |= flag.readAtSource;
  if (body.receivedAtMs !== null) flags |= flag.received;
  writer.u8(flags).u8(numberByService[body.service]);
  writeText(body.conversation, ADDRESS_BYTES_MAX);
  writer.u48(body.sentAtMs);
  if (body.receivedAtMs !== null) writer.u48(body.receivedAtMs);
  if (body.sender !== null) writeText(body.sender, ADDRESS_BYTES_MAX);
  if (body.replyTo !== null) writer.id(body.replyTo);
  writeText(body.text, TEXT_BYTES_MAX);
}

function writeStamp(stamp: Stamp): void {
  writer.u48(stamp.ms).u16(stamp.counter);
}

function writeText(text: string, bytesMax: number): void {
  const size = writer.text(text, bytesMax);
  if (size > bytesMax) throw new EngineError("TEXT_TOO_LONG", `a text is over ${bytesMax} bytes`);
  // Bytes equal characters where all is ASCII, and nothing can be half a pair there.
  if (size !== text.length && !isWellFormed(text)) {
    throw new EngineError("TEXT_NOT_UTF8", "a text has half a surrogate pair");
  }
}

function readId<Id extends string>(reader: ByteReader): Id {
  return readShortId<Id>(reader.raw(SHORT_ID_BYTES), 0);
}

function readAuthor(reader: ByteReader, logDevice: DeviceId): DeviceId {
  if (!reader.flag()) return logDevice;
  const author = readDeviceId<DeviceId>(reader.raw(DEVICE_ID_BYTES), 0);
  if (author === logDevice) {
    throw new EngineError("WIRE_NOT_CANONICAL", "the log's own device is written out as author");
  }
  return author;
}

function readStamp(reader: ByteReader): Stamp {
  const ms = reader.u48();
  return { ms, counter: reader.u16() };
}

function readBody(reader: ByteReader, kind: number): OperationBody {
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
    default:
      return { kind: "unknown", number: kind };
  }
}

function readMessage(reader: ByteReader): OperationBody {
  const flags = reader.u8();
  const service = services[reader.u8()];
  if (flags > FLAGS_KNOWN || service === undefined) return { kind: "unknown", number: numberByKind.message };
  // In the order of the encoding.
  const conversation = reader.text(ADDRESS_BYTES_MAX);
  const sentAtMs = reader.u48();
  const receivedAtMs = (flags & flag.received) !== 0 ? reader.u48() : null;
  const sender = (flags & flag.sender) !== 0 ? reader.text(ADDRESS_BYTES_MAX) : null;
  const replyTo = (flags & flag.reply) !== 0 ? readId<MessageId>(reader) : null;
  const text = reader.text(TEXT_BYTES_MAX);
  return {
    kind: "message",
    conversation,
    direction: (flags & flag.in) !== 0 ? "in" : "out",
    service,
    sender,
    text,
    sentAtMs,
    receivedAtMs,
    replyTo,
    takenIn: (flags & flag.takenIn) !== 0,
    readAtSource: (flags & flag.readAtSource) !== 0,
  };
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

function operationOfNewerVersion(logDevice: DeviceId): Operation {
  return {
    id: "0".repeat(2 * SHORT_ID_BYTES) as MessageId,
    author: logDevice,
    stamp: { ms: 0, counter: 0 },
    body: { kind: "unknown", number: 0 },
  };
}
