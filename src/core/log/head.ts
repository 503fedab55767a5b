/**
 * Heads: a log's length and root under the signature of the device that writes it.
 * What is signed: `headMessage` in core/crypto; docs/spec/log.md, "Head". Tests: test/unit/log/head.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";
import { type AccountId, type DeviceId, idBytes, type LogId, type TreeHash } from "../base/ids.ts";
import { headMessage } from "../crypto/derive.ts";
import { sign, verify } from "../crypto/sign.ts";
import { TREE_HASH_BYTES } from "./tree.ts";
import { type Head, LOG_LENGTH_LIMIT } from "./types.ts";

export const SIGNATURE_BYTES = 64;

/** The account a log belongs to and the device that writes it, never the peer that relays it. */
export interface Authorship {
  readonly account: AccountId;
  readonly author: DeviceId;
}

/** What `createSigningKey` of core/crypto gives. */
export type SigningKey = Parameters<typeof sign>[0];

/** Persist the head before it is sent: two heads of one length with different roots are evidence of a fork. */
export function signHead(
  key: SigningKey,
  claim: {
    readonly account: AccountId;
    readonly log: LogId;
    readonly length: number;
    readonly root: TreeHash;
  },
): Head {
  const { log, length, root } = claim;
  assert(isHeadLength(length), "a head has a length from 1 to below 2^48");
  assert(root.length === TREE_HASH_BYTES, "a root has 32 bytes");
  return { log, length, root, signature: sign(key, headMessage(claim)) };
}

/** True where the author signed exactly this. */
export function verifyHead(head: Head, { account, author }: Authorship): boolean {
  const { log, length, root, signature } = head;
  if (!isHeadLength(length)) return false;
  if (root.length !== TREE_HASH_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return verify(idBytes(author), headMessage({ account, log, length, root }), signature);
}

/** The same log, length and root. Signatures may differ: a device may sign one state twice. */
export function isSameState(a: Head, b: Head): boolean {
  return a.log === b.log && a.length === b.length && equalBytes(a.root, b.root);
}

/** Byte for byte the same head, so that what was verified once need not be verified again. */
export function isSameHead(a: Head, b: Head): boolean {
  return isSameState(a, b) && equalBytes(a.signature, b.signature);
}

function isHeadLength(length: number): boolean {
  return Number.isSafeInteger(length) && length >= 1 && length < LOG_LENGTH_LIMIT;
}
