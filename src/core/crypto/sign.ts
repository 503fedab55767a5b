/**
 * Ed25519 signatures (RFC 8032) through libsodium. What is signed is made by `derive.ts` or `labelled`, never raw input.
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/sign.test.ts (Wycheproof).
 */
import { requireKeySize } from "./key-size.ts";
import { sodium } from "./sodium.ts";

/** Bytes of a public key. */
export const PUBLIC_KEY_BYTES = 32;
/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;
const SEED_BYTES = 32;
const SECRET_KEY_BYTES = 64;

export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** libsodium's form: the seed, then the public key; 64 bytes. Store the seed alone. */
  readonly secretKey: Uint8Array;
}

/**
 * The key of a random seed of 32 bytes; the same seed gives the same key.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a seed of another length.
 */
export function createSigningKey(seed: Uint8Array): SigningKey {
  requireKeySize(seed, SEED_BYTES, "a signing seed");
  const publicKey = new Uint8Array(PUBLIC_KEY_BYTES);
  const secretKey = new Uint8Array(SECRET_KEY_BYTES);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed);
  return { publicKey, secretKey };
}

/**
 * A signature of 64 bytes. Deterministic: needs no randomness, and a repeat is the same bytes.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a secret key of another length.
 */
export function sign(key: SigningKey, message: Uint8Array): Uint8Array {
  requireKeySize(key.secretKey, SECRET_KEY_BYTES, "a secret signing key");
  const signature = new Uint8Array(SIGNATURE_BYTES);
  sodium.crypto_sign_detached(signature, message, key.secretKey);
  return signature;
}

/**
 * Whether `signature` is `publicKey`'s over `message`. False, never an error, for wrong lengths, keys of small order,
 * keys and signatures that are not in their one canonical form.
 */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return sodium.crypto_sign_verify_detached(signature, message, publicKey);
}
