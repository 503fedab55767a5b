/**
 * The fold a second time: slow, from docs/spec/inbox.md, over a whole set at once. It has no order of arrival, no batches and
 * no rows that change, so it cannot be wrong in the ways in which the fast one can.
 */
import type { ConversationId, DeviceId, MessageId } from "../../src/core/base/ids.ts";
import type { OrderKey, PlacedOperation, Stamp } from "../../src/core/inbox/types.ts";
import type { MessageBody } from "./operations.ts";

export interface ReferenceView {
  readonly messages: Readonly<
    Record<
      MessageId,
      {
        readonly position: number;
        readonly deleted: boolean;
        readonly conversation: ConversationId;
        readonly order: string;
      }
    >
  >;
  readonly conversations: Readonly<
    Record<
      ConversationId,
      {
        /** Position of the message that names it; null: none does. */
        readonly name: number | null;
        readonly title: number | null;
        readonly sortMs: number;
        readonly clock: string | null;
        readonly readUpTo: string | null;
        readonly markedUnread: boolean;
        /** In order. */
        readonly messages: readonly MessageId[];
        readonly unread: readonly MessageId[];
      }
    >
  >;
  readonly deviceNames: Readonly<Record<DeviceId, number>>;
}

interface Claim {
  readonly placed: PlacedOperation;
  readonly body: MessageBody;
}

/** Sorts as order keys do. */
export const orderWords = ({ stamp, id }: OrderKey): string => `${stampWords(stamp)} ${id}`;
export const stampWords = ({ ms, counter }: Stamp): string =>
  `${ms.toString().padStart(15, "0")} ${counter.toString().padStart(5, "0")}`;
const hashWords = ({ contentHash }: PlacedOperation): string => Buffer.from(contentHash).toString("hex");
const orderOf = ({ operation }: PlacedOperation): string => orderWords(operation);
const placeWords = ({ place }: PlacedOperation): string =>
  `${place.logNumber.toString().padStart(5, "0")} ${place.position.toString().padStart(9, "0")}`;
const smallest = <Value>(values: readonly Value[], words: (value: Value) => string): Value | undefined =>
  values.toSorted((a, b) => (words(a) < words(b) ? -1 : words(a) > words(b) ? 1 : 0))[0];
const largestWord = (words: readonly string[]): string | null => words.toSorted().at(-1) ?? null;

export function referenceFold(
  placed: readonly PlacedOperation[],
  conversationOf: (address: string) => ConversationId,
): ReferenceView {
  const claims: Claim[] = placed.flatMap((each) =>
    each.operation.body.kind === "message" ? [{ placed: each, body: each.operation.body }] : [],
  );
  const standing = new Map<MessageId, Claim>();
  for (const id of new Set(claims.map((claim) => claim.placed.operation.id))) {
    const rivals = claims.filter((claim) => claim.placed.operation.id === id);
    const winner = smallest(rivals, ({ placed: each, body }) =>
      body.takenIn
        ? `1 ${stampWords(each.operation.stamp)} ${hashWords(each)} ${placeWords(each)}`
        : `0 ${hashWords(each)} ${placeWords(each)}`,
    );
    standing.set(id, winner!);
  }
  const isDeleted = (id: MessageId): boolean => {
    const words = placed.flatMap((each) => {
      const { body } = each.operation;
      if ((body.kind !== "delete" && body.kind !== "restore") || !body.messages.includes(id)) return [];
      return [`${orderOf(each)} ${body.kind === "delete" ? "1" : "0"}`];
    });
    return largestWord(words)?.endsWith("1") ?? false;
  };
  const messages: Record<string, ReferenceView["messages"][MessageId]> = {};
  for (const [id, { placed: each, body }] of standing) {
    const conversation = conversationOf(body.conversation);
    messages[id] = {
      position: each.place.position,
      deleted: isDeleted(id),
      conversation,
      order: orderOf(each),
    };
  }
  return {
    messages,
    conversations: foldConversations({ placed, claims, standing, messages, conversationOf }),
    deviceNames: foldDeviceNames(placed),
  };
}

function foldConversations(input: {
  readonly placed: readonly PlacedOperation[];
  readonly claims: readonly Claim[];
  readonly standing: ReadonlyMap<MessageId, Claim>;
  readonly messages: ReferenceView["messages"];
  readonly conversationOf: (address: string) => ConversationId;
}): ReferenceView["conversations"] {
  const { placed, claims, standing, messages, conversationOf } = input;
  const idOfConversation = ({ operation: { body } }: PlacedOperation): ConversationId | null => {
    if (body.kind === "message") return conversationOf(body.conversation);
    return body.kind === "unknown" || body.kind === "device-name" ? null : body.conversation;
  };
  const conversations: Record<string, ReferenceView["conversations"][ConversationId]> = {};
  for (const id of new Set(placed.map(idOfConversation))) {
    if (id === null) continue;
    const own = placed.filter((each) => idOfConversation(each) === id);
    const named = claims.filter(({ placed: each }) => own.includes(each));
    const byOrder = ({ placed: each }: Claim): string =>
      `${orderOf(each)} ${hashWords(each)} ${placeWords(each)}`;
    const stamps = own.flatMap(({ operation: { stamp, body } }) => {
      if (body.kind === "message" && body.takenIn) return [];
      return body.kind === "read" ? [stampWords(stamp), stampWords(body.upTo.stamp)] : [stampWords(stamp)];
    });
    const marks = own.flatMap(({ operation: { body } }) =>
      body.kind === "read" ? [orderWords(body.upTo)] : [],
    );
    const words = own.flatMap((each) => {
      const { kind } = each.operation.body;
      return kind === "read" || kind === "unread"
        ? [`${orderOf(each)} ${kind === "unread" ? "1" : "0"}`]
        : [];
    });
    const readUpTo = largestWord(marks);
    const inOrder = Object.entries(messages)
      .filter(([, message]) => message.conversation === id)
      .toSorted(([, a], [, b]) => (a.order < b.order ? -1 : 1))
      .map(([each]) => each as MessageId);
    conversations[id] = {
      name: smallest(named, byOrder)?.placed.place.position ?? null,
      title: lastTitle(own),
      sortMs: Math.max(
        0,
        ...named.map(({ placed: each }) => Math.min(each.operation.stamp.ms, each.takenInMs)),
      ),
      clock: largestWord(stamps),
      readUpTo,
      markedUnread: largestWord(words)?.endsWith("1") ?? false,
      messages: inOrder,
      unread: inOrder.filter((each) => {
        const { body } = standing.get(each)!;
        const { deleted, order } = messages[each]!;
        return (
          body.direction === "in" && !body.readAtSource && !deleted && (readUpTo === null || order > readUpTo)
        );
      }),
    };
  }
  return conversations;
}

function lastTitle(own: readonly PlacedOperation[]): number | null {
  return lastOf(own.filter(({ operation: { body } }) => body.kind === "title"));
}

function foldDeviceNames(placed: readonly PlacedOperation[]): ReferenceView["deviceNames"] {
  const names: Record<string, number> = {};
  for (const {
    operation: { body },
  } of placed) {
    if (body.kind !== "device-name") continue;
    const own = placed.filter(
      ({ operation }) => operation.body.kind === "device-name" && operation.body.device === body.device,
    );
    names[body.device] = lastOf(own)!;
  }
  return names;
}

/** Position of the last by (stamp, id), then of the smallest hash and place. */
function lastOf(some: readonly PlacedOperation[]): number | null {
  const last = largestWord(some.map(orderOf));
  const rivals = some.filter((each) => orderOf(each) === last);
  return smallest(rivals, (each) => `${hashWords(each)} ${placeWords(each)}`)?.place.position ?? null;
}
