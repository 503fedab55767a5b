/**
 * The fold a second time: slow, from docs/spec/inbox.md, over a whole set at once. It has no order of arrival, no batches and
 * no rows that change, so it cannot be wrong in the ways in which the fast one can.
 */
import type { ConversationId, DeviceId, MessageId } from "../../src/core/base/ids.ts";
import type {
  DeliveryState,
  OperationBody,
  OrderKey,
  PlacedOperation,
  Stamp,
} from "../../src/core/inbox/types.ts";
import { normaliseAddress } from "../../src/core/inbox/address.ts";

export interface ReferenceView {
  readonly messages: Readonly<
    Record<
      MessageId,
      {
        readonly position: number;
        readonly deleted: boolean;
        readonly conversation: ConversationId;
        readonly order: string;
        /** Positions of its edits in their order, of which the last is its text; none where none counts. */
        readonly edits: readonly number[];
        readonly unsentAt: string | null;
        /** Positions of those that are there. */
        readonly reactions: readonly number[];
        readonly delivery: DeliveryState | null;
        readonly later: boolean;
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
        /** Its rank; null: not pinned. */
        readonly pinned: number | null;
        readonly mutedUntilMs: number;
        readonly archived: boolean;
        readonly draft: number | null;
        readonly participants: number | null;
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
  /** Positions. */
  readonly settings: readonly number[];
}

interface Claim {
  readonly placed: PlacedOperation;
  readonly body: Body<"message" | "later-message">;
}

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;

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
    each.operation.body.kind === "message" || each.operation.body.kind === "later-message"
      ? [{ placed: each, body: each.operation.body }]
      : [],
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
      later: body.kind === "later-message",
      ...marksOf(placed, id, body.direction === "out"),
    };
  }
  return {
    messages,
    conversations: foldConversations({ placed, claims, standing, messages, conversationOf }),
    deviceNames: foldDeviceNames(placed),
    settings: groupsOf(placed, ({ operation: { body } }) => (body.kind === "setting" ? body.name : null))
      .map((group) => positionOf(lastOf(group))!)
      .toSorted((a, b) => a - b),
  };
}

/** Edits, unsends and delivery count only for what was sent from here. */
function marksOf(
  placed: readonly PlacedOperation[],
  id: MessageId,
  isOut: boolean,
): Pick<ReferenceView["messages"][MessageId], "edits" | "unsentAt" | "reactions" | "delivery"> {
  const about = <Kind extends "edit" | "unsend" | "reaction" | "delivery">(
    kind: Kind,
  ): readonly PlacedOperation[] =>
    placed.filter(
      ({ operation: { body } }) => body.kind === kind && "message" in body && body.message === id,
    );
  const unsends = isOut ? about("unsend") : [];
  const edits = groupsOf(about("edit"), orderOf).map((group) => lastOf(group)!);
  const reactions = groupsOf(about("reaction"), ({ operation: { body } }) =>
    body.kind !== "reaction"
      ? null
      : `${body.sender === null ? "me" : `by ${normaliseAddress(body.sender)}`} ${body.emoji}`,
  ).map((group) => lastOf(group)!);
  const states: readonly DeliveryState[] = ["queued", "failed", "sent", "delivered", "read"];
  const reached = about("delivery").map(({ operation: { body } }) =>
    body.kind === "delivery" ? states.indexOf(body.state) : -1,
  );
  return {
    edits: !isOut || unsends.length > 0 ? [] : sorted(edits, orderOf).map((edit) => edit.place.position),
    unsentAt: unsends.length === 0 ? null : orderOf(sorted(unsends, orderOf)[0]!),
    reactions: reactions
      .filter(({ operation: { body } }) => body.kind === "reaction" && !body.removed)
      .map((reaction) => reaction.place.position)
      .toSorted((a, b) => a - b),
    delivery: isOut ? (states[Math.max(-1, ...reached)] ?? null) : null,
  };
}

/** By what `nameOf` says, those left out of which it says nothing. */
function groupsOf(
  some: readonly PlacedOperation[],
  nameOf: (each: PlacedOperation) => string | null,
): readonly (readonly PlacedOperation[])[] {
  const groups = new Map<string, PlacedOperation[]>();
  for (const each of some) {
    const name = nameOf(each);
    if (name !== null) groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return [...groups.values()];
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
    switch (body.kind) {
      case "message":
      case "later-message":
        return conversationOf(body.conversation);
      case "unknown":
      case "tombstone":
      case "device-name":
      case "setting":
        return null;
      default:
        return body.conversation;
    }
  };
  const conversations: Record<string, ReferenceView["conversations"][ConversationId]> = {};
  for (const id of new Set(placed.map(idOfConversation))) {
    if (id === null) continue;
    const own = placed.filter((each) => idOfConversation(each) === id);
    const named = claims.filter(({ placed: each }) => own.includes(each));
    const byOrder = ({ placed: each }: Claim): string =>
      `${orderOf(each)} ${hashWords(each)} ${placeWords(each)}`;
    const stamps = own.flatMap(({ operation: { stamp, body } }) => {
      if ("takenIn" in body && body.takenIn) return [];
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
      title: positionOf(lastOf(ofKind(own, "title"))),
      ...propertiesOf(own),
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

function propertiesOf(
  own: readonly PlacedOperation[],
): Pick<
  ReferenceView["conversations"][ConversationId],
  "pinned" | "mutedUntilMs" | "archived" | "draft" | "participants"
> {
  /** By its order, of equals what is on before what is off, then the larger number. */
  const lastValue = (kind: "pin" | "mute" | "archive"): { readonly on: boolean; readonly number: number } => {
    const valueOf = ({ operation: { body } }: PlacedOperation): { on: boolean; number: number } =>
      body.kind === "pin"
        ? { on: body.on, number: body.rank }
        : body.kind === "mute"
          ? { on: true, number: body.untilMs }
          : { on: body.kind === "archive" && body.on, number: 0 };
    const words = (each: PlacedOperation): string => {
      const { on, number } = valueOf(each);
      return `${orderOf(each)} ${on ? 1 : 0} ${number.toString().padStart(15, "0")}`;
    };
    const last = sorted(ofKind(own, kind), words).at(-1);
    return last === undefined ? { on: false, number: 0 } : valueOf(last);
  };
  const pin = lastValue("pin");
  const draft = lastOf(ofKind(own, "draft"));
  return {
    pinned: pin.on ? pin.number : null,
    mutedUntilMs: lastValue("mute").number,
    archived: lastValue("archive").on,
    draft:
      draft?.operation.body.kind === "draft" && draft.operation.body.text === "" ? null : positionOf(draft),
    participants: positionOf(lastOf(ofKind(own, "participants"))),
  };
}

function ofKind(some: readonly PlacedOperation[], kind: OperationBody["kind"]): readonly PlacedOperation[] {
  return some.filter(({ operation: { body } }) => body.kind === kind);
}

function sorted(
  some: readonly PlacedOperation[],
  words: (each: PlacedOperation) => string,
): readonly PlacedOperation[] {
  return some.toSorted((a, b) => (words(a) < words(b) ? -1 : words(a) > words(b) ? 1 : 0));
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
    names[body.device] = positionOf(lastOf(own))!;
  }
  return names;
}

/** The last by (stamp, id), then of the smallest hash and place. */
function lastOf(some: readonly PlacedOperation[]): PlacedOperation | undefined {
  const last = largestWord(some.map(orderOf));
  const rivals = some.filter((each) => orderOf(each) === last);
  return smallest(rivals, (each) => `${hashWords(each)} ${placeWords(each)}`);
}

function positionOf(placed: PlacedOperation | undefined): number | null {
  return placed?.place.position ?? null;
}
