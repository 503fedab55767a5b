/**
 * Operations of the inbox: what the payloads of state and messages logs say once they are opened.
 * Format and limits: docs/spec/inbox.md.
 */
import type { ControlId, ConversationId, DeviceId, LogId, MessageId } from "../base/ids.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";

/** A hybrid logical clock reading: milliseconds since 1970 below 2^48, then a counter below 2^16. */
export interface Stamp {
  readonly ms: number;
  readonly counter: number;
}

/** Place in an order: stamp, then id. */
export interface OrderKey {
  readonly stamp: Stamp;
  readonly id: MessageId;
}

export type Service = "kinlog" | "sms" | "mms";
export type Direction = "in" | "out";

/** How far a message that was sent has got, each further than the one before: the furthest counts. */
export const DELIVERY_STATES = ["queued", "failed", "sent", "delivered", "read"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One place that holds content of a purged message: everything that its operation says but its text. */
export interface NamedMessage {
  readonly message: MessageId;
  /** 16 bytes, as of `PlacedOperation`. */
  readonly contentHash: Uint8Array;
  readonly stamp: Stamp;
  /** Of `messageFlag`, without `deleted`. */
  readonly flags: number;
  readonly log: LogId;
  /** Below 2^48. */
  readonly position: number;
}

export type OperationBody =
  | {
      readonly kind: "message";
      /** Address or title as given; the conversation is known by its normalised form. */
      readonly conversation: string;
      readonly direction: Direction;
      readonly service: Service;
      /** Null: me. */
      readonly sender: string | null;
      readonly text: string;
      readonly sentAtMs: number;
      /** Null for what was written here. */
      readonly receivedAtMs: number | null;
      readonly replyTo: MessageId | null;
      /** Taken in from outside (SMS, import): its id follows from its content. */
      readonly takenIn: boolean;
      /** Already read where it was taken in. */
      readonly readAtSource: boolean;
    }
  /** To the bin, and back. */
  | {
      readonly kind: "delete" | "restore";
      readonly conversation: ConversationId;
      readonly messages: readonly MessageId[];
    }
  /** Everything up to and including `upTo` is read. Joins: the furthest mark counts. */
  | { readonly kind: "read"; readonly conversation: ConversationId; readonly upTo: OrderKey }
  /** The person marked the conversation unread; a later `read` takes it back. */
  | { readonly kind: "unread"; readonly conversation: ConversationId }
  /** A name for the conversation, such as the contact's. */
  | { readonly kind: "title"; readonly conversation: ConversationId; readonly title: string }
  | { readonly kind: "device-name"; readonly device: DeviceId; readonly name: string }
  /** Another text for a message that was sent from here. */
  | {
      readonly kind: "edit";
      readonly conversation: ConversationId;
      readonly message: MessageId;
      readonly text: string;
    }
  /** Taken back for good: nothing of its text is shown any more. */
  | { readonly kind: "unsend"; readonly conversation: ConversationId; readonly message: MessageId }
  | {
      readonly kind: "reaction";
      readonly conversation: ConversationId;
      readonly message: MessageId;
      /** Null: me. */
      readonly sender: string | null;
      readonly emoji: string;
      readonly removed: boolean;
    }
  | {
      readonly kind: "delivery";
      readonly conversation: ConversationId;
      readonly message: MessageId;
      readonly state: DeliveryState;
    }
  /** The smallest rank stands first. */
  | {
      readonly kind: "pin";
      readonly conversation: ConversationId;
      readonly on: boolean;
      readonly rank: number;
    }
  /** 0: not muted; `MUTED_FOR_EVER`. */
  | { readonly kind: "mute"; readonly conversation: ConversationId; readonly untilMs: number }
  | { readonly kind: "archive"; readonly conversation: ConversationId; readonly on: boolean }
  /** Empty: none. */
  | { readonly kind: "draft"; readonly conversation: ConversationId; readonly text: string }
  | {
      readonly kind: "participants";
      readonly conversation: ConversationId;
      readonly participants: readonly string[];
    }
  /** Of the account. An empty value: none. */
  | { readonly kind: "setting"; readonly name: string; readonly value: string }
  /** Which messages the entries were that a purge names (docs/spec/purge.md). */
  | {
      readonly kind: "tombstone";
      readonly purge: ControlId;
      /** As given in the messages. */
      readonly conversation: string;
      /** Ascending by message, content hash, log and position, each once. */
      readonly named: readonly NamedMessage[];
    }
  /** A message of a kind that this version does not know: placed and counted, its content read after an upgrade. */
  | {
      readonly kind: "later-message";
      readonly number: number;
      readonly conversation: string;
      readonly direction: Direction;
      readonly service: Service;
      readonly sentAtMs: number;
      readonly takenIn: boolean;
      readonly readAtSource: boolean;
    }
  /** Of a newer version: kept and counted, folded after an upgrade. */
  | { readonly kind: "unknown"; readonly number: number };

export interface Operation {
  readonly id: MessageId;
  readonly author: DeviceId;
  readonly stamp: Stamp;
  readonly body: OperationBody;
}

/** An operation before the writer's turn gives it a stamp. `stamp` is set where it must be kept (taken in, re-appended). */
export interface Draft {
  readonly id: MessageId;
  readonly author: DeviceId;
  readonly stamp: Stamp | null;
  readonly body: OperationBody;
}

/** An operation at its place in a log, as the fold takes it. */
export interface PlacedOperation {
  readonly operation: Operation;
  /** First 16 bytes of the SHA-256 of the operation's encoding: of two contents for one id the smaller wins. */
  readonly contentHash: Uint8Array;
  /** This device's short number for the log, and the position in it. */
  readonly place: Place;
  /** When this device took it in. */
  readonly takenInMs: number;
  /** Of a tombstone, and of nothing else: the places of what it names, in its order (`withNamedPlaces`). */
  readonly named?: readonly Place[];
}

/** What the fold tells the outside about what became different. */
export type Change =
  | {
      readonly kind: "message";
      readonly conversation: ConversationId;
      readonly id: MessageId;
      readonly place: Place;
      /** An edit, reaction, unsend or state came before it: its rows say more than its operation. */
      readonly isMarked: boolean;
    }
  | {
      readonly kind: "message-changed";
      readonly conversation: ConversationId;
      readonly id: MessageId;
      readonly change: "deleted" | "restored" | "edited" | "unsent" | "reaction" | "status";
    }
  | { readonly kind: "read"; readonly conversation: ConversationId }
  | { readonly kind: "conversation"; readonly conversation: ConversationId }
  | { readonly kind: "device-name"; readonly device: DeviceId }
  | { readonly kind: "setting"; readonly place: Place }
  | { readonly kind: "conflict"; readonly id: MessageId };

/** Two pure steps around one read, inside the writer's turn. The cloud peer passes none. */
export interface Fold {
  /** The conversation that an address or title names. */
  readonly conversationOf: (address: string) => ConversationId;
  /** The row that knows the last stamp which an operation written now must come behind. */
  readonly clockKey: (body: OperationBody) => RowKey;
  /** The row of a reaction: one per message, sender and emoji. */
  readonly reactionKey: (body: Extract<OperationBody, { kind: "reaction" }>) => RowKey;
  /** The rows that `apply` will need for these operations; each at most once, at most four an operation (a delete: one a message, a tombstone: two a message). */
  readonly keys: (operations: readonly (Draft | Operation)[]) => readonly RowKey[];
  readonly apply: (
    rows: ReadonlyMap<RowKey, Row>,
    operations: readonly PlacedOperation[],
  ) => {
    readonly puts: ReadonlyMap<RowKey, Row>;
    readonly dels: ReadonlySet<RowKey>;
    readonly changes: readonly Change[];
  };
}

export const TEXT_BYTES_MAX = 65_536;
export const ADDRESS_BYTES_MAX = 1_024;
export const NAME_BYTES_MAX = 256;
export const MESSAGES_PER_DELETE_MAX = 1_000;
export const NAMED_PER_TOMBSTONE_MAX = 1_000;
export const EMOJI_BYTES_MAX = 64;
export const SETTING_NAME_BYTES_MAX = 64;
export const SETTING_VALUE_BYTES_MAX = 1_024;
export const PARTICIPANTS_MAX = 256;
/** Of all of them together: an entry has room for no more than 256 KiB. */
export const PARTICIPANTS_BYTES_MAX = 65_536;
export const MUTED_FOR_EVER = 2 ** 48 - 1;
