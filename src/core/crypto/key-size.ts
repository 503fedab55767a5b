/**
 * The one check of key lengths, so that no primitive sees a key of another size (threat K9).
 * Tests: test/unit/crypto/sign.test.ts, seal.test.ts, wrap.test.ts.
 */
import { EngineError } from "../base/errors.ts";

/** @throws EngineError `CRYPTO_KEY_INVALID` when the key has another size. */
export function requireKeySize(key: Uint8Array, size: number, name: string): void {
  if (key.length === size) return;
  throw new EngineError("CRYPTO_KEY_INVALID", `${name} has ${key.length} bytes instead of ${size}`);
}
