/** Names that the declarations of `@hpke/core` take for granted and `@types/node` 20 keeps inside a module. */
import type { webcrypto } from "node:crypto";

declare global {
  type CryptoKey = webcrypto.CryptoKey;
  type CryptoKeyPair = webcrypto.CryptoKeyPair;
}
