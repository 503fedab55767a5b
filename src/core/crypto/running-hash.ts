/**
 * SHA-256 over what comes piece by piece and is never whole in memory, such as an attachment.
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/running-hash.test.ts.
 */
import { createHash } from "node:crypto";

/** One hash: any number of `add`, then `finish` once. */
export class RunningHash {
  readonly #hash = createHash("sha256");

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** 32 bytes: the same as `sha256` over all pieces joined. */
  finish(): Uint8Array {
    return new Uint8Array(this.#hash.digest());
  }
}
