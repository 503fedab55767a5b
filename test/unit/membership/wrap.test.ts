/** What a wrap holds: the vectors of docs/spec/membership.md, "Wrap". */
import { deepEqual, equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import type { AccountId, EpochId } from "../../../src/core/base/ids.ts";
import { epochIdOf } from "../../../src/core/crypto/derive.ts";
import { decodeSecrets, encodeSecrets, wrapInfo } from "../../../src/core/membership/wrap.ts";
import { vectorPath } from "../../support/paths.ts";

const { info, vectors } = JSON.parse(readFileSync(vectorPath("membership/wraps.json"), "utf8")) as {
  readonly info: {
    readonly account: AccountId;
    readonly epoch: EpochId;
    readonly recipient: string;
    readonly suite: number;
    readonly expect: string;
  };
  readonly vectors: readonly {
    readonly comment: string;
    readonly expect: string;
    readonly plaintext: string;
  }[];
};

describe("what a wrap holds", () => {
  for (const { comment, expect, plaintext } of vectors) {
    it(`K8: is taken whole or not at all, ${expect}: ${comment}`, () => {
      const secrets = decodeSecrets(hexToBytes(plaintext));
      equal(secrets === undefined ? "refuse" : "accept", expect);
      if (secrets !== undefined) equal(hex(encodeSecrets(secrets)), plaintext);
    });
  }

  it("C11: opens for one recipient, of one account, as one epoch", () => {
    const { recipient, expect, ...place } = info;
    equal(hex(wrapInfo({ ...place, recipient: hexToBytes(recipient) })), expect);
  });

  it("comes back from its bytes, in memory of its own", () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const secret = fc
      .record({ key: bytes32, discoveryKey: bytes32 })
      .map((one) => ({ epoch: epochIdOf(one.key), ...one }));
    const content = fc.record({
      indexKey: bytes32,
      epochs: fc.array(secret, { minLength: 1, maxLength: 65 }),
    });
    fc.assert(
      fc.property(content, (secrets) => {
        const plaintext = encodeSecrets(secrets);
        const decoded = decodeSecrets(plaintext);
        plaintext.fill(0);
        // Cloned, because generated records have no prototype.
        deepEqual(decoded, structuredClone(secrets));
      }),
    );
  });

  it("U1: is no reason to fail, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (plaintext) => {
        equal(decodeSecrets(plaintext), undefined);
      }),
    );
  });
});
