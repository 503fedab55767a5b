/** XChaCha20-Poly1305 of src/core/crypto/seal.ts: Wycheproof, changed bytes, and a ciphertext for two keys. */
import { deepEqual, equal, notEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { concat, hex, hexToBytes, utf8 } from "../../../src/core/base/bytes.ts";
import type { AccountId, LogId } from "../../../src/core/base/ids.ts";
import { idBytes } from "../../../src/core/base/ids.ts";
import { entryAssociated, epochIdOf } from "../../../src/core/crypto/derive.ts";
import { open, seal, SEAL_OVERHEAD_BYTES } from "../../../src/core/crypto/seal.ts";
import { assertCode } from "../../support/assert-code.ts";
import { craftForTwoKeys } from "../../support/two-key-ciphertext.ts";
import { byFlag, readWycheproof, type WycheproofVector } from "../../support/wycheproof.ts";

interface AeadVector extends WycheproofVector {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}

const key = new Uint8Array(32).fill(1);
const nonce = new Uint8Array(24).fill(2);
const associated = utf8("where it belongs");

describe("sealing", () => {
  it("opens to what was sealed, of any size, and hides it", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3000 }),
        fc.uint8Array({ maxLength: 300 }),
        (plaintext, bound) => {
          const sealed = seal({ key, nonce, plaintext, associated: bound });
          equal(sealed.length, plaintext.length + SEAL_OVERHEAD_BYTES);
          deepEqual(sealed.slice(0, 24), nonce);
          deepEqual(open({ key, sealed, associated: bound })?.slice(), plaintext);
        },
      ),
    );
  });

  it("opens nothing that differs in a bit, is cut, or is longer", () => {
    const sealed = seal({ key, nonce, plaintext: utf8("text"), associated });
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[Math.floor(bit / 8)]! ^= 1 << (bit % 8);
      equal(open({ key, sealed: changed, associated }), undefined, `bit ${bit}`);
    }
    equal(open({ key, sealed: concat(sealed, Uint8Array.of(0)), associated }), undefined);
  });

  it("K9: a tag that was cut short never opens", () => {
    const sealed = seal({ key, nonce, plaintext: utf8("text"), associated });
    for (let size = 0; size < sealed.length; size++) {
      equal(open({ key, sealed: sealed.subarray(0, size), associated }), undefined, `${size} bytes`);
    }
  });

  it("C5: opens under its own key and its own associated bytes only", () => {
    const sealed = seal({ key, nonce, plaintext: utf8("text"), associated });
    equal(open({ key: new Uint8Array(32).fill(3), sealed, associated }), undefined);
    equal(open({ key, sealed, associated: utf8("where it belongS") }), undefined);
    equal(open({ key, sealed, associated: new Uint8Array(0) }), undefined);
  });

  it("K9: keys and nonces of a wrong length are refused", () => {
    const plaintext = utf8("text");
    const sealed = seal({ key, nonce, plaintext, associated });
    for (const size of [0, 16, 31, 33, 64]) {
      const wrong = new Uint8Array(size);
      assertCode(() => seal({ key: wrong, nonce, plaintext, associated }), "CRYPTO_KEY_INVALID");
      assertCode(() => open({ key: wrong, sealed, associated }), "CRYPTO_KEY_INVALID");
    }
    for (const size of [0, 8, 12, 23, 25]) {
      throws(() => seal({ key, nonce: new Uint8Array(size), plaintext, associated }), /invariant broken/);
    }
  });

  it("K8: a ciphertext made for two keys opens under both, so the key is found by the epoch's id and by nothing else", () => {
    const account = "aa".repeat(32) as AccountId;
    const log = "bb".repeat(32) as LogId;
    const otherKey = new Uint8Array(32).fill(9);
    const bound = (epochKey: Uint8Array): Uint8Array => {
      const header = concat(Uint8Array.of(1, 0), idBytes(epochIdOf(epochKey)), new Uint8Array(6));
      return entryAssociated({ account, log, position: 5, headerWithoutHash: header });
    };
    const sealed = craftForTwoKeys(key, otherKey, bound(key));

    // The cipher alone does not commit to a key.
    const first = open({ key, sealed, associated: bound(key) });
    const second = open({ key: otherKey, sealed, associated: bound(key) });
    equal(first?.length, 32);
    equal(second?.length, 32);
    notEqual(hex(first), hex(second));

    // The header, which the leaf commits to, names one key; whoever holds the other one knows it under another id.
    notEqual(epochIdOf(key), epochIdOf(otherKey));
    const ring = new Map([[epochIdOf(otherKey), otherKey]]);
    equal(ring.get(epochIdOf(key)), undefined);
    equal(open({ key: otherKey, sealed, associated: bound(otherKey) }), undefined);
  });
});

describe("XChaCha20-Poly1305, Wycheproof", () => {
  const all = readWycheproof<object, AeadVector>("xchacha20_poly1305_test");
  const counts = {
    Ktv: 1,
    Pseudorandom: 120,
    EdgeCaseCiphertext: 24,
    EdgeCasePolyKey: 10,
    EdgeCasePoly1305: 84,
    EdgeCaseTag: 7,
    ModifiedTag: 60,
    InvalidNonceSize: 9,
  };

  it("has 315 vectors in the families below", () => {
    equal(all.length, 315);
    deepEqual(Object.fromEntries([...byFlag(all)].map(([flag, items]) => [flag, items.length])), counts);
  });

  for (const [flag, items] of byFlag(all)) {
    it(`K9: ${flag}: ${items.length} vectors get their verdict`, () => {
      for (const { vector } of items) check(vector);
    });
  }

  function check(vector: AeadVector): void {
    const sealed = hexToBytes(vector.iv + vector.ct + vector.tag);
    const bound = hexToBytes(vector.aad);
    const vectorKey = hexToBytes(vector.key);
    const opened = open({ key: vectorKey, sealed, associated: bound });
    const remake = (): Uint8Array =>
      seal({
        key: vectorKey,
        nonce: hexToBytes(vector.iv),
        plaintext: hexToBytes(vector.msg),
        associated: bound,
      });
    if (vector.result === "valid") {
      equal(hex(opened!), vector.msg, `vector ${vector.tcId}`);
      equal(hex(remake()), hex(sealed), `vector ${vector.tcId}`);
      return;
    }
    equal(opened, undefined, `vector ${vector.tcId}`);
    if (vector.flags.includes("InvalidNonceSize"))
      throws(remake, /invariant broken/, `vector ${vector.tcId}`);
  }
});
