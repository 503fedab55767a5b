/**
 * Wrapping a secret for one recipient: HPKE (RFC 9180), base mode, one message. Says nothing of who wrapped it: a wrap
 * counts only inside an operation that a member signed (threat C10).
 * Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Promises, so only `app` calls it.
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/wrap.test.ts (RFC 9180, Wycheproof X25519).
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, HpkeError } from "@hpke/core";
import { concat } from "../../base/bytes.ts";
import { assert, EngineError } from "../../base/errors.ts";
import { requireKeySize } from "../key-size.ts";

export const OPEN_KEY_BYTES = 32;
/** Bytes of randomness that one wrap uses up. */
export const WRAP_RANDOM_BYTES = 32;
const ENCAPSULATED_BYTES = 32;
const TAG_BYTES = 16;
/** What wrapping adds to a plaintext: the encapsulated key and the tag. */
export const WRAP_OVERHEAD_BYTES = ENCAPSULATED_BYTES + TAG_BYTES;

const kem = new DhkemX25519HkdfSha256();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** A key to receive wraps with; 32 bytes each. */
export interface OpenKey {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/**
 * The key of a random seed of 32 bytes (RFC 9180, section 7.1.3); the same seed gives the same key.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a seed of another length.
 */
export async function createOpenKey(seed: Uint8Array): Promise<OpenKey> {
  requireKeySize(seed, OPEN_KEY_BYTES, "an open key's seed");
  const pair = await kem.deriveKeyPair(toMemory(seed));
  return {
    publicKey: new Uint8Array(await kem.serializePublicKey(pair.publicKey)),
    secretKey: new Uint8Array(await kem.serializePrivateKey(pair.privateKey)),
  };
}

/**
 * `encapsulated key(32) ‖ ciphertext ‖ tag(16)` for the holder of `recipientPublicKey`. `info` binds the wrap to its
 * place and is needed again to open it. `ekm` is 32 fresh random bytes, used for this wrap only.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a public key of another length or of small order.
 */
export async function wrap(input: {
  readonly recipientPublicKey: Uint8Array;
  readonly info: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly ekm: Uint8Array;
}): Promise<Uint8Array> {
  requireKeySize(input.recipientPublicKey, OPEN_KEY_BYTES, "a recipient's key");
  assert(input.ekm.length === WRAP_RANDOM_BYTES, "a wrap uses 32 random bytes");
  const recipientPublicKey = await kem.importKey("raw", toMemory(input.recipientPublicKey), true);
  try {
    const { enc, ct } = await suite.seal(
      { recipientPublicKey, info: toMemory(input.info), ekm: toMemory(input.ekm) },
      toMemory(input.plaintext),
    );
    return concat(new Uint8Array(enc), new Uint8Array(ct));
  } catch (cause) {
    // The shared secret would be zero, whoever listens.
    if (cause instanceof HpkeError) {
      throw new EngineError("CRYPTO_KEY_INVALID", "a recipient's key is not usable", { cause });
    }
    throw cause;
  }
}

/**
 * What `wrap` was given, with the secret key and `info` it was made for; undefined for anything else, a shared secret
 * of zero included.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a secret key of another length.
 */
export async function unwrap(input: {
  readonly secretKey: Uint8Array;
  readonly info: Uint8Array;
  readonly sealed: Uint8Array;
}): Promise<Uint8Array | undefined> {
  requireKeySize(input.secretKey, OPEN_KEY_BYTES, "a secret open key");
  const recipientKey = await kem.importKey("raw", toMemory(input.secretKey), false);
  const enc = toMemory(input.sealed.subarray(0, ENCAPSULATED_BYTES));
  const ciphertext = toMemory(input.sealed.subarray(ENCAPSULATED_BYTES));
  try {
    const plaintext = await suite.open({ recipientKey, enc, info: toMemory(input.info) }, ciphertext);
    return new Uint8Array(plaintext);
  } catch (error) {
    if (error instanceof HpkeError) return undefined;
    throw error;
  }
}

/** A copy in memory of its own: the library takes whole buffers. */
function toMemory(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
