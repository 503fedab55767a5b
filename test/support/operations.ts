/** Operations for tests: short names, places by number, and arbitraries that collide on purpose. */
import fc from "fast-check";
import type { ConversationId, DeviceId, MessageId } from "../../src/core/base/ids.ts";
import { contentHashOf, encodeOperation } from "../../src/core/inbox/operation.ts";
import type {
  Operation,
  OperationBody,
  OrderKey,
  PlacedOperation,
  Stamp,
} from "../../src/core/inbox/types.ts";

export type MessageBody = Extract<OperationBody, { kind: "message" }>;

export const NOW_MS = 1_700_000_000_000;

export const idOf = (n: number): MessageId => n.toString(16).padStart(32, "0") as MessageId;
export const conversationIdAt = (n: number): ConversationId =>
  n.toString(16).padStart(32, "c") as ConversationId;
export const deviceOf = (n: number): DeviceId => n.toString(16).padStart(64, "d") as DeviceId;
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
  const logDevice = operation.author;
  const contentHash =
    operation.body.kind === "unknown"
      ? new Uint8Array(16)
      : contentHashOf(encodeOperation(operation, { logDevice }), { logDevice });
  return { operation, contentHash, place: { logNumber: 1, position }, takenInMs };
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
  );
  return fc.record({ id, author: fc.constantFrom(deviceOf(1), deviceOf(2)), stamp, body });
}
