/** A hash over pieces is the hash over the whole. */
import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../../../src/core/base/bytes.ts";
import { sha256 } from "../../../src/core/crypto/hash.ts";
import { RunningHash } from "../../../src/core/crypto/running-hash.ts";

describe("a running hash", () => {
  it("is SHA-256 of all pieces joined", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 99 }), { maxLength: 9 }), (pieces) => {
        const hash = new RunningHash();
        for (const piece of pieces) hash.add(piece);
        deepEqual(hash.finish(), sha256(concat(...pieces)));
      }),
    );
  });
});
