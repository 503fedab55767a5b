/**
 * What bodies of operations are made of, to bytes and back: texts, ids, stamps and lists of them. Decides nothing.
 * Spec: docs/spec/inbox.md. Tests: test/unit/inbox/operation.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { utf8ToText } from "../base/bytes.ts";
import { EngineError, assert } from "../base/errors.ts";
import type { ConversationId, MessageId } from "../base/ids.ts";
import { isWellFormed } from "./address.ts";
import { SHORT_ID_BYTES, readShortId } from "./id-codec.ts";
import type { ScratchWriter } from "./scratch-writer.ts";
import {
  ADDRESS_BYTES_MAX,
  MESSAGES_PER_DELETE_MAX,
  PARTICIPANTS_BYTES_MAX,
  PARTICIPANTS_MAX,
  type OrderKey,
  type Stamp,
} from "./types.ts";

export function writeStamp(writer: ScratchWriter, stamp: Stamp): void {
  writer.u48(stamp.ms).u16(stamp.counter);
}

export function writeText(writer: ScratchWriter, text: string, bytesMax: number): void {
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

export function readOrder(reader: ByteReader): OrderKey {
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

export function readTarget(reader: ByteReader): {
  readonly conversation: ConversationId;
  readonly message: MessageId;
} {
  const conversation = readId<ConversationId>(reader);
  return { conversation, message: readId<MessageId>(reader) };
}

export function writeMessageIds(writer: ScratchWriter, messages: readonly MessageId[]): void {
  assert(
    messages.length >= 1 && messages.length <= MESSAGES_PER_DELETE_MAX,
    "a delete names 1 to 1000 messages",
  );
  writer.uint(messages.length);
  for (const id of messages) writer.id(id);
}

export function readMessageIds(reader: ByteReader): readonly MessageId[] {
  const ids = reader.list(MESSAGES_PER_DELETE_MAX, () => readId<MessageId>(reader));
  if (ids.length === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a delete names no message");
  return ids;
}

export function writeParticipants(writer: ScratchWriter, participants: readonly string[]): void {
  assert(participants.length <= PARTICIPANTS_MAX, "a conversation has at most 256 participants");
  writer.uint(participants.length);
  let left = PARTICIPANTS_BYTES_MAX;
  for (const participant of participants)
    left -= putText(writer, participant, Math.min(left, ADDRESS_BYTES_MAX));
}

export function readParticipants(reader: ByteReader): readonly string[] {
  let left = PARTICIPANTS_BYTES_MAX;
  return reader.list(PARTICIPANTS_MAX, () => {
    const bytes = reader.blob(Math.min(left, ADDRESS_BYTES_MAX));
    left -= bytes.length;
    return utf8ToText(bytes);
  });
}
