/** The bytes of the key file: vectors made without src, and what random damage does. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { type ErrorCode, isEngineError } from "../../../src/core/base/errors.ts";
import type { DeviceId } from "../../../src/core/base/ids.ts";
import type { DeviceSecrets } from "../../../src/core/sync/ports.ts";
import { decodeKeyFile, encodeKeyFile } from "../../../src/io/secrets/key-file-format.ts";
import { assertCode } from "../../support/assert-code.ts";
import { readVectors } from "../../support/wycheproof.ts";

const vectors = readVectors<{
  readonly secrets: Readonly<Record<"signSeed" | "openSeed" | "account" | "device", string>>;
  readonly cases: readonly {
    readonly comment: string;
    readonly file: string;
    readonly expect: "accept" | ErrorCode;
    readonly unseenPhrase?: string | null;
  }[];
}>("key-file/key-files.json");

function expected(unseenPhrase: string | null | undefined): DeviceSecrets {
  return {
    signSeed: hexToBytes(vectors.secrets.signSeed),
    openSeed: hexToBytes(vectors.secrets.openSeed),
    account: hexToBytes(vectors.secrets.account),
    device: vectors.secrets.device as DeviceId,
    unseenPhrase: typeof unseenPhrase === "string" ? hexToBytes(unseenPhrase) : null,
  };
}

describe("the format of the key file", () => {
  for (const { comment, file, expect, unseenPhrase } of vectors.cases) {
    it(`${expect === "accept" ? "takes" : "refuses"}: ${comment}`, () => {
      if (expect !== "accept") {
        assertCode(() => decodeKeyFile(hexToBytes(file)), expect);
        return;
      }
      deepEqual(decodeKeyFile(hexToBytes(file)), expected(unseenPhrase));
      equal(hex(encodeKeyFile(expected(unseenPhrase))), file);
    });
  }

  it("has an example in the specification that is one of the vectors", () => {
    equal(
      vectors.cases[1]?.file.slice(-64),
      "8a96fdeca6a8b0a1b86887c1388750d4fbdc28cafc7bd6b4735ae802487b2a9f",
    );
  });

  it("gives back whatever secrets it was given", () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const anySecrets = fc.record({
      signSeed: bytes32,
      openSeed: bytes32,
      account: bytes32,
      device: bytes32.map((bytes) => hex(bytes) as DeviceId),
      unseenPhrase: fc.option(bytes32),
    });
    fc.assert(
      fc.property(anySecrets, (secrets) => deepEqual(decodeKeyFile(encodeKeyFile(secrets)), { ...secrets })),
    );
  });

  it("U1: answers any bytes with secrets or one of two codes", () => {
    const file = hexToBytes(vectors.cases[1]!.file);
    const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    const damaged = damage.map((places) => {
      const bytes = file.slice();
      for (const [at, value] of places) bytes[at] = value;
      return bytes;
    });
    const anything = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged);
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          equal(hex(encodeKeyFile(decodeKeyFile(bytes))), hex(bytes));
        } catch (error) {
          return isEngineError(error, "KEY_FILE_DAMAGED") || isEngineError(error, "STORE_NEWER_VERSION");
        }
        return true;
      }),
      { numRuns: 2_000 },
    );
  });
});
