/**
 * Operations become entries and entries become operations: padding, sealing, opening. Decides nothing about what they mean.
 * Formats: docs/spec/log.md, docs/spec/inbox.md. Tests: test/integration/app/replica.test.ts.
 */
import type { AccountId, DeviceId, EpochId, LogId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { Entropy } from "../../core/base/ports.ts";
import { entryAssociated } from "../../core/crypto/derive.ts";
import { NONCE_BYTES, open, pad, seal, SEAL_OVERHEAD_BYTES, unpad } from "../../core/crypto/seal.ts";
import { contentHashOf, decodeOperation, encodeOperation } from "../../core/inbox/operation.ts";
import type { Operation } from "../../core/inbox/types.ts";
import { headerWithoutHash } from "../../core/log/header.ts";
import type { BatchEntry, EntryKind } from "../../core/log/types.ts";
import type { KeyRing } from "./key-ring.ts";

export const ENTRY_VERSION = 1;

const PASSING_BYTES_MAX = 4_096;

/** Where an entry stands and under which account: what a payload is sealed to. */
export interface EntryPlace {
  readonly account: AccountId;
  readonly log: LogId;
  readonly position: number;
}

/** What opening an entry came to. */
export type Opened =
  | { readonly kind: "operation"; readonly operation: Operation; readonly contentHash: Uint8Array }
  /** The epoch's key is not here yet. */
  | { readonly kind: "locked"; readonly epoch: EpochId }
  /** Of a newer version: kept, relayed, counted. */
  | { readonly kind: "unknown" }
  /** Signed by its author and yet unreadable, so nobody reads it: counted, never shown. */
  | { readonly kind: "unreadable" }
  | { readonly kind: "gone" };

/** Seals operations of one device under one epoch. Nonces are drawn in blocks: one call for many entries. */
export class Sealer {
  readonly #entropy: Entropy;
  #nonces: Uint8Array = new Uint8Array(0);
  #noncesAt = 0;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** The entry for an operation at its place, and the hash by which two contents of one id are compared. */
  seal(input: {
    readonly operation: Operation;
    readonly place: EntryPlace;
    readonly logDevice: DeviceId;
    readonly kind: EntryKind;
    readonly key: Uint8Array;
  }): { readonly entry: BatchEntry; readonly contentHash: Uint8Array } {
    const { operation, place, logDevice, kind, key } = input;
    const plaintext = encodeOperation(operation, { logDevice });
    const padded = pad(plaintext);
    const payloadLength = padded.length + SEAL_OVERHEAD_BYTES;
    const associated = associatedAt(place, headerWithoutHash(kind, payloadLength));
    const bytes = seal({ key, nonce: this.#nonce(), plaintext: padded, associated });
    return {
      entry: { kind, state: "present", payloadLength, bytes },
      contentHash: contentHashOf(plaintext, { logDevice }),
    };
  }

  #nonce(): Uint8Array {
    if (this.#noncesAt === this.#nonces.length) {
      this.#nonces = this.#entropy.bytes(NONCE_BYTES * 256);
      this.#noncesAt = 0;
    }
    this.#noncesAt += NONCE_BYTES;
    return this.#nonces.subarray(this.#noncesAt - NONCE_BYTES, this.#noncesAt);
  }
}

// An opened payload is read at once and becomes texts and ids, so most use one place in turn. Padding leaves few different sizes.
const passing = new Uint8Array(PASSING_BYTES_MAX);
const passingBySize = new Map<number, Uint8Array>();

/** Memory that the next call gives away again. */
function passingMemory(size: number): Uint8Array {
  if (size > PASSING_BYTES_MAX) return new Uint8Array(size);
  let view = passingBySize.get(size);
  if (view === undefined) {
    view = passing.subarray(0, size);
    passingBySize.set(size, view);
  }
  return view;
}

/** Opens an entry with whatever key its epoch asks for. */
export function openEntry(entry: BatchEntry, place: EntryPlace, logDevice: DeviceId, keys: KeyRing): Opened {
  const { kind } = entry;
  if (entry.state !== "present") return { kind: "gone" };
  if (kind.version !== ENTRY_VERSION || kind.flags !== 0 || kind.epoch === null) return { kind: "unknown" };
  const key = keys.key(kind.epoch);
  if (key === undefined) return { kind: "locked", epoch: kind.epoch };
  const associated = associatedAt(place, headerWithoutHash(kind, entry.payloadLength));
  const padded = open({ key, sealed: entry.bytes, associated, memory: passingMemory });
  const plaintext = padded === undefined ? undefined : unpad(padded);
  if (plaintext === undefined) return { kind: "unreadable" };
  try {
    const operation = decodeOperation(plaintext, { logDevice });
    if (operation.body.kind === "unknown") return { kind: "unknown" };
    return { kind: "operation", operation, contentHash: contentHashOf(plaintext, { logDevice }) };
  } catch (error) {
    if (isEngineError(error)) return { kind: "unreadable" };
    throw error;
  }
}

function associatedAt({ account, log, position }: EntryPlace, start: Uint8Array): Uint8Array {
  return entryAssociated({ account, log, position, headerWithoutHash: start });
}
