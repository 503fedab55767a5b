/**
 * Stored entries and the table of entry kinds. A kind (version, flags, epoch) is 34 bytes that many entries share: the store
 * names it once, and entries by its number.
 * Spec: docs/spec/storage.md. Tests: test/unit/store/row-codecs.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { assert } from "../../core/base/errors.ts";
import { encodeKind, KIND_BYTES, PAYLOAD_HASH_BYTES, readKind } from "../../core/log/header.ts";
import { type BatchEntry, type EntryKind, PAYLOAD_BYTES_MAX } from "../../core/log/types.ts";
import { damaged } from "./row-check.ts";

/**
 * Kinds in one store. Every epoch is one, and an epoch is made at most every few hours; but a member may sign entries of any kind, and they are
 * kept whatever they are. Of so many, each in an entry of its own, no memory could hold the table.
 */
export const KIND_LIMIT = 2 ** 26;

const STATES = ["present", "purged", "absent"] as const;
const STATE_COUNT = 4;
/** `4 · number + state`. */
const CODE_BYTES_MAX = 4;
/** And a payload length in at most three. */
const HEAD_BYTES_MAX = CODE_BYTES_MAX + 3;

export class KindTable {
  readonly #kinds: EntryKind[] = [];
  readonly #numberByName = new Map<string, number>();
  // Entries of one kind usually share the object.
  readonly #numberByKind = new WeakMap<EntryKind, number>();
  #storedCount = 0;

  /** What a batch must store, and then counts as stored. */
  takeUnstored(): readonly (readonly [number: number, kind: Uint8Array])[] {
    const fresh: (readonly [number, Uint8Array])[] = [];
    for (; this.#storedCount < this.#kinds.length; this.#storedCount++) {
      fresh.push([this.#storedCount, encodeKind(this.#kinds[this.#storedCount]!)]);
    }
    return fresh;
  }

  /** The kind's number, a new one where it has none. */
  numberOf(kind: EntryKind): number {
    const known = this.#numberByKind.get(kind);
    if (known !== undefined) return known;
    const name = `${kind.version} ${kind.flags} ${kind.epoch}`;
    let number = this.#numberByName.get(name);
    if (number === undefined) {
      number = this.#kinds.push(kind) - 1;
      assert(number < KIND_LIMIT, "the number of an entry kind can be written");
      this.#numberByName.set(name, number);
    }
    this.#numberByKind.set(kind, number);
    return number;
  }

  kindOf(number: number): EntryKind | undefined {
    return this.#kinds[number];
  }

  /** Takes the stored kinds in, in order. After a failed write those that were given a number since stay. */
  load(stored: readonly Uint8Array[]): void {
    for (const [number, bytes] of stored.entries()) {
      if (bytes.length !== KIND_BYTES) throw damaged("an entry kind cannot be read");
      if (this.numberOf(readKind(new ByteReader(bytes))) !== number)
        throw damaged("an entry kind stands twice");
    }
    this.#storedCount = stored.length;
  }
}

/** Room that `putEntry` needs at most. */
export function entrySizeMax(entry: BatchEntry): number {
  return HEAD_BYTES_MAX + entry.bytes.length;
}

/** Writes a stored entry; returns where it ends. */
export function putEntry(target: Uint8Array, at: number, entry: BatchEntry, kindNumber: number): number {
  const { state, payloadLength, bytes } = entry;
  const isPresent = state === "present";
  assert(
    isPresent ? bytes.length === payloadLength : bytes.length === PAYLOAD_HASH_BYTES,
    "an entry has its payload or the payload's hash",
  );
  assert(payloadLength <= PAYLOAD_BYTES_MAX, "a payload keeps its limit");
  let end = putUint(target, at, kindNumber * STATE_COUNT + STATES.indexOf(state));
  if (!isPresent) end = putUint(target, end, payloadLength);
  target.set(bytes, end);
  return end + bytes.length;
}

/** The entry as a view of `body`, or undefined where the body is none. */
export function decodeEntry(body: Uint8Array, kinds: KindTable): BatchEntry | undefined {
  let code = 0;
  let at = 0;
  for (let scale = 1, byte = 128; byte >= 128; scale *= 128) {
    if (at >= body.length || at >= CODE_BYTES_MAX) return undefined;
    byte = body[at++]!;
    code += (byte % 128) * scale;
    // A stored entry has one encoding, so that two that differ are never the same.
    if (byte === 0 && at > 1) return undefined;
  }
  const kind = kinds.kindOf(Math.floor(code / STATE_COUNT));
  const state = STATES[code % STATE_COUNT];
  if (kind === undefined || state === undefined) return undefined;
  if (state === "present") {
    const bytes = body.subarray(at);
    return bytes.length > PAYLOAD_BYTES_MAX ? undefined : { kind, state, payloadLength: bytes.length, bytes };
  }
  return decodeBodiless(body.subarray(at), kind, state);
}

function decodeBodiless(
  rest: Uint8Array,
  kind: EntryKind,
  state: "purged" | "absent",
): BatchEntry | undefined {
  if (rest.length < 1 + PAYLOAD_HASH_BYTES || rest.length > 3 + PAYLOAD_HASH_BYTES) return undefined;
  const lengthBytes = rest.length - PAYLOAD_HASH_BYTES;
  let payloadLength = 0;
  for (let n = 0, scale = 1; n < lengthBytes; n++, scale *= 128) {
    const byte = rest[n]!;
    const isLast = n === lengthBytes - 1;
    if (byte < 128 !== isLast || (byte === 0 && n > 0)) return undefined;
    payloadLength += (byte % 128) * scale;
  }
  if (payloadLength > PAYLOAD_BYTES_MAX) return undefined;
  return { kind, state, payloadLength, bytes: rest.subarray(lengthBytes) };
}

function putUint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[end++] = (rest % 128) + 128;
  target[end] = rest;
  return end + 1;
}
