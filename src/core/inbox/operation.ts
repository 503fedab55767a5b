/**
 * Operations to bytes and back: the opened payload of an entry of a state or messages log. Decides nothing.
 * Spec: docs/spec/inbox.md. Tests: test/unit/inbox/operation.test.ts.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { EngineError, assert } from "../base/errors.ts";
import { idBytes, type DeviceId, type MessageId } from "../base/ids.ts";
import { sha256Into } from "../crypto/hash.ts";
import { takeMemory } from "../crypto/memory.ts";
import { DEVICE_ID_BYTES, SHORT_ID_BYTES, readDeviceId } from "./id-codec.ts";
import { readId, readStamp, writeStamp } from "./body-fields.ts";
import { kindNumber, readBody, writeBody } from "./operation-body.ts";
import { ScratchWriter } from "./scratch-writer.ts";
import { ADDRESS_BYTES_MAX, TEXT_BYTES_MAX, type Operation, type OperationBody } from "./types.ts";

export const OPERATION_VERSION = 1;
/** Of a payload's SHA-256 as much as decides between two contents of one id. */
export const CONTENT_HASH_BYTES = 16;

const KIND_NUMBER_MAX = 65_535;

const AUTHOR_IS_LOG_DEVICE = 0;
const AUTHOR_FOLLOWS = 1;
/** Version, a kind of one byte, and the id stand before the author. */
const AUTHOR_AT = 2 + SHORT_ID_BYTES;

/** Holds the largest operation, a message, with three bytes of room for each character of its texts. */
const writer = new ScratchWriter(3 * (TEXT_BYTES_MAX + 3 * ADDRESS_BYTES_MAX));

/** Holds nearly every payload with its author written out. Nothing runs between filling and hashing it. */
const withAuthor = new Uint8Array(4_096);
let lastDevice: { readonly device: DeviceId; readonly bytes: Uint8Array } | undefined;

/** Which log an operation belongs in: what refers to something goes into the state log, which syncs first. */
export function logClassOf(body: OperationBody): "messages" | "state" {
  return body.kind === "message" || body.kind === "later-message" ? "messages" : "state";
}

/**
 * The payload for a log of `logDevice`.
 *
 * @throws EngineError `TEXT_TOO_LONG`, `TEXT_NOT_UTF8` for a text that no device may write.
 */
export function encodeOperation(operation: Operation, log: { readonly logDevice: DeviceId }): Uint8Array {
  const { body } = operation;
  assert(
    body.kind !== "unknown" && body.kind !== "later-message",
    "an operation of an unknown kind is passed on as it came, never written",
  );
  writer.begin().u8(OPERATION_VERSION).u8(kindNumber(body)).id(operation.id);
  if (operation.author === log.logDevice) writer.u8(AUTHOR_IS_LOG_DEVICE);
  else writer.u8(AUTHOR_FOLLOWS).id(operation.author);
  writeStamp(writer, operation.stamp);
  writeBody(writer, body);
  return writer.finish();
}

/**
 * The operation of a payload in a log of `logDevice`. Of a newer version, an unknown kind, or with flags, a service or a state
 * that came later, the body is `unknown` (kind 0 where the version is newer, since nothing after it can be read).
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
  if (body.kind !== "unknown" && body.kind !== "later-message") reader.end();
  return { id, author, stamp, body };
}

/**
 * What decides between two contents of one id: the first 16 bytes of SHA-256 over the payload with its author written out,
 * so that it is the same in whichever log the operation stands.
 */
export function contentHashOf(payload: Uint8Array, log: { readonly logDevice: DeviceId }): Uint8Array {
  if (payload[AUTHOR_AT] !== AUTHOR_IS_LOG_DEVICE) return shortHash(payload);
  const size = payload.length + DEVICE_ID_BYTES;
  const whole = size <= withAuthor.length ? withAuthor : new Uint8Array(size);
  whole.set(payload, DEVICE_ID_BYTES);
  // What stands before the author moves to the front, and the device into the gap.
  whole.copyWithin(0, DEVICE_ID_BYTES, DEVICE_ID_BYTES + AUTHOR_AT);
  whole[AUTHOR_AT] = AUTHOR_FOLLOWS;
  whole.set(idBytesOf(log.logDevice), AUTHOR_AT + 1);
  return shortHash(whole.subarray(0, size));
}

function shortHash(bytes: Uint8Array): Uint8Array {
  const hash = takeMemory(CONTENT_HASH_BYTES);
  sha256Into(hash, 0, bytes, CONTENT_HASH_BYTES);
  return hash;
}

/** Payloads come in runs of one device's log, so its bytes are kept from the one before: a pure function's memory. */
function idBytesOf(device: DeviceId): Uint8Array {
  if (lastDevice?.device !== device) lastDevice = { device, bytes: idBytes(device) };
  return lastDevice.bytes;
}

function readAuthor(reader: ByteReader, logDevice: DeviceId): DeviceId {
  if (!reader.flag()) return logDevice;
  const author = readDeviceId<DeviceId>(reader.raw(DEVICE_ID_BYTES), 0);
  if (author === logDevice) {
    throw new EngineError("WIRE_NOT_CANONICAL", "the log's own device is written out as author");
  }
  return author;
}

function operationOfNewerVersion(logDevice: DeviceId): Operation {
  return {
    id: "0".repeat(2 * SHORT_ID_BYTES) as MessageId,
    author: logDevice,
    stamp: { ms: 0, counter: 0 },
    body: { kind: "unknown", number: 0 },
  };
}
