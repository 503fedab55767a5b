/**
 * Sees every seal and every signature that this process makes, at the one library that makes them. The program under test is not
 * changed: the functions of the library are wrapped, and call what they wrapped.
 */
import { createHash } from "node:crypto";
import sodium from "sodium-native";
import { labels } from "../../src/core/crypto/labels.ts";
import { utf8 } from "../../src/core/base/bytes.ts";

export interface CryptoTaps {
  /** A short name for (key, nonce). */
  readonly sealed: (keyAndNonce: string) => void;
  /** A head that was signed, by the public key. All in hex. */
  readonly headSigned: (author: string, log: string, length: number, root: string) => void;
}

type Encrypt = (
  ciphertext: Uint8Array,
  plaintext: Uint8Array,
  associated: Uint8Array,
  unused: null,
  nonce: Uint8Array,
  key: Uint8Array,
) => number;
type Sign = (signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array) => void;

const library = sodium as unknown as {
  crypto_aead_xchacha20poly1305_ietf_encrypt: Encrypt;
  crypto_sign_detached: Sign;
};

const HEAD_LABEL = utf8(labels.head);
/** Length of the label, the label, version, account, log, length, root: docs/spec/log.md, "Head". */
const LOG_AT = 1 + HEAD_LABEL.length + 1 + 32;
const HEAD_MESSAGE_BYTES = LOG_AT + 32 + 8 + 32;

let taps: CryptoTaps | null = null;
let isWrapped = false;

/** From now on these are told; null: nobody is. */
export function tapCrypto(told: CryptoTaps | null): void {
  taps = told;
  if (!isWrapped) wrapLibrary();
  isWrapped = true;
}

function wrapLibrary(): void {
  const encrypt = library.crypto_aead_xchacha20poly1305_ietf_encrypt;
  library.crypto_aead_xchacha20poly1305_ietf_encrypt = (
    ciphertext,
    plaintext,
    associated,
    unused,
    nonce,
    key,
  ) => {
    taps?.sealed(createHash("sha256").update(key).update(nonce).digest("base64"));
    return encrypt(ciphertext, plaintext, associated, unused, nonce, key);
  };
  const sign = library.crypto_sign_detached;
  library.crypto_sign_detached = (signature, message, secretKey) => {
    const head = taps === null ? null : headIn(message);
    if (head !== null) taps?.headSigned(hexOf(secretKey.subarray(32)), head.log, head.length, head.root);
    sign(signature, message, secretKey);
  };
}

function headIn(
  message: Uint8Array,
): { readonly log: string; readonly length: number; readonly root: string } | null {
  if (message.length !== HEAD_MESSAGE_BYTES || message[0] !== HEAD_LABEL.length) return null;
  if (HEAD_LABEL.some((byte, at) => message[1 + at] !== byte)) return null;
  const view = Buffer.from(message.buffer, message.byteOffset, message.length);
  return {
    log: hexOf(message.subarray(LOG_AT, LOG_AT + 32)),
    length: Number(view.readBigUInt64BE(LOG_AT + 32)),
    root: hexOf(message.subarray(LOG_AT + 40)),
  };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
