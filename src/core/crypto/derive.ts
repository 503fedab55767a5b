/**
 * The ids, signed messages and associated bytes of the formats, each in one place. Hashes and joins; signs and seals
 * nothing. Spec: docs/spec/crypto.md and docs/spec/log.md. Tests: test/unit/crypto/derive.test.ts.
 */
import { u64, utf8 } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";
import { bytesToId, idBytes } from "../base/ids.ts";
import type {
  AccountId,
  ControlId,
  ConversationId,
  DeviceId,
  EpochId,
  LogId,
  MessageId,
  TreeHash,
} from "../base/ids.ts";
import { hashLabelled, hkdfSha256, hmacSha256 } from "./hash.ts";
import { requireKeySize } from "./key-size.ts";
import { labelled, labelPrefix, labels } from "./labels.ts";

export const EPOCH_KEY_BYTES = 32;
export const INDEX_KEY_BYTES = 32;
/** Message and conversation ids are cut to 128 bits: they are keyed or random, so nobody can search collisions. */
const SHORT_ID_BYTES = 16;
/** So that two terms of one segment meet once in millions of searches, and then only cost a look. */
const SEARCH_TOKEN_BYTES = 5;
const HEAD_VERSION = 1;
const POSITION_BYTES = 8;

const classByte = { control: 1, state: 2, messages: 3 } as const;

/** The account that a genesis operation, as encoded, begins. */
export function accountIdOf(genesis: Uint8Array): AccountId {
  return bytesToId(hashLabelled(labels.account, genesis));
}

/** The log of one class of one incarnation of a device. The class is part of it, so a blind peer cannot swap logs. */
export function logIdOf(input: {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly incarnation: number;
  readonly logClass: "control" | "state" | "messages";
}): LogId {
  return bytesToId(
    hashLabelled(
      labels.logId,
      idBytes(input.account),
      idBytes(input.device),
      u64(input.incarnation),
      Uint8Array.of(classByte[input.logClass]),
    ),
  );
}

/** A control entry: where it stands and, by its leaf, what it says, so a fork gives two ids. */
export function controlIdOf(input: {
  readonly log: LogId;
  readonly position: number;
  readonly leaf: TreeHash;
}): ControlId {
  return bytesToId(hashLabelled(labels.controlId, idBytes(input.log), u64(input.position), input.leaf));
}

/**
 * The id of an epoch's key, and the commitment to it: entries name it, and a received key is stored only under it, so
 * that no ciphertext opens under two keys (threat K8).
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a key that is not 32 bytes.
 */
export function epochIdOf(key: Uint8Array): EpochId {
  requireKeySize(key, EPOCH_KEY_BYTES, "an epoch key");
  return bytesToId(hashLabelled(labels.epochId, key));
}

/** A conversation by its normalised address. The disk holds this, not the address. */
export function conversationIdOf(indexKey: Uint8Array, normalisedAddress: string): ConversationId {
  return bytesToId(keyedId(indexKey, labels.conversationId, utf8(normalisedAddress)));
}

/**
 * The id of a message that was taken in from outside, equal on every device that takes it in. `fields` is the encoding
 * of what makes it one message (docs/spec/inbox.md); ids of what is written here are random.
 */
export function takenInIdOf(indexKey: Uint8Array, fields: Uint8Array): MessageId {
  return bytesToId(keyedId(indexKey, labels.messageId, fields));
}

/** Whose reaction with what emoji, as 16 bytes: the disk holds these. `fields` is the encoding of both (docs/spec/inbox.md). */
export function reactionKeyOf(indexKey: Uint8Array, fields: Uint8Array): Uint8Array {
  return keyedId(indexKey, labels.reactionId, fields);
}

/** A setting by its name, as 16 bytes. */
export function settingKeyOf(indexKey: Uint8Array, name: string): Uint8Array {
  return keyedId(indexKey, labels.settingId, utf8(name));
}

/** A term of the search index as a whole number below 2^40. */
export function searchTokenOf(indexKey: Uint8Array, term: string): number {
  requireKeySize(indexKey, INDEX_KEY_BYTES, "an index key");
  const mac = hmacSha256(indexKey, labelPrefix(labels.searchToken), utf8(term));
  let token = 0;
  for (let at = 0; at < SEARCH_TOKEN_BYTES; at++) token = token * 256 + mac[at]!;
  return token;
}

/** The key that seals the rows of the search index. */
export function searchKeyOf(indexKey: Uint8Array): Uint8Array {
  requireKeySize(indexKey, INDEX_KEY_BYTES, "an index key");
  return hkdfSha256({
    secret: indexKey,
    salt: new Uint8Array(0),
    info: labelPrefix(labels.searchKey),
    size: EPOCH_KEY_BYTES,
  });
}

/** The associated bytes of a sealed row of the search index: it opens only under its own key of the table. */
export function searchRowAssociated(key: Uint8Array): Uint8Array {
  return labelled(labels.searchRow, key);
}

/** What a device signs as the head of a log of `length` entries. */
export function headMessage(input: {
  readonly account: AccountId;
  readonly log: LogId;
  readonly length: number;
  readonly root: TreeHash;
}): Uint8Array {
  return labelled(
    labels.head,
    Uint8Array.of(HEAD_VERSION),
    idBytes(input.account),
    idBytes(input.log),
    u64(input.length),
    input.root,
  );
}

// Entries come in runs of one log, so what they share stays in the buffer from the entry before.
let shared: { account: AccountId; log: LogId; prefixSize: number; associated: Uint8Array } | undefined;

/**
 * The associated bytes of a sealed payload: it opens only at its own place, in its own log, under its own header.
 * `headerWithoutHash` is the header's first 40 bytes, with the epoch's id among them. The next call overwrites what this one returned.
 */
export function entryAssociated(input: {
  readonly account: AccountId;
  readonly log: LogId;
  readonly position: number;
  readonly headerWithoutHash: Uint8Array;
}): Uint8Array {
  const { account, log, position, headerWithoutHash } = input;
  assert(Number.isSafeInteger(position) && position >= 0, "a position is a whole number");
  if (shared?.log !== log || shared.account !== account) {
    const prefix = labelled(labels.entry, idBytes(account), idBytes(log));
    const associated = new Uint8Array(prefix.length + POSITION_BYTES + headerWithoutHash.length);
    associated.set(prefix);
    shared = { account, log, prefixSize: prefix.length, associated };
  }
  const { associated, prefixSize } = shared;
  const headerAt = prefixSize + POSITION_BYTES;
  assert(associated.length === headerAt + headerWithoutHash.length, "every header has one size");
  putU32(associated, prefixSize, Math.floor(position / 2 ** 32));
  putU32(associated, prefixSize + 4, position >>> 0);
  associated.set(headerWithoutHash, headerAt);
  return associated;
}

function putU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

function keyedId(indexKey: Uint8Array, label: string, fields: Uint8Array): Uint8Array {
  requireKeySize(indexKey, INDEX_KEY_BYTES, "an index key");
  return hmacSha256(indexKey, labelPrefix(label), fields).subarray(0, SHORT_ID_BYTES);
}
