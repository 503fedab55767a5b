/** Ed25519 of src/core/crypto/sign.ts: RFC 8032, Wycheproof, and keys that would sign for everybody. */
import { deepEqual, equal, notDeepEqual } from "node:assert/strict";
import { concat, hex, hexToBytes, utf8 } from "../../../src/core/base/bytes.ts";
import { createSigningKey, sign, verify } from "../../../src/core/crypto/sign.ts";
import { assertCode } from "../../support/assert-code.ts";
import { byFlag, readWycheproof, type WycheproofVector } from "../../support/wycheproof.ts";

interface SignatureVector extends WycheproofVector {
  readonly msg: string;
  readonly sig: string;
}

interface SignatureGroup {
  readonly publicKey: { readonly pk: string };
}

/** RFC 8032, section 7.1: seed, public key, message, signature. */
const rfc8032 = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
] as const;

/** The eight points of order 1, 2, 4 and 8, and encodings of them that are not canonical. */
const smallOrderKeys = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/** The curve's base point, encoded, and the scalar 1: what a key of small order accepts from whoever checks no more than the equation. */
const BASE_POINT = "5866666666666666666666666666666666666666666666666666666666666666";
const ONE = "0100000000000000000000000000000000000000000000000000000000000000";

describe("Ed25519", () => {
  it("makes RFC 8032's keys and signatures", () => {
    for (const [seed, publicKey, message, signature] of rfc8032) {
      const key = createSigningKey(hexToBytes(seed));
      equal(hex(key.publicKey), publicKey);
      equal(hex(sign(key, hexToBytes(message))), signature);
      equal(verify(key.publicKey, hexToBytes(message), hexToBytes(signature)), true);
    }
  });

  it("verifies what it signed, and nothing that differs in a bit", () => {
    const key = createSigningKey(new Uint8Array(32).fill(7));
    const message = utf8("what is signed");
    const signature = sign(key, message);
    equal(verify(key.publicKey, message, signature), true);
    for (let bit = 0; bit < 512; bit++) {
      const changed = signature.slice();
      changed[Math.floor(bit / 8)]! ^= 1 << (bit % 8);
      equal(verify(key.publicKey, message, changed), false, `bit ${bit}`);
    }
    equal(verify(key.publicKey, utf8("what is Signed"), signature), false);
    equal(verify(createSigningKey(new Uint8Array(32).fill(8)).publicKey, message, signature), false);
  });

  it("signs views into larger memory as what they show", () => {
    const whole = new Uint8Array(200).fill(9);
    const key = createSigningKey(whole.subarray(50, 82));
    const signature = concat(new Uint8Array(3), sign(key, whole.subarray(100, 150)));
    equal(verify(key.publicKey, new Uint8Array(50).fill(9), signature.subarray(3)), true);
  });

  it("gives the same key for the same seed and another for another", () => {
    const seed = new Uint8Array(32).fill(1);
    deepEqual(createSigningKey(seed), createSigningKey(seed.slice()));
    notDeepEqual(createSigningKey(seed), createSigningKey(new Uint8Array(32)));
  });

  it("K9: seeds, keys and signatures of a wrong length are refused", () => {
    const key = createSigningKey(new Uint8Array(32));
    const message = utf8("text");
    const signature = sign(key, message);
    assertCode(() => createSigningKey(new Uint8Array(31)), "CRYPTO_KEY_INVALID");
    assertCode(() => createSigningKey(new Uint8Array(64)), "CRYPTO_KEY_INVALID");
    assertCode(() => sign({ ...key, secretKey: new Uint8Array(32) }, message), "CRYPTO_KEY_INVALID");
    equal(verify(key.publicKey.subarray(1), message, signature), false);
    equal(verify(new Uint8Array(0), message, signature), false);
    equal(verify(key.publicKey, message, signature.subarray(0, 63)), false);
    equal(verify(key.publicKey, message, concat(signature, Uint8Array.of(0))), false);
    equal(verify(key.publicKey, message, new Uint8Array(0)), false);
  });

  it(`K9: none of ${smallOrderKeys.length} keys of small order verifies anything`, () => {
    equal(new Set(smallOrderKeys).size, 14);
    for (const key of smallOrderKeys) {
      for (let n = 0; n < 32; n++) {
        // For the point of order 1 this satisfies the equation for every message, for one of order 8 for every eighth.
        equal(verify(hexToBytes(key), Uint8Array.of(n), hexToBytes(BASE_POINT + ONE)), false, key);
        equal(verify(hexToBytes(key), Uint8Array.of(n), hexToBytes(ONE + "00".repeat(32))), false, key);
      }
    }
  });

  it("K9: a signature whose first half is of small order is refused, though the equation holds", () => {
    // The signer itself can make it, with the nonce 0: it would tell the secret key to whoever sees it.
    const { publicKey } = createSigningKey(new Uint8Array(32).fill(7));
    const signature =
      "0100000000000000000000000000000000000000000000000000000000000000a0000a78db7a82c4c93e9993fa593de3ae8f9c2be437041e83562bebd74d4907";
    equal(verify(publicKey, utf8("m"), hexToBytes(signature)), false);
  });

  it("K9: a key that is not in its canonical form verifies nothing", () => {
    // y = p + 3 and so on: the same points as y = 3 and so on, written a second way.
    for (let low = 0xed; low <= 0xff; low++) {
      const key = hexToBytes(`${low.toString(16)}${"ff".repeat(30)}7f`);
      equal(verify(key, utf8("text"), hexToBytes(BASE_POINT + ONE)), false);
    }
  });
});

describe("Ed25519, Wycheproof", () => {
  const all = readWycheproof<SignatureGroup, SignatureVector>("ed25519_test");
  const counts = {
    Valid: 18,
    TruncatedSignature: 3,
    InvalidEncoding: 22,
    InvalidSignature: 20,
    SignatureWithGarbage: 5,
    InvalidKtv: 1,
    Ktv: 38,
    CompressedSignature: 4,
    SignatureMalleability: 8,
    TinkOverflow: 32,
  };

  it("has 151 vectors in the families below", () => {
    equal(all.length, 151);
    deepEqual(Object.fromEntries([...byFlag(all)].map(([flag, items]) => [flag, items.length])), counts);
  });

  for (const [flag, items] of byFlag(all)) {
    it(`K9: ${flag}: ${items.length} signatures get their verdict`, () => {
      for (const { group, vector } of items) {
        const key = hexToBytes(group.publicKey.pk);
        const verdict = verify(key, hexToBytes(vector.msg), hexToBytes(vector.sig));
        equal(verdict, vector.result === "valid", `vector ${vector.tcId}: ${vector.comment}`);
      }
    });
  }
});
