/**
 * What importers hand over, and the port that they implement. Implementations: src/io/gateways. Types and limits only.
 * Formats: docs/import.md and docs/spec/export.md.
 */
import type { DeviceId, MessageId } from "../base/ids.ts";
import type { DeliveryState, Direction, OrderKey, Service, Stamp } from "./types.ts";

/** A message from outside, which has no id of its own: `TakenInIds` gives it one. */
export interface TakenInRecord {
  readonly kind: "taken-in";
  readonly service: "sms" | "mms";
  readonly box: Direction;
  /** The other side: one address, or those of a group joined (docs/import.md). */
  readonly address: string;
  /** Who wrote it. Null: me. */
  readonly sender: string | null;
  readonly contactName: string | null;
  readonly text: string;
  /** The time that the source keeps it under; a part of its id, and its place in the order. */
  readonly timeMs: number;
  readonly sentAtMs: number;
  readonly receivedAtMs: number | null;
  readonly read: boolean;
  /** SHA-256 of the plaintext of what is attached and not taken in. A part of the id. */
  readonly attachmentHashes: readonly Uint8Array[];
  readonly line: number;
}

/** A message from Kinlog's own export, with everything that it had. */
export interface ExportedMessage {
  readonly kind: "message";
  readonly id: MessageId;
  readonly author: DeviceId;
  readonly stamp: Stamp;
  readonly conversation: string;
  readonly direction: Direction;
  readonly service: Service;
  readonly sender: string | null;
  readonly text: string;
  readonly sentAtMs: number;
  readonly receivedAtMs: number | null;
  readonly replyTo: MessageId | null;
  readonly takenIn: boolean;
  readonly readAtSource: boolean;
  /** By the read marks at the time of the export; for people. */
  readonly read: boolean;
  /** The delete that put it into the bin, or null. */
  readonly deletedBy: OrderKey | null;
  /** The unsend that counts. */
  readonly unsent: Written | null;
  readonly delivery: DeliveryState | null;
  readonly line: number;
}

/** Who wrote an operation, and its stamp and id. */
export interface Written {
  readonly order: OrderKey;
  readonly author: DeviceId;
}

export interface ExportedEdit extends Written {
  readonly kind: "edit";
  readonly message: MessageId;
  readonly conversation: string;
  readonly text: string;
  readonly line: number;
}

/** Also one that was removed. */
export interface ExportedReaction extends Written {
  readonly kind: "reaction";
  readonly message: MessageId;
  readonly conversation: string;
  readonly sender: string | null;
  readonly emoji: string;
  readonly removed: boolean;
  readonly line: number;
}

export interface ExportedSetting extends Written {
  readonly kind: "setting";
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** What an export says about a conversation. */
export interface ExportedConversation {
  readonly kind: "conversation";
  readonly conversation: string;
  readonly title: (Written & { readonly text: string }) | null;
  readonly readUpTo: OrderKey | null;
  readonly markedUnread: boolean;
  readonly pin: { readonly on: boolean; readonly rank: number; readonly order: OrderKey } | null;
  readonly mute: { readonly untilMs: number; readonly order: OrderKey } | null;
  readonly archive: { readonly on: boolean; readonly order: OrderKey } | null;
  readonly draft: (Written & { readonly text: string }) | null;
  readonly participants: (Written & { readonly list: readonly string[] }) | null;
  readonly line: number;
}

/** A line of Kinlog's own export. */
export type ExportedRecord =
  | ExportedMessage
  | ExportedEdit
  | ExportedReaction
  | ExportedConversation
  | ExportedSetting;

/** What is found in a file. */
export type ReadRecord = TakenInRecord | ExportedRecord;

/** The same message of whatever backup, taken in by whatever device of the account, has the same id. */
export type TakenInMessage = TakenInRecord & { readonly id: MessageId };

/** What is handed over: every message with its id. */
export type ImportRecord = TakenInMessage | ExportedRecord;

/** A record that was not taken in. The line counts from 1. */
export interface ImportProblem {
  readonly line: number;
  readonly reason: string;
}

export type ImportFormat = "sms-backup" | "jsonl";

/**
 * A file being read, once, from its beginning. Pulling slowly slows the reading down; memory does not grow with the file.
 *
 * Iterating throws `IMPORT_NOT_FOUND`, `IMPORT_MALFORMED` or `IMPORT_TRUNCATED` after everything that stands before the bad
 * place has been handed over, so that what was read is kept and importing the mended file again adds the rest.
 */
export interface RecordSource<AnyRecord> extends AsyncIterable<readonly AnyRecord[]> {
  readonly format: ImportFormat;
  /** Records left out so far, whether or not they are listed. */
  readonly skipped: number;
  /** Why, for the first `PROBLEMS_LISTED_MAX`. */
  readonly problems: readonly ImportProblem[];
  /** Of the file as it lies on disk, for progress. `bytesTotal` is 0 until it is open. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
}

export type ImportSource = RecordSource<ImportRecord>;

export const IMPORT_BATCH_RECORDS = 500;
export const PROBLEMS_LISTED_MAX = 1_000;
