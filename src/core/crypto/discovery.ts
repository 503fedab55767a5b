/**
 * The names under which devices look for each other by mDNS: pure derivations, no network.
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/discovery.test.ts.
 */
import { toString } from "uint8arrays/to-string";
import { u64 } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";
import { hashLabelled, hmacSha256 } from "./hash.ts";
import { requireKeySize } from "./key-size.ts";
import { labelled, labels } from "./labels.ts";

/** RFC 6335, section 5.1: a service name has at most 15 characters. They carry 75 bits. */
const TAG_CHARACTERS = 15;
export const DISCOVERY_KEY_BYTES = 32;

/**
 * `_` and 15 characters of lower-case base32 (RFC 4648): only who has the key knows what to ask for in this hour, and
 * nobody else can tell that two hours belong to one account. `hour` is the number of full hours since 1970.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a key that is not 32 bytes.
 */
export function discoveryTag(discoveryKey: Uint8Array, hour: number): string {
  requireKeySize(discoveryKey, DISCOVERY_KEY_BYTES, "a discovery key");
  assert(Number.isSafeInteger(hour) && hour >= 0, "an hour is a whole number");
  return toTag(hmacSha256(discoveryKey, labelled(labels.discoveryTag, u64(hour))));
}

/** The tag that exists while a link code is open: a function of the code's number alone, which is no secret. */
export function linkTag(codeNumber: number): string {
  assert(Number.isSafeInteger(codeNumber) && codeNumber >= 0, "a code's number is whole");
  return toTag(hashLabelled(labels.linkTag, u64(codeNumber)));
}

function toTag(hash: Uint8Array): string {
  return `_${toString(hash, "base32").slice(0, TAG_CHARACTERS)}`;
}
