/**
 * HPKE (RFC 9180) base mode for one message, a second time: node:crypto and the RFC's formulas, nothing of src. Slow and
 * obvious; the tests of core/crypto/async/wrap compare with it. Takes the Diffie-Hellman result as an argument, so that a
 * vector's own shared secret can be put in.
 */
import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";

export interface Suite {
  readonly aeadId: 1 | 2;
  readonly cipher: "aes-128-gcm" | "aes-256-gcm";
  readonly keySize: 16 | 32;
}

export const aes128: Suite = { aeadId: 1, cipher: "aes-128-gcm", keySize: 16 };
export const aes256: Suite = { aeadId: 2, cipher: "aes-256-gcm", keySize: 32 };

const KEM_NAME = Buffer.concat([Buffer.from("KEM"), Buffer.from([0, 0x20])]);
const EMPTY = Buffer.alloc(0);

/** Section 4.1: the KEM's shared secret, of the Diffie-Hellman result and both public keys. */
export function kemSecret(input: {
  readonly dh: Uint8Array;
  readonly enc: Uint8Array;
  readonly recipientPublicKey: Uint8Array;
}): Buffer {
  const extracted = labeledExtract(KEM_NAME, EMPTY, "eae_prk", input.dh);
  const context = Buffer.concat([input.enc, input.recipientPublicKey]);
  return labeledExpand(KEM_NAME, extracted, "shared_secret", context, 32);
}

/** Section 5.1: key and first nonce of base mode. */
export function keySchedule(
  suite: Suite,
  secret: Uint8Array,
  info: Uint8Array,
): { key: Buffer; nonce: Buffer } {
  const name = Buffer.concat([Buffer.from("HPKE"), Buffer.from([0, 0x20, 0, 1, 0, suite.aeadId])]);
  const context = Buffer.concat([
    Buffer.from([0]),
    labeledExtract(name, EMPTY, "psk_id_hash", EMPTY),
    labeledExtract(name, EMPTY, "info_hash", info),
  ]);
  const extracted = labeledExtract(name, secret, "secret", EMPTY);
  return {
    key: labeledExpand(name, extracted, "key", context, suite.keySize),
    nonce: labeledExpand(name, extracted, "base_nonce", context, 12),
  };
}

/** The first message of a context: ciphertext and tag. */
export function sealFirst(input: {
  readonly suite: Suite;
  readonly secret: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
}): Buffer {
  const { key, nonce } = keySchedule(input.suite, input.secret, input.info);
  const cipher = createCipheriv(input.suite.cipher, key, nonce);
  cipher.setAAD(input.aad);
  return Buffer.concat([cipher.update(input.plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** X25519 of OpenSSL; throws for a shared secret of zero. */
export function x25519(secretKey: Uint8Array, publicKey: Uint8Array): Buffer {
  return diffieHellman({ privateKey: toPrivateKey(secretKey), publicKey: toPublicKey(publicKey) });
}

/** The public half of an X25519 secret key. */
export function publicKeyOf(secretKey: Uint8Array): Buffer {
  return createPublicKey(toPrivateKey(secretKey)).export({ format: "der", type: "spki" }).subarray(12);
}

function toPrivateKey(bytes: Uint8Array): ReturnType<typeof createPrivateKey> {
  const key = Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), bytes]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function toPublicKey(bytes: Uint8Array): ReturnType<typeof createPublicKey> {
  const key = Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), bytes]);
  return createPublicKey({ key, format: "der", type: "spki" });
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer {
  return hmac(salt, Buffer.concat([Buffer.from("HPKE-v1"), suite, Buffer.from(label), ikm]));
}

/** One block at most: every size here is 32 or less. */
function labeledExpand(
  suite: Uint8Array,
  extracted: Uint8Array,
  label: string,
  info: Uint8Array,
  size: number,
): Buffer {
  const size16 = Buffer.from([0, size]);
  const text = Buffer.concat([
    size16,
    Buffer.from("HPKE-v1"),
    suite,
    Buffer.from(label),
    info,
    Buffer.from([1]),
  ]);
  return hmac(extracted, text).subarray(0, size);
}

function hmac(key: Uint8Array, text: Uint8Array): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
