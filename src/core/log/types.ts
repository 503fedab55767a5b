/**
 * What a log is made of: heads, entries, batches, and what a device holds of a log.
 * Format and limits: docs/spec/log.md. Nothing here hashes or decides.
 */
import type { EpochId, LogId, TreeHash } from "../base/ids.ts";
import type { Ranges } from "./ranges.ts";

/** The three logs of one incarnation of a device. */
export type LogClass = "control" | "state" | "messages";

/** A log's length and root, signed by the device that writes it. */
export interface Head {
  readonly log: LogId;
  readonly length: number;
  readonly root: TreeHash;
  /** Ed25519 over `headMessage`; 64 bytes. */
  readonly signature: Uint8Array;
}

/** What many entries of a batch or a store share, so it is sent and stored once. */
export interface EntryKind {
  readonly version: number;
  /** Bit 0: the payload is in the clear (control operations). Other bits are 0 in version 1. */
  readonly flags: number;
  /** The epoch that sealed the payload; null, written as 32 zero bytes, where it is in the clear. */
  readonly epoch: EpochId | null;
}

/** One entry as it travels: `bytes` is the payload where it is present, else the payload's SHA-256. */
export interface BatchEntry {
  readonly kind: EntryKind;
  readonly state: "present" | "purged" | "absent";
  readonly payloadLength: number;
  readonly bytes: Uint8Array;
}

/** An entry without its payload: what is left of it is enough for its leaf. */
export type BodilessEntry = BatchEntry & { readonly state: "purged" | "absent" };

/** Entries `[from, from + entries.length)` of a log with the proof that they belong under `head`. */
export interface Batch {
  readonly head: Head;
  readonly from: number;
  readonly entries: readonly BatchEntry[];
  /** The perfect nodes of `[0, from)`, leftmost first. */
  readonly left: readonly TreeHash[];
  /** The perfect nodes of `[from + entries.length, head.length)`, leftmost first. */
  readonly right: readonly TreeHash[];
}

/** A perfect subtree: its `2^level` leaves begin at `index * 2^level`. It never changes as the log grows. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** A perfect subtree whose hash is known. */
export type KnownNode = readonly [TreeNode, TreeHash];

/** A batch whose entries, proof and head signature have been checked, with what was hashed on the way. */
export interface VerifiedBatch extends Batch {
  readonly verified: true;
  readonly leaves: readonly TreeHash[];
  /** What a store keeps beside the leaves: proof nodes that came along, then the completed nodes of level 8, 16, …. */
  readonly nodes: readonly KnownNode[];
}

/** What a device has durably of one log. */
export interface LogState {
  readonly head: Head;
  /** The perfect nodes of `[0, head.length)`, leftmost first: with them a longer head proves that it continues. */
  readonly peaks: readonly TreeHash[];
  /** Positions taken in: verified and durable here at some time. */
  readonly held: Ranges;
  /** The hole-free part from 0 on; `root` is that of the tree of exactly this length. */
  readonly prefix: { readonly length: number; readonly root: TreeHash };
}

/** What a peer or this device holds, by log. */
export type Frontier = ReadonlyMap<LogId, LogState>;

export const LOG_LENGTH_LIMIT = 2 ** 48;
export const PAYLOAD_BYTES_MAX = 256 * 1024;
export const BATCH_BYTES_TARGET = 128 * 1024;
/** Entries in one batch, whatever their size: bounds the work that one frame can ask for. */
export const BATCH_ENTRIES_MAX = 4096;
