/** How operations become entries: what each payload is sealed with. */
import { equal } from "node:assert/strict";
import { hex } from "../../../src/core/base/bytes.ts";
import type { AccountId, DeviceId, EpochId, LogId } from "../../../src/core/base/ids.ts";
import { NONCE_BYTES } from "../../../src/core/crypto/seal.ts";
import { ENTRY_VERSION, Sealer } from "../../../src/app/replica/sealing.ts";
import { entropyFrom } from "../../support/replicas.ts";
import { deviceOf, messageBody, operationOf } from "../../support/operations.ts";

describe("Sealing operations", () => {
  it("K7, invariant 12: never repeats a nonce under one key, beyond what is drawn at once", () => {
    const sealer = new Sealer(entropyFrom(1));
    const kind = { version: ENTRY_VERSION, flags: 0, epoch: "e".repeat(64) as EpochId };
    const nonces = new Set<string>();
    for (let position = 0; position < 1_000; position++) {
      const { entry } = sealer.seal({
        operation: operationOf(messageBody()),
        place: { account: "a".repeat(64) as AccountId, log: "b".repeat(64) as LogId, position },
        logDevice: deviceOf(1) satisfies DeviceId,
        kind,
        key: new Uint8Array(32).fill(7),
      });
      nonces.add(hex(entry.bytes.subarray(0, NONCE_BYTES)));
    }
    equal(nonces.size, 1_000);
  });
});
