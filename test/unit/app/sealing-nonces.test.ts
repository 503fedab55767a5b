/** Sealing operations for a log: what of chance goes into it. */
import { equal, ok } from "node:assert/strict";
import { hex } from "../../../src/core/base/bytes.ts";
import type { Entropy } from "../../../src/core/base/ports.ts";
import { NONCE_BYTES } from "../../../src/core/crypto/seal.ts";
import { machineEntropy } from "../../../src/app/node/platform.ts";
import { Sealer } from "../../../src/app/replica/sealing.ts";
import { deviceOf, messageBody, operationOf } from "../../support/operations.ts";
import { sampleAccount, sampleLogId, sealedKind } from "../../support/sample-log.ts";

const key = new Uint8Array(32).fill(9);

/** The nonces of `count` entries in a row, from position 0 on. */
function noncesOf(entropy: Entropy, count: number): readonly string[] {
  const sealer = new Sealer(entropy);
  return Array.from({ length: count }, (_, position) => {
    const { entry } = sealer.seal({
      operation: operationOf(messageBody()),
      place: { account: sampleAccount, log: sampleLogId, position },
      logDevice: deviceOf(1),
      kind: sealedKind,
      key,
    });
    return hex(entry.bytes.subarray(0, NONCE_BYTES));
  });
}

describe("Sealing", () => {
  it("K7: uses no nonce twice, over the blocks in which they are drawn, restarts and copies", () => {
    // A copy of a device seals the same operations at the same places under the same key.
    const all = [1, 2, 3].flatMap(() => noncesOf(machineEntropy, 700));
    equal(new Set(all).size, 2_100);
    const zero = "0".repeat(2 * NONCE_BYTES);
    ok(!all.includes(zero));
  });

  it("K7: draws nonces from the entropy that it was given, and counts none", () => {
    let drawn = 0;
    const entropy: Entropy = {
      bytes: (size) => {
        drawn += size;
        return machineEntropy.bytes(size);
      },
    };
    noncesOf(entropy, 600);
    equal(drawn, 3 * 256 * NONCE_BYTES);
  });
});
