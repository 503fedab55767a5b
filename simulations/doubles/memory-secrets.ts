/**
 * The Secrets port without a file: the bytes of the key file in memory, through the same codec. What was saved outlives the program.
 * Tests: test/unit/doubles/memory-secrets.test.ts, which runs test/contracts/secrets.contract.ts.
 */
import { EngineError } from "../../src/core/base/errors.ts";
import type { Secrets } from "../../src/core/sync/ports.ts";
import { decodeKeyFile, encodeKeyFile } from "../../src/io/secrets/key-file-format.ts";

/** Where the key file lies; it outlives the program that wrote it. */
export interface KeyPlace {
  bytes: Uint8Array | null;
}

export function memorySecrets(place: KeyPlace): Secrets {
  return {
    load: async () => {
      await Promise.resolve();
      if (place.bytes === null)
        throw new EngineError("KEY_FILE_MISSING", "this directory holds no device key");
      return decodeKeyFile(place.bytes);
    },
    exists: () => Promise.resolve(place.bytes !== null),
    save: async (secrets) => {
      const bytes = encodeKeyFile(secrets).slice();
      await Promise.resolve();
      place.bytes = bytes;
    },
    erase: async () => {
      await Promise.resolve();
      place.bytes = null;
    },
    protection: () => "none",
  };
}
