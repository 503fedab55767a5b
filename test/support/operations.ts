/** Operations for tests: short names, places by number, and arbitraries that collide on purpose. */
import fc from "fast-check";
import { utf8 } from "../../src/core/base/bytes.ts";
import type { ControlId, ConversationId, DeviceId, LogId, MessageId } from "../../src/core/base/ids.ts";
import { sha256 } from "../../src/core/crypto/hash.ts";
import { contentHashOf, encodeOperation } from "../../src/core/inbox/operation.ts";
import { withNamedPlaces } from "../../src/core/inbox/fold-tombstones.ts";
import { compareNamed } from "../../src/core/inbox/tombstone-body.ts";
import {
  DELIVERY_STATES,
  MUTED_FOR_EVER,
  type NamedMessage,
  type Operation,
  type OperationBody,
  type OrderKey,
  type PlacedOperation,
  type Stamp,
} from "../../src/core/inbox/types.ts";

export type MessageBody = Extract<OperationBody, { kind: "message" }>;

export const NOW_MS = 1_700_000_000_000;

export const idOf = (n: number): MessageId => n.toString(16).padStart(32, "0") as MessageId;
export const conversationIdAt = (n: number): ConversationId =>
  n.toString(16).padStart(32, "c") as ConversationId;
export const deviceOf = (n: number): DeviceId => n.toString(16).padStart(64, "d") as DeviceId;
export const purgeOf = (n: number): ControlId => n.toString(16).padStart(64, "e") as ControlId;
export const logOf = (n: number): LogId => n.toString(16).padStart(64, "0") as LogId;
export const orderAt = (ms: number, id: number, counter = 0): OrderKey => ({
  stamp: { ms, counter },
  id: idOf(id),
});

export function messageBody(fields: Partial<MessageBody> = {}): MessageBody {
  return {
    kind: "message",
    conversation: "+4930123",
    direction: "in",
    service: "kinlog",
    sender: null,
    text: "hi",
    sentAtMs: NOW_MS,
    receivedAtMs: null,
    replyTo: null,
    takenIn: false,
    readAtSource: false,
    ...fields,
  };
}

export function operationOf(
  body: OperationBody,
  fields: {
    readonly id?: number;
    readonly ms?: number;
    readonly counter?: number;
    readonly author?: DeviceId;
  } = {},
): Operation {
  const { id = 1, ms = NOW_MS, counter = 0, author = deviceOf(1) } = fields;
  return { id: idOf(id), author, stamp: { ms, counter }, body };
}

/** At a place of its own: `position` in the log of number 1. */
export function placedAt(position: number, operation: Operation, takenInMs = NOW_MS): PlacedOperation {
  const contentHash = contentHashIn(operation);
  const placed = { operation, contentHash, place: { logNumber: 1, position }, takenInMs };
  return withNamedPlaces(placed, (log) => Number.parseInt(log, 16));
}

/** As the log has it, whoever wrote it. */
function contentHashIn(operation: Operation): Uint8Array {
  const { author: logDevice, body } = operation;
  if (body.kind === "unknown") return new Uint8Array(16);
  // This version cannot write it; any hash of its content will do.
  if (body.kind === "later-message") return sha256(utf8(JSON.stringify(operation))).subarray(0, 16);
  return contentHashOf(encodeOperation(operation, { logDevice }), { logDevice });
}

export function laterMessage(
  fields: Partial<Extract<OperationBody, { kind: "later-message" }>> = {},
): OperationBody {
  return {
    kind: "later-message",
    number: 64,
    conversation: "+4930123",
    direction: "in",
    service: "kinlog",
    sentAtMs: NOW_MS,
    takenIn: false,
    readAtSource: false,
    ...fields,
  };
}

/** Few values, so that ids, stamps and conversations meet. */
const stamp: fc.Arbitrary<Stamp> = fc.record({
  ms: fc.constantFrom(NOW_MS, NOW_MS + 1, NOW_MS + 2, 2 ** 48 - 1, 0),
  counter: fc.constantFrom(0, 1, 65_535),
});
const id = fc.nat(4).map(idOf);
const address = fc.constantFrom("+4930123", "+49 30 123", "Mum");
const order: fc.Arbitrary<OrderKey> = fc.record({ stamp, id });

/** @param conversationOf The id of the conversation that an address names. */
export function collidingOperation(
  conversationOf: (address: string) => ConversationId,
): fc.Arbitrary<Operation> {
  const conversation = address.map(conversationOf);
  const messages = fc.array(id, { minLength: 1, maxLength: 3 });
  const body: fc.Arbitrary<OperationBody> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .record({
          conversation: address,
          direction: fc.constantFrom("in" as const, "out" as const),
          text: fc.constantFrom("a", "b"),
          takenIn: fc.boolean(),
          readAtSource: fc.boolean(),
        })
        .map(messageBody),
    },
    fc.record({ kind: fc.constantFrom("delete" as const, "restore" as const), conversation, messages }),
    fc.record({ kind: fc.constant("read" as const), conversation, upTo: order }),
    fc.record({ kind: fc.constant("unread" as const), conversation }),
    fc.record({ kind: fc.constant("title" as const), conversation, title: fc.constantFrom("Mum", "Mother") }),
    fc.record({
      kind: fc.constant("device-name" as const),
      device: fc.constantFrom(deviceOf(1), deviceOf(2)),
      name: fc.constantFrom("laptop", "phone"),
    }),
    fc.constant<OperationBody>({ kind: "unknown", number: 9 }),
    fc
      .record({
        conversation: address,
        direction: fc.constantFrom("in" as const, "out" as const),
        takenIn: fc.boolean(),
        number: fc.constantFrom(64, 127),
      })
      .map(laterMessage),
    { weight: 4, arbitrary: markBody(conversation) },
    { weight: 3, arbitrary: tombstoneBody },
    { weight: 4, arbitrary: propertyBody(conversation) },
  );
  return fc.record({ id, author: fc.constantFrom(deviceOf(1), deviceOf(2)), stamp, body });
}

/** Names a few contents at a few places, of which nothing need be true: a member can write any. */
const named: fc.Arbitrary<NamedMessage> = fc.record({
  message: id,
  contentHash: fc.constantFrom(0, 0x40, 0xff).map((byte) => new Uint8Array(16).fill(byte)),
  stamp,
  flags: fc.constantFrom(0, 1, 4, 7, 16),
  log: fc.constantFrom(1, 2).map(logOf),
  position: fc.nat(2),
});
const tombstoneBody: fc.Arbitrary<OperationBody> = fc.record({
  kind: fc.constant("tombstone" as const),
  purge: fc.constantFrom(1, 2).map(purgeOf),
  conversation: address,
  named: fc.array(named, { minLength: 1, maxLength: 3 }).map(inNamedOrder),
});

/** As a tombstone names them: in order, each place once. */
export function inNamedOrder(some: readonly NamedMessage[]): readonly NamedMessage[] {
  const sorted = some.toSorted(compareNamed);
  return sorted.filter((each, at) => at === 0 || compareNamed(sorted[at - 1]!, each) < 0);
}

/** What leaves a mark on a message. */
function markBody(conversation: fc.Arbitrary<ConversationId>): fc.Arbitrary<OperationBody> {
  const target = { conversation, message: id };
  return fc.oneof(
    fc.record({ kind: fc.constant("edit" as const), ...target, text: fc.constantFrom("c", "d") }),
    fc.record({ kind: fc.constant("unsend" as const), ...target }),
    fc.record({
      kind: fc.constant("reaction" as const),
      ...target,
      sender: fc.constantFrom(null, "+4930123", "+49 30 123", "Mum"),
      emoji: fc.constantFrom("\u{1f44d}", "\u{1f44e}"),
      removed: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("delivery" as const),
      ...target,
      state: fc.constantFrom(...DELIVERY_STATES),
    }),
  );
}

function propertyBody(conversation: fc.Arbitrary<ConversationId>): fc.Arbitrary<OperationBody> {
  const on = fc.boolean();
  return fc.oneof(
    fc.record({ kind: fc.constant("pin" as const), conversation, on, rank: fc.nat(2) }),
    fc.record({
      kind: fc.constant("mute" as const),
      conversation,
      untilMs: fc.constantFrom(0, NOW_MS, MUTED_FOR_EVER),
    }),
    fc.record({ kind: fc.constant("archive" as const), conversation, on }),
    fc.record({ kind: fc.constant("draft" as const), conversation, text: fc.constantFrom("", "See", "you") }),
    fc.record({
      kind: fc.constant("participants" as const),
      conversation,
      participants: fc.subarray(["Mum", "Dad"]),
    }),
    fc.record({
      kind: fc.constant("setting" as const),
      name: fc.constantFrom("theme", "sounds"),
      value: fc.constantFrom("", "on"),
    }),
  );
}
