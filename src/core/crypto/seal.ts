/**
 * Authenticated encryption with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) through libsodium. Does not commit to
 * its key: an epoch's id does (`epochIdOf`), and a key is looked up by that id before anything is opened.
 * Beside it Padmé, the padding of what is sealed: sizes leak O(log log n) bits for at most 12 % of overhead (Nikitin et
 * al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETS 2019, section 4).
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/seal.test.ts (Wycheproof), test/unit/crypto/padding.test.ts.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { assert, isEngineError } from "../base/errors.ts";
import { requireKeySize } from "./key-size.ts";
import { takeMemory } from "./memory.ts";
import { sodium } from "./sodium.ts";

export const SEAL_KEY_BYTES = 32;
/** Long enough to be random: 2^80 messages under one key before a repeat is likelier than 2^-32. */
export const NONCE_BYTES = 24;
const TAG_BYTES = 16;
/** What sealing adds to a plaintext: nonce and tag. */
export const SEAL_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/**
 * `nonce ‖ ciphertext ‖ tag(16)`. The nonce is 24 fresh random bytes for every call, never a counter: a restored backup
 * would count again from where it was.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a key that is not 32 bytes.
 */
export function seal(input: {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly associated: Uint8Array;
}): Uint8Array {
  const { key, nonce, plaintext, associated } = input;
  requireKeySize(key, SEAL_KEY_BYTES, "a sealing key");
  assert(nonce.length === NONCE_BYTES, "a nonce has 24 bytes");
  const sealed = takeMemory(plaintext.length + SEAL_OVERHEAD_BYTES);
  sealed.set(nonce);
  const ciphertext = sealed.subarray(NONCE_BYTES);
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, plaintext, associated, null, nonce, key);
  return sealed;
}

/**
 * The plaintext of what `seal` made with the same key and associated bytes; undefined for anything else, cut or
 * changed bytes included. Nothing of a plaintext that does not verify is ever handed out.
 * `memory` gives the room for the plaintext, of exactly the size it is asked for; absent: room of its own.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a key that is not 32 bytes.
 */
export function open(input: {
  readonly key: Uint8Array;
  readonly sealed: Uint8Array;
  readonly associated: Uint8Array;
  readonly memory?: (size: number) => Uint8Array;
}): Uint8Array | undefined {
  const { key, sealed, associated, memory = takeMemory } = input;
  requireKeySize(key, SEAL_KEY_BYTES, "a sealing key");
  if (sealed.length < SEAL_OVERHEAD_BYTES) return undefined;
  const plaintext = memory(sealed.length - SEAL_OVERHEAD_BYTES);
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const ciphertext = sealed.subarray(NONCE_BYTES);
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, ciphertext, associated, nonce, key);
  } catch {
    // Every length was checked above, so the tag is the only thing left to fail.
    return undefined;
  }
  return plaintext;
}

/**
 * The smallest size of the form "few significant bits, then zeroes" that holds `size` bytes: with E = ⌊log2 size⌋, the
 * last E - ⌊log2 E⌋ - 1 bits are zero. Whole numbers below 2^52.
 */
export function padmeSize(size: number): number {
  assert(Number.isInteger(size) && size >= 0 && size < 2 ** 52, "a padded size is in range");
  if (size < 2) return size;
  const exponent = log2Floor(size);
  const step = 2 ** (exponent - log2Floor(exponent) - 1);
  return Math.ceil(size / step) * step;
}

/** `uint length ‖ plaintext ‖ zeroes` up to `padmeSize` of what stands before the zeroes. */
export function pad(plaintext: Uint8Array): Uint8Array {
  const prefixSize = uintSize(plaintext.length);
  const padded = takeMemory(padmeSize(prefixSize + plaintext.length));
  let rest = plaintext.length;
  for (let at = 0; at < prefixSize - 1; at++) {
    padded[at] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  padded[prefixSize - 1] = rest;
  padded.set(plaintext, prefixSize);
  return padded;
}

/**
 * What `pad` was given, as a view; undefined for bytes that `pad` does not make: a length that is not in its shortest
 * form or too long, another amount of padding, a byte of it that is not zero.
 */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(padded);
  const size = readSize(reader, padded.length);
  if (size === undefined) return undefined;
  const end = reader.at + size;
  // A length that points past the end is refused here too: no size is padded to a smaller one.
  if (padded.length !== padmeSize(end)) return undefined;
  for (let at = end; at < padded.length; at++) if (padded[at] !== 0) return undefined;
  return padded.subarray(reader.at, end);
}

function readSize(reader: ByteReader, limit: number): number | undefined {
  try {
    return reader.uint(limit);
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

/** Bytes of `value` as an unsigned LEB128 number. */
function uintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Exact where `Math.log2` rounds up. */
function log2Floor(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value);
}
