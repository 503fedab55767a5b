/** Padmé of src/core/crypto/seal.ts. */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { concat, utf8 } from "../../../src/core/base/bytes.ts";
import { open, pad, padmeSize, seal, SEAL_OVERHEAD_BYTES, unpad } from "../../../src/core/crypto/seal.ts";

/** The paper's definition with the operators of big integers: slow and obvious. */
function referenceSize(size: number): number {
  if (size < 2) return size;
  const value = BigInt(size);
  const exponent = BigInt(value.toString(2).length - 1);
  const bits = BigInt(exponent.toString(2).length);
  const mask = (1n << (exponent - bits)) - 1n;
  return Number((value + mask) & ~mask);
}

describe("padding", () => {
  it("has the sizes of the paper's definition", () => {
    for (let size = 0; size <= 300_000; size++) equal(padmeSize(size), referenceSize(size));
    for (let exponent = 18; exponent < 52; exponent++) {
      for (const near of [-1, 0, 1]) {
        const size = 2 ** exponent + near;
        equal(padmeSize(size), referenceSize(size), `2^${exponent} + ${near}`);
      }
    }
    deepEqual([9, 17, 100, 200, 1000, 1_000_000].map(padmeSize), [10, 18, 104, 208, 1024, 1_015_808]);
  });

  it("K11: costs at most 12 %, and leaves few sizes to tell apart", () => {
    const sizes = new Set<number>();
    for (let size = 1; size <= 262_144; size++) {
      const padded = padmeSize(size);
      ok(padded >= size && (padded - size) * 100 <= size * 12, `${size}`);
      sizes.add(padded);
    }
    equal(sizes.size, 236);
  });

  it("refuses sizes that are no sizes", () => {
    for (const size of [-1, 1.5, Number.NaN, Infinity, 2 ** 52]) {
      throws(() => padmeSize(size), /invariant broken/);
    }
  });

  it("gives back what was padded, of any size", () => {
    const sizes = [0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 262_144];
    for (const size of sizes) {
      const plaintext = new Uint8Array(size).fill(0xab);
      const padded = pad(plaintext);
      equal(padded.length, padmeSize(padded.length));
      deepEqual(unpad(padded)?.slice(), plaintext);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (plaintext) => {
        deepEqual(unpad(pad(plaintext))?.slice(), plaintext);
      }),
    );
  });

  it("K11: all messages of one bucket seal to one size", () => {
    const seals = (size: number): number =>
      seal({
        key: new Uint8Array(32),
        nonce: new Uint8Array(24),
        plaintext: pad(new Uint8Array(size)),
        associated: new Uint8Array(0),
      }).length;
    // Two bytes hold the length, so 193 to 208 bytes are padded, each to the next multiple of 16.
    deepEqual(
      [190, 191, 192, 199, 206, 207].map((size) => seals(size) - SEAL_OVERHEAD_BYTES),
      [192, 208, 208, 208, 208, 224],
    );
  });

  it("survives sealing and opening together", () => {
    const key = new Uint8Array(32).fill(1);
    const associated = utf8("place");
    const sealed = seal({ key, nonce: new Uint8Array(24), plaintext: pad(utf8("text")), associated });
    deepEqual(unpad(open({ key, sealed, associated })!)?.slice(), utf8("text"));
  });

  it("takes nothing off that it would not have put on", () => {
    const good = pad(new Uint8Array(130).fill(7));
    const dirty = good.slice();
    dirty[dirty.length - 1] = 1;
    const bad: Readonly<Record<string, Uint8Array>> = {
      empty: new Uint8Array(0),
      "a byte of the padding is set": dirty,
      "one zero more": concat(good, Uint8Array.of(0)),
      "one zero less": good.subarray(0, good.length - 1),
      "a length over what follows": Uint8Array.of(5, 1, 2),
      "a length over everything": Uint8Array.of(200, 1, 2),
      "a length in a longer form": Uint8Array.of(0x81, 0x00, 7),
      "a length that does not end": Uint8Array.of(0x80, 0x80),
      "a length beyond all numbers": new Uint8Array(16).fill(0xff),
    };
    for (const [name, bytes] of Object.entries(bad)) equal(unpad(bytes), undefined, name);
  });

  it("U1: any bytes unpad to nothing or to what pads to them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const plaintext = unpad(bytes);
        if (plaintext !== undefined) deepEqual(pad(plaintext).slice(), bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
