/** SHA-256, HMAC, HKDF and the comparison of src/core/crypto/hash.ts. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { concat, hex, hexToBytes, utf8 } from "../../../src/core/base/bytes.ts";
import {
  constantTimeEqual,
  hashLabelled,
  hkdfSha256,
  hmacSha256,
  sha256,
  sha256Into,
} from "../../../src/core/crypto/hash.ts";
import { labelled, labels } from "../../../src/core/crypto/labels.ts";
import { byFlag, readWycheproof, type WycheproofVector } from "../../support/wycheproof.ts";

interface HkdfVector extends WycheproofVector {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}

describe("SHA-256", () => {
  it("gives the published values of nothing, abc and a million times a", () => {
    equal(hex(sha256()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    equal(hex(sha256(utf8("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const million = utf8("a".repeat(1_000_000));
    equal(hex(sha256(million)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });

  it("joins its parts, however they are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 6 }), (parts) => {
        const expected = createHash("sha256").update(Buffer.concat(parts)).digest("hex");
        equal(hex(sha256(...parts)), expected);
      }),
    );
  });

  it("joins parts of any size", () => {
    for (const size of [500, 512, 513, 5_000, 300_000]) {
      const parts = [new Uint8Array(size).fill(1), new Uint8Array(size).fill(2)];
      deepEqual(sha256(...parts), sha256(concat(...parts)), `${size}`);
    }
  });

  it("hands out a plain Uint8Array with memory of its own", () => {
    const first = sha256(utf8("first"));
    const copy = first.slice();
    sha256(utf8("second"), utf8("third"));
    equal(Object.getPrototypeOf(first), Uint8Array.prototype);
    equal(first.buffer.byteLength, 32);
    deepEqual(first, copy);
  });

  it("writes into a tile, also over its own input, and refuses to write past the end", () => {
    const tile = new Uint8Array(96).fill(0xee);
    sha256Into(tile, 32, utf8("abc"));
    deepEqual(
      tile,
      concat(new Uint8Array(32).fill(0xee), sha256(utf8("abc")), new Uint8Array(32).fill(0xee)),
    );
    const expected = sha256(tile.subarray(0, 64));
    sha256Into(tile, 0, tile.subarray(0, 64));
    deepEqual(tile.slice(0, 32), expected);
    throws(() => sha256Into(tile, 65, utf8("abc")), /invariant broken/);
    throws(() => sha256Into(tile, -1, utf8("abc")), /invariant broken/);
  });

  it("under a label is the hash of the labelled parts", () => {
    const parts = [utf8("a"), utf8("b")];
    deepEqual(hashLabelled(labels.head, ...parts), sha256(labelled(labels.head, ...parts)));
  });
});

describe("HMAC-SHA-256", () => {
  it("gives RFC 4231's values, with a key longer than a block among them", () => {
    const short = hmacSha256(utf8("Jefe"), utf8("what do ya want "), utf8("for nothing?"));
    equal(hex(short), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    const text = utf8("Test Using Larger Than Block-Size Key - Hash Key First");
    const long = hmacSha256(new Uint8Array(131).fill(0xaa), text);
    equal(hex(long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  });

  it("joins its parts, however they are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.uint8Array(), { maxLength: 4 }), (key, parts) => {
        const expected = createHmac("sha256", key).update(Buffer.concat(parts)).digest("hex");
        equal(hex(hmacSha256(key, ...parts)), expected);
      }),
    );
  });
});

describe("HKDF-SHA-256, Wycheproof", () => {
  const all = readWycheproof<object, HkdfVector>("hkdf_sha256_test");
  const counts = {
    none: 2,
    EmptySalt: 1,
    Normal: 66,
    MaximalOutputSize: 3,
    SizeTooLarge: 3,
    OutputCollision: 11,
  };

  const derive = (vector: HkdfVector): string =>
    hex(
      hkdfSha256({
        secret: hexToBytes(vector.ikm),
        salt: hexToBytes(vector.salt),
        info: hexToBytes(vector.info),
        size: vector.size,
      }),
    );

  it("has 86 vectors in the families below", () => {
    equal(all.length, 86);
    deepEqual(Object.fromEntries([...byFlag(all)].map(([flag, items]) => [flag, items.length])), counts);
  });

  for (const [flag, items] of byFlag(all)) {
    it(`${flag}: ${items.length} vectors get their verdict`, () => {
      for (const { vector } of items) {
        if (vector.result === "valid") equal(derive(vector), vector.okm, `vector ${vector.tcId}`);
        else throws(() => derive(vector), /invariant broken/, `vector ${vector.tcId}`);
      }
    });
  }
});

describe("comparison in constant time", () => {
  it("U15: is true for the same bytes only, and false for another length", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    equal(constantTimeEqual(bytes, bytes.slice()), true);
    equal(constantTimeEqual(bytes, Uint8Array.of(1, 2, 4)), false);
    equal(constantTimeEqual(bytes, Uint8Array.of(1, 2)), false);
    equal(constantTimeEqual(new Uint8Array(0), new Uint8Array(0)), true);
  });
});
