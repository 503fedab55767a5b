/**
 * Ids of messages that are taken in from outside: a keyed hash of what makes each one message, so that the same SMS taken in
 * twice, on two devices or from two backups is one message. Spec: docs/spec/inbox.md, "Taken in".
 * Tests: test/unit/inbox/taken-in.test.ts.
 */
import { assert } from "../base/errors.ts";
import { HASH_BYTES } from "../crypto/hash.ts";
import { takenInIdOf } from "../crypto/derive.ts";
import type { MessageId } from "../base/ids.ts";
import { isWellFormed, normaliseAddress } from "./address.ts";
import { byteAt } from "./id-codec.ts";
import { ScratchWriter } from "./scratch-writer.ts";
import { ADDRESS_BYTES_MAX, TEXT_BYTES_MAX, type Direction, type Service } from "./types.ts";

/** What makes a message from outside one message. */
export interface TakenInFields {
  readonly indexKey: Uint8Array;
  readonly service: Service;
  /** As given; it enters in its normalised form. */
  readonly address: string;
  readonly box: Direction;
  /** The time that the source keeps the message under. */
  readonly timeMs: number;
  readonly text: string;
  /** SHA-256 of each attachment's plaintext, in the order of the message. */
  readonly attachmentHashes: readonly Uint8Array[];
  /** 0 for the first of several that are alike in everything else. */
  readonly ordinal: number;
}

type TakenInMessageFields = Omit<TakenInFields, "indexKey" | "ordinal">;

const FIELDS_VERSION = 1;
const ATTACHMENTS_MAX = 1_000;
const numberByService = { kinlog: 1, sms: 2, mms: 3 } as const;
const numberByBox = { in: 1, out: 2 } as const;

/** Normalising may triple the bytes of an address; three more bytes of room for each character. */
const writer = new ScratchWriter(
  9 * ADDRESS_BYTES_MAX + 3 * TEXT_BYTES_MAX + ATTACHMENTS_MAX * HASH_BYTES + 64,
);

/** The id. The text and the address must have been validated. */
export function takenInId({ indexKey, ordinal, ...message }: TakenInFields): MessageId {
  return idWithNormalised(indexKey, message, normaliseAddress(message.address), ordinal);
}

/** Addresses whose normalised form is remembered. */
const ADDRESSES_REMEMBERED_MAX = 4_096;

/**
 * Gives the ids of one import: the n-th message that is alike in everything gets the n-th id, so that true repeats stay and a
 * second import finds them all.
 */
export class TakenInIds {
  readonly #indexKey: Uint8Array;
  readonly #seen = new OrdinalCounter();
  readonly #normalised = new Map<string, string>();

  constructor(indexKey: Uint8Array) {
    this.#indexKey = indexKey;
  }

  /** What else the message holds is passed over. Copying it would cost as much as hashing it. */
  next(message: TakenInMessageFields): MessageId {
    const address = this.#normalise(message.address);
    const first = idWithNormalised(this.#indexKey, message, address, 0);
    const ordinal = this.#seen.next(first);
    return ordinal === 0 ? first : idWithNormalised(this.#indexKey, message, address, ordinal);
  }

  #normalise(address: string): string {
    const known = this.#normalised.get(address);
    if (known !== undefined) return known;
    const normalised = normaliseAddress(address);
    if (this.#normalised.size >= ADDRESSES_REMEMBERED_MAX) this.#normalised.clear();
    this.#normalised.set(address, normalised);
    return normalised;
  }
}

function idWithNormalised(
  indexKey: Uint8Array,
  fields: TakenInMessageFields,
  address: string,
  ordinal: number,
): MessageId {
  assert(fields.attachmentHashes.length <= ATTACHMENTS_MAX, "a message has at most 1000 attachments");
  writer.begin().u8(FIELDS_VERSION).u8(numberByService[fields.service]).u8(numberByBox[fields.box]);
  writer.u48(fields.timeMs).uint(ordinal);
  const addressSize = writer.text(address, 3 * ADDRESS_BYTES_MAX);
  const textSize = writer.text(fields.text, TEXT_BYTES_MAX);
  assert(
    addressSize <= 3 * ADDRESS_BYTES_MAX && textSize <= TEXT_BYTES_MAX && isWellFormed(fields.text),
    "what is taken in has been validated",
  );
  writer.uint(fields.attachmentHashes.length);
  for (const hash of fields.attachmentHashes) {
    assert(hash.length === HASH_BYTES, "an attachment is named by its SHA-256");
    writer.raw(hash);
  }
  return takenInIdOf(indexKey, writer.written());
}

const SEGMENT_COUNT = 256;
const SLOT_COUNT_FIRST = 512;
const FILL_MAX = 0.8;
const GROWTH = 1.5;
/** The last bits of a slot count up to here; more often seen ids are counted in a map. */
const COUNT_MASK = 3;

/**
 * Counts how often each id has come in one import. A backup need not be sorted, so every id is remembered: 62 bits of it and a
 * small count in open tables, 10 to 15 bytes a message (2 GB of backup hold about 7 million: 100 MB). A table grows alone, so
 * that growing never doubles the whole.
 *
 * Ids are keyed hashes, so nobody can make two that share 62 bits, and among 10 million the chance is 1 in 100,000.
 */
export class OrdinalCounter {
  /** By the first byte of the id. A slot is two words: 32 bits of the id; 30 more and how often it came, 0 where it is empty. */
  readonly #segments = Array.from({ length: SEGMENT_COUNT }, () => ({
    slots: new Uint32Array(2 * SLOT_COUNT_FIRST),
    count: 0,
  }));
  readonly #often = new Map<string, number>();

  /** How many times this id, as made with ordinal 0, came before. */
  next(id: MessageId): number {
    const high = wordOf(id, 0);
    const low = wordOf(id, 8);
    const segment = this.#segments[high >>> 24]!;
    if ((segment.count + 1) * 2 > segment.slots.length * FILL_MAX) segment.slots = enlarge(segment.slots);
    const slot = findSlot(segment.slots, high, low);
    const seen = segment.slots[slot + 1]! & COUNT_MASK;
    if (seen === COUNT_MASK) return this.#countOften(id);
    if (seen === 0) segment.count++;
    segment.slots[slot] = high;
    segment.slots[slot + 1] = (low & ~COUNT_MASK) | (seen + 1);
    return seen;
  }

  /** Memory that the tables take. */
  get bytes(): number {
    return this.#segments.reduce((sum, { slots }) => sum + slots.byteLength, 0);
  }

  #countOften(id: MessageId): number {
    const seen = this.#often.get(id) ?? COUNT_MASK;
    this.#often.set(id, seen + 1);
    return seen;
  }
}

function enlarge(slots: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * Math.ceil((slots.length / 2) * GROWTH));
  for (let at = 0; at < slots.length; at += 2) {
    if (slots[at + 1] === 0) continue;
    const slot = findSlot(larger, slots[at]!, slots[at + 1]!);
    larger[slot] = slots[at]!;
    larger[slot + 1] = slots[at + 1]!;
  }
  return larger;
}

/** Where the pair stands, whatever its count, or the empty slot where it belongs. The table is never full. */
function findSlot(slots: Uint32Array, high: number, low: number): number {
  const key = (low & ~COUNT_MASK) >>> 0;
  // By the share of the range and not by a remainder, so that growing copies in order.
  let slot = 2 * Math.floor((key / 2 ** 32) * (slots.length / 2));
  while (slots[slot + 1] !== 0 && (slots[slot] !== high || (slots[slot + 1]! & ~COUNT_MASK) >>> 0 !== key)) {
    slot += 2;
    if (slot === slots.length) slot = 0;
  }
  return slot;
}

/** Four bytes of a hex id, from its `digit`-th digit on. */
function wordOf(id: string, digit: number): number {
  const upper = byteAt(id, digit) * 256 + byteAt(id, digit + 2);
  return upper * 65_536 + byteAt(id, digit + 4) * 256 + byteAt(id, digit + 6);
}
