/**
 * The key of a passphrase: Argon2id (RFC 9106) through libsodium, on a thread of the pool. The costs stand beside what
 * the key protects and are read from there, so both ends of their range are held: nobody can make them cheap, nor make
 * a start hang (threat K4). Promises, so only `app` calls it.
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/password.test.ts.
 */
import { assert, EngineError } from "../../base/errors.ts";
import { sodium } from "../sodium.ts";

const MEBIBYTE = 1024 * 1024;

export const PASSWORD_SALT_BYTES = 16;
export const PASSWORD_KEY_BYTES = 32;

/** RFC 9106, section 4, recommends 3 passes over 64 MiB where memory is short; less is refused. */
export const passwordLimits = {
  opsLimitMin: 3,
  opsLimitMax: 12,
  memLimitMin: 64 * MEBIBYTE,
  memLimitMax: 1024 * MEBIBYTE,
} as const;

/**
 * 32 bytes. `opsLimit` counts passes, `memLimit` bytes of memory; `salt` is 16 random bytes, made once and stored.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for costs outside `passwordLimits`, or a salt of another length.
 */
export async function passwordKey(input: {
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly opsLimit: number;
  readonly memLimit: number;
}): Promise<Uint8Array> {
  const { password, salt, opsLimit, memLimit } = input;
  requireRange(opsLimit, passwordLimits.opsLimitMin, passwordLimits.opsLimitMax, "passes");
  requireRange(memLimit, passwordLimits.memLimitMin, passwordLimits.memLimitMax, "bytes of memory");
  if (salt.length !== PASSWORD_SALT_BYTES) {
    throw new EngineError("CRYPTO_KEY_INVALID", `a salt has ${salt.length} bytes instead of 16`);
  }
  assert(password.length > 0, "a password is not empty");
  const key = new Uint8Array(PASSWORD_KEY_BYTES);
  const algorithm = sodium.crypto_pwhash_ALG_ARGON2ID13;
  await sodium.crypto_pwhash_async(key, password, salt, opsLimit, memLimit, algorithm);
  return key;
}

function requireRange(value: number, min: number, max: number, unit: string): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new EngineError("CRYPTO_KEY_INVALID", `${value} ${unit}: outside ${min} to ${max}`);
}
