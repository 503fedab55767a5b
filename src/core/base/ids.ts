/**
 * The names of things, as lower-case hex with a type of their own each. On the wire and on disk they are raw bytes.
 * Hex strings compare in the order of their bytes and serve as keys of maps.
 */
import { hex, hexToBytes } from "./bytes.ts";

/** SHA-256 over the genesis operation: 64 hex digits. */
export type AccountId = string & { readonly id: "account" };
/** A device's Ed25519 public key: 64 hex digits. */
export type DeviceId = string & { readonly id: "device" };
/** 64 hex digits; docs/spec/log.md says of what it is the hash. */
export type LogId = string & { readonly id: "log" };
/** Hash of an epoch's key, and its commitment: 64 hex digits. */
export type EpochId = string & { readonly id: "epoch" };
/** A control entry by its log, position and leaf: 64 hex digits. */
export type ControlId = string & { readonly id: "control" };
/** An operation of the inbox, a message among them: 32 hex digits. */
export type MessageId = string & { readonly id: "message" };
/** Keyed hash of a conversation's normalised address: 32 hex digits. */
export type ConversationId = string & { readonly id: "conversation" };

/** A SHA-256 value in a Merkle tree: 32 bytes. */
export type TreeHash = Uint8Array & { readonly hash: "tree" };

/** The id's raw bytes. */
export function idBytes(
  id: AccountId | DeviceId | LogId | EpochId | ControlId | MessageId | ConversationId,
): Uint8Array {
  return hexToBytes(id);
}

/** An id of raw bytes; the caller has checked the length (32, or 16 for messages and conversations). */
export function bytesToId<
  Id extends AccountId | DeviceId | LogId | EpochId | ControlId | MessageId | ConversationId,
>(bytes: Uint8Array): Id {
  return hex(bytes) as Id;
}
