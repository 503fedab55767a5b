/**
 * The header of an entry, 72 bytes, and the leaves made from it. The leaf commits to the payload through its hash only, so
 * a payload can be erased and every proof still holds. Seals and opens nothing.
 * Format: docs/spec/log.md, "Entry". Tests: test/unit/log/header.test.ts.
 */
import { hex } from "../base/bytes.ts";
import { assert, EngineError } from "../base/errors.ts";
import { type EpochId, idBytes, type TreeHash } from "../base/ids.ts";
import { ByteReader } from "../base/byte-reader.ts";
import { sha256, sha256Into } from "../crypto/hash.ts";
import { type BatchEntry, type BodilessEntry, type EntryKind, PAYLOAD_BYTES_MAX } from "./types.ts";

export interface Header {
  readonly kind: EntryKind;
  readonly payloadLength: number;
  readonly payloadHash: Uint8Array;
}

export const HEADER_BYTES = 72;
/** What stands before the payload's hash: the part that seals a payload to its place. */
export const HEADER_WITHOUT_HASH_BYTES = 40;
/** Version, flags and epoch: the part that many entries share. */
export const KIND_BYTES = 34;
export const PAYLOAD_HASH_BYTES = 32;

const NO_EPOCH = "0".repeat(64);

// What `headerWithoutHash` returns, and the kind that stands in it.
const start = new Uint8Array(HEADER_WITHOUT_HASH_BYTES);
let startKind: EntryKind | undefined;

/** The whole header, as the leaf hashes it. */
export function encodeHeader(kind: EntryKind, payloadLength: number, payloadHash: Uint8Array): Uint8Array {
  assert(payloadHash.length === PAYLOAD_HASH_BYTES, "a payload hash has 32 bytes");
  const header = new Uint8Array(HEADER_BYTES);
  putKind(header, 0, kind);
  putLength(header, KIND_BYTES, payloadLength);
  header.set(payloadHash, HEADER_WITHOUT_HASH_BYTES);
  return header;
}

/**
 * The first 40 bytes of the header, which are known before the payload is sealed and enter its associated data.
 * The next call overwrites what this one returned.
 */
export function headerWithoutHash(kind: EntryKind, payloadLength: number): Uint8Array {
  if (startKind !== kind) {
    putKind(start, 0, kind);
    startKind = kind;
  }
  putLength(start, KIND_BYTES, payloadLength);
  return start;
}

/**
 * Reads a stored header. Unknown versions and flags pass: such an entry is kept and relayed, only the fold leaves it out.
 *
 * @throws EngineError `WIRE_TRUNCATED`, `WIRE_TRAILING_BYTES`, or `WIRE_LIMIT_EXCEEDED` for too long a payload.
 */
export function decodeHeader(bytes: Uint8Array): Header {
  const reader = new ByteReader(bytes);
  const kind = readKind(reader);
  const payloadLength = reader.u48();
  if (payloadLength > PAYLOAD_BYTES_MAX) {
    throw new EngineError("WIRE_LIMIT_EXCEEDED", `a payload is over ${PAYLOAD_BYTES_MAX} bytes`);
  }
  const payloadHash = reader.raw(PAYLOAD_HASH_BYTES);
  reader.end();
  return { kind, payloadLength, payloadHash };
}

/** Version, flags and epoch, as a header and a batch hold them. */
export function encodeKind(kind: EntryKind): Uint8Array {
  const bytes = new Uint8Array(KIND_BYTES);
  putKind(bytes, 0, kind);
  return bytes;
}

export function readKind(reader: ByteReader): EntryKind {
  const version = reader.u8();
  const flags = reader.u8();
  const epoch = hex(reader.raw(32));
  return { version, flags, epoch: epoch === NO_EPOCH ? null : (epoch as EpochId) };
}

/**
 * The leaf of every entry: two hashes where the payload is present, else one. Where it is not, its hash is taken on trust,
 * which the tree then confirms. The caller has checked that `bytes` has the length its state asks for.
 */
export function leavesOf(entries: readonly BatchEntry[]): TreeHash[] {
  // The prefix 00 of RFC 6962 and one header, overwritten for each entry.
  const input = new Uint8Array(1 + HEADER_BYTES);
  const leaves: TreeHash[] = [];
  let kind: EntryKind | undefined;
  for (const entry of entries) {
    if (entry.kind !== kind) {
      kind = entry.kind;
      putKind(input, 1, kind);
    }
    putLength(input, 1 + KIND_BYTES, entry.payloadLength);
    if (entry.state === "present") sha256Into(input, 1 + HEADER_WITHOUT_HASH_BYTES, entry.bytes);
    else input.set(entry.bytes, 1 + HEADER_WITHOUT_HASH_BYTES);
    leaves.push(sha256(input) as TreeHash);
  }
  return leaves;
}

/** The entry without its payload; its leaf stays the same. `purged`: gone for good; `absent`: not here now, and may come again. */
export function withoutPayload(entry: BatchEntry, state: BodilessEntry["state"]): BodilessEntry {
  const { kind, payloadLength } = entry;
  const bytes = entry.state === "present" ? sha256(entry.bytes) : entry.bytes.slice();
  return { kind, state, payloadLength, bytes };
}

// Thousands of entries share a kind, so its bytes are made once: a pure function's memory.
const bytesByKind = new WeakMap<EntryKind, Uint8Array>();

function putKind(target: Uint8Array, at: number, kind: EntryKind): void {
  let bytes = bytesByKind.get(kind);
  if (bytes === undefined) {
    assert(isByte(kind.version) && isByte(kind.flags), "version and flags are bytes");
    bytes = new Uint8Array(KIND_BYTES);
    bytes[0] = kind.version;
    bytes[1] = kind.flags;
    if (kind.epoch !== null) bytes.set(idBytes(kind.epoch), 2);
    bytesByKind.set(kind, bytes);
  }
  target.set(bytes, at);
}

/** Six bytes, of which a payload's limit needs three. */
function putLength(target: Uint8Array, at: number, length: number): void {
  assert(
    Number.isInteger(length) && length >= 0 && length <= PAYLOAD_BYTES_MAX,
    "a payload length is in range",
  );
  target[at] = 0;
  target[at + 1] = 0;
  target[at + 2] = 0;
  target[at + 3] = Math.floor(length / 65536);
  target[at + 4] = Math.floor(length / 256) % 256;
  target[at + 5] = length % 256;
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 256;
}
