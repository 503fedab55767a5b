/**
 * The bodies of messages and of reactions to them, which have flags, to bytes and back. Decides nothing.
 * Spec: docs/spec/inbox.md. Tests: test/unit/inbox/operation.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import type { MessageId } from "../base/ids.ts";
import { readId, readTarget, writeText } from "./body-fields.ts";
import type { ScratchWriter } from "./scratch-writer.ts";
import {
  ADDRESS_BYTES_MAX,
  EMOJI_BYTES_MAX,
  TEXT_BYTES_MAX,
  type OperationBody,
  type Service,
} from "./types.ts";

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;

const messageFlag = { in: 1, sender: 2, reply: 4, takenIn: 8, readAtSource: 16, received: 32 } as const;
const MESSAGE_FLAGS_KNOWN = 63;
const reactionFlag = { sender: 1, removed: 2 } as const;
const REACTION_FLAGS_KNOWN = 3;

const services: readonly (Service | undefined)[] = [undefined, "kinlog", "sms", "mms"];
const numberByService = { kinlog: 1, sms: 2, mms: 3 } as const;

export function writeMessage(writer: ScratchWriter, body: Body<"message">): void {
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

/** `unknown` for flags or a service of a later version. */
export function readMessage(reader: ByteReader, number: number): OperationBody {
  const flags = reader.u8();
  const service = services[reader.u8()];
  if (flags > MESSAGE_FLAGS_KNOWN || service === undefined) return { kind: "unknown", number };
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
export function readLaterMessage(reader: ByteReader, number: number): OperationBody {
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

export function writeReaction(
  writer: ScratchWriter,
  { message, sender, emoji, removed }: Body<"reaction">,
): void {
  writer.id(message);
  writer.u8((sender === null ? 0 : reactionFlag.sender) | (removed ? reactionFlag.removed : 0));
  if (sender !== null) writeText(writer, sender, ADDRESS_BYTES_MAX);
  writeText(writer, emoji, EMOJI_BYTES_MAX);
}

/** `unknown` for flags of a later version. */
export function readReaction(reader: ByteReader, number: number): OperationBody {
  const target = readTarget(reader);
  const flags = reader.u8();
  if (flags > REACTION_FLAGS_KNOWN) return { kind: "unknown", number };
  const sender = (flags & reactionFlag.sender) !== 0 ? reader.text(ADDRESS_BYTES_MAX) : null;
  const emoji = reader.text(EMOJI_BYTES_MAX);
  return { kind: "reaction", ...target, sender, emoji, removed: (flags & reactionFlag.removed) !== 0 };
}
