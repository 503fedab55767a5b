/**
 * What a peer tells a peer, decoded. Types and limits only; encodings and meaning: docs/spec/sync.md; codec: frame-codec.ts.
 */
import type { LogId, TreeHash } from "../base/ids.ts";
import type { Ranges } from "../log/ranges.ts";
import type { Batch, Head } from "../log/types.ts";

export interface Hello {
  readonly version: number;
  readonly features: number;
}

export interface LogRanges {
  readonly log: LogId;
  readonly ranges: Ranges;
}

/** What the sender has of one log. The signature is not shown: whoever needs the head asks for an extension or entries. */
export interface FrontierEntry {
  readonly log: LogId;
  readonly length: number;
  readonly root: TreeHash;
  readonly held: Ranges;
}

export interface NeedEntry extends LogRanges {
  /** Length of the asker's own head of this log; 0 where it has none. */
  readonly knownLength: number;
  /** Length of the head under which the answer is wanted. */
  readonly headLength: number;
}

export type HandshakeFrame =
  | {
      readonly kind: "hello-initiator";
      readonly hello: Hello;
      readonly nonce: Uint8Array;
      readonly selector: Uint8Array;
    }
  | {
      readonly kind: "hello-responder";
      readonly hello: Hello;
      readonly nonce: Uint8Array;
      readonly tag: Uint8Array;
    }
  | {
      readonly kind: "proof-initiator";
      readonly tag: Uint8Array;
      readonly account: Uint8Array;
      readonly device: Uint8Array;
      readonly signature: Uint8Array;
    }
  | { readonly kind: "proof-responder"; readonly device: Uint8Array; readonly signature: Uint8Array };

export type CloseReason =
  | "done"
  | "revoked"
  | "not-a-member"
  | "unknown-frame"
  | "malformed"
  | "bad-proof"
  | "bad-signature"
  | "unsolicited"
  | "limit"
  | "silent"
  | "stalled"
  | "replaced"
  | "shutting-down";

/** In the order of their numbers, from 1 on. */
export const KEEP_WORDS = ["ask", "promise", "refuse", "release"] as const;
/** An ask is counted within its session, from 1 on. */
export const KEEP_NUMBER_MAX = 2 ** 48 - 1;
export type KeepWord = (typeof KEEP_WORDS)[number];

export type SessionFrame =
  | { readonly kind: "held"; readonly digest: Uint8Array; readonly complete: boolean }
  | { readonly kind: "frontier"; readonly last: boolean; readonly logs: readonly FrontierEntry[] }
  | { readonly kind: "need"; readonly logs: readonly NeedEntry[] }
  | {
      readonly kind: "extension";
      readonly from: number;
      readonly head: Head;
      readonly nodes: readonly TreeHash[];
    }
  | {
      readonly kind: "batch";
      readonly batch: Batch;
      /** Bytes of the encoded batch. */ readonly size: number;
    }
  | { readonly kind: "ack"; readonly dropped: boolean; readonly logs: readonly LogRanges[] }
  | { readonly kind: "beat"; readonly digest: Uint8Array; readonly answerWanted: boolean }
  | { readonly kind: "close"; readonly reason: CloseReason }
  | { readonly kind: "evidence"; readonly heads: readonly [Head, Head] }
  /** Of two lengths, the shorter first; a hint, since versions before it skip it. */
  | {
      readonly kind: "evidence-nodes";
      readonly heads: readonly [Head, Head];
      readonly nodes: readonly TreeHash[];
    }
  | { readonly kind: "absent"; readonly logs: readonly LogRanges[] }
  /** Of payloads that one device takes off its disk because another keeps them; a hint, since versions before it skip it. */
  | {
      readonly kind: "keep";
      readonly word: KeepWord;
      /** Of the `ask`, in it and in what answers it; 0 where nobody asked. */
      readonly number: number;
      readonly logs: readonly LogRanges[];
    }
  | { readonly kind: "unknown"; readonly number: number };

export type Frame = HandshakeFrame | SessionFrame;

export const FRAME_BYTES_MAX = 1_048_576;
export const HANDSHAKE_FRAME_BYTES_MAX = 256;
/** Both sides send two frames before their first session frame. */
export const HANDSHAKE_FRAMES = 2;
export const FRONTIER_LOGS_MAX = 2_048;
/** Logs in one `need`, `ack`, `absent` or `keep`. */
export const LOGS_MAX = 256;
/** Ranges of one log in one frame. */
export const RANGES_MAX = 1_024;
/** Ranges of all logs in one frame together: so that no frame comes near its limit in bytes. */
export const FRAME_RANGES_MAX = 16_384;
