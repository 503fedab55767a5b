/**
 * The fold a second time: slow, from docs/spec/inbox.md, over a whole set at once. It has no order of arrival, no batches and
 * no rows that change, so it cannot be wrong in the ways in which the fast one can.
 */
import type { ControlId, ConversationId, DeviceId, MessageId } from "../../src/core/base/ids.ts";
import type { Place } from "../../src/core/log/rows.ts";
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
        /** Those whose tombstones name it. */
        readonly purges: readonly ControlId[];
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
  /** By message, here or not: the places beside those that stand which hold content of it. */
  readonly further: Readonly<Record<MessageId, readonly string[]>>;
}

/** Of a message itself, or of a tombstone. */
interface Claim {
  readonly id: MessageId;
  readonly stamp: Stamp;
  readonly hash: Uint8Array;
  readonly place: Place;
  readonly conversation: ConversationId;
  /** As a row has them: 1 in, 2 read at source, 4 taken in, 16 of a later kind. */
  readonly flags: number;
  readonly takenInMs: number;
  /** By a tombstone. */
  readonly told: boolean;
}

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;

/** Sorts as order keys do. */
export const orderWords = ({ stamp, id }: OrderKey): string => `${stampWords(stamp)} ${id}`;
export const stampWords = ({ ms, counter }: Stamp): string =>
  `${ms.toString().padStart(15, "0")} ${counter.toString().padStart(5, "0")}`;
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const hashWords = ({ contentHash }: PlacedOperation): string => hexOf(contentHash);
const orderOf = ({ operation }: PlacedOperation): string => orderWords(operation);
export const placeWords = ({ place }: { readonly place: Place }): string =>
  `${place.logNumber.toString().padStart(5, "0")} ${place.position.toString().padStart(9, "0")}`;
const smallest = <Value>(values: readonly Value[], words: (value: Value) => string): Value | undefined =>
  values.toSorted((a, b) => (words(a) < words(b) ? -1 : words(a) > words(b) ? 1 : 0))[0];
const largestWord = (words: readonly string[]): string | null => words.toSorted().at(-1) ?? null;

export function referenceFold(
  placed: readonly PlacedOperation[],
  conversationOf: (address: string) => ConversationId,
): ReferenceView {
  const claims = placed.flatMap((each) => claimsOf(each, conversationOf));
  const standing = new Map<MessageId, Claim>();
  // What tombstones say stands only where no operation says anything.
  for (const id of new Set(claims.map((claim) => claim.id)))
    standing.set(
      id,
      smallest(rivalsOf(claims, id), (claim) => `${claim.told} ${claimWords(claim)}`)!,
    );
  const isDeleted = (id: MessageId): boolean => {
    const words = placed.flatMap((each) => {
      const { body } = each.operation;
      if ((body.kind !== "delete" && body.kind !== "restore") || !body.messages.includes(id)) return [];
      return [`${orderOf(each)} ${body.kind === "delete" ? "1" : "0"}`];
    });
    return largestWord(words)?.endsWith("1") ?? false;
  };
  const messages: Record<string, ReferenceView["messages"][MessageId]> = {};
  for (const [id, claim] of standing) {
    messages[id] = {
      position: claim.place.position,
      deleted: isDeleted(id),
      conversation: claim.conversation,
      order: orderWords(claim),
      later: (claim.flags & 16) !== 0,
      ...marksOf(placed, id, (claim.flags & 1) === 0),
      purges: purgesOf(placed, id),
    };
  }
  return {
    messages,
    conversations: foldConversations({ placed, claims, standing, messages, conversationOf }),
    deviceNames: foldDeviceNames(placed),
    settings: groupsOf(placed, ({ operation: { body } }) => (body.kind === "setting" ? body.name : null))
      .map((group) => positionOf(lastOf(group))!)
      .toSorted((a, b) => a - b),
    further: furtherOf(placed, claims),
  };
}

function rivalsOf(claims: readonly Claim[], id: MessageId): readonly Claim[] {
  return claims.filter((claim) => claim.id === id);
}

function claimsOf(
  { operation, contentHash, place, takenInMs, named = [] }: PlacedOperation,
  conversationOf: (address: string) => ConversationId,
): readonly Claim[] {
  const { body, id, stamp } = operation;
  if (body.kind === "tombstone") {
    const conversation = conversationOf(body.conversation);
    return body.named.map((each, at) => ({
      id: each.message,
      stamp: each.stamp,
      hash: each.contentHash,
      place: named[at]!,
      conversation,
      flags: each.flags,
      takenInMs,
      told: true,
    }));
  }
  if (body.kind !== "message" && body.kind !== "later-message") return [];
  const flags =
    (body.direction === "in" ? 1 : 0) +
    (body.readAtSource ? 2 : 0) +
    (body.takenIn ? 4 : 0) +
    (body.kind === "later-message" ? 16 : 0);
  const conversation = conversationOf(body.conversation);
  return [{ id, stamp, hash: contentHash, place, conversation, flags, takenInMs, told: false }];
}

/** The smallest stands. */
function claimWords({ flags, stamp, hash, conversation, place }: Claim): string {
  const takenIn = (flags & 4) !== 0;
  const rest = `${flags.toString().padStart(2, "0")} ${stampWords(stamp)} ${conversation}`;
  const time = takenIn ? stampWords(stamp) : "";
  return `${takenIn ? 1 : 0} ${time} ${hexOf(hash)} ${rest} ${placeWords({ place })}`;
}

function purgesOf(placed: readonly PlacedOperation[], id: MessageId): readonly ControlId[] {
  const purges = placed.flatMap(({ operation: { body } }) =>
    body.kind === "tombstone" && body.named.some(({ message }) => message === id) ? [body.purge] : [],
  );
  return [...new Set(purges)].toSorted();
}

/** Of all that claims one row the places of those that do not stand. */
function furtherOf(placed: readonly PlacedOperation[], claims: readonly Claim[]): ReferenceView["further"] {
  const places = new Map<MessageId, Set<string>>();
  const add = (id: MessageId, words: readonly string[], standing: string): void => {
    // Their places stand last, in two words.
    const others = words
      .filter((word) => word !== standing)
      .map((word) => word.split(" ").slice(-2).join(" "));
    if (others.length > 0) places.set(id, new Set([...(places.get(id) ?? []), ...others]));
  };
  for (const id of new Set(claims.map((claim) => claim.id))) {
    const words = rivalsOf(claims, id).map(claimWords);
    add(id, words, words.toSorted()[0]!);
  }
  const rows = groupsOf(placed, (each) => {
    const { body } = each.operation;
    if (body.kind === "edit") return `edit ${body.message} ${orderOf(each)}`;
    return body.kind === "reaction" ? `reaction ${body.message} ${reactorOf(body)}` : null;
  });
  for (const row of rows) {
    const { body } = row[0]!.operation;
    if (body.kind !== "edit" && body.kind !== "reaction") continue;
    const word = (each: PlacedOperation): string => `${orderOf(each)} ${hashWords(each)} ${placeWords(each)}`;
    add(body.message, row.map(word), word(lastOf(row)!));
  }
  return Object.fromEntries([...places].map(([id, some]) => [id, [...some].toSorted()]));
}

function reactorOf(body: Body<"reaction">): string {
  return `${body.sender === null ? "me" : `by ${normaliseAddress(body.sender)}`} ${body.emoji}`;
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
    body.kind === "reaction" ? reactorOf(body) : null,
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
      case "tombstone":
        return conversationOf(body.conversation);
      case "unknown":
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
    const named = claims.filter(({ conversation }) => conversation === id);
    const byOrder = (claim: Claim): string =>
      `${orderWords(claim)} ${hexOf(claim.hash)} ${placeWords(claim)}`;
    const claimed = named.filter(({ flags }) => (flags & 4) === 0).map(({ stamp }) => stampWords(stamp));
    const said = own.flatMap(({ operation: { stamp, body } }) => {
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
      name: smallest(named, byOrder)?.place.position ?? null,
      title: positionOf(lastOf(ofKind(own, "title"))),
      ...propertiesOf(own),
      sortMs: Math.max(0, ...named.map(({ stamp, takenInMs }) => Math.min(stamp.ms, takenInMs))),
      clock: largestWord([...claimed, ...said]),
      readUpTo,
      markedUnread: largestWord(words)?.endsWith("1") ?? false,
      messages: inOrder,
      unread: inOrder.filter((each) => {
        const { deleted, order } = messages[each]!;
        const isPerhaps = (standing.get(each)!.flags & 3) === 1;
        return isPerhaps && !deleted && (readUpTo === null || order > readUpTo);
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
