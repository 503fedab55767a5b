/**
 * HPKE of src/core/crypto/async/wrap.ts: RFC 9180's keys, a second implementation of the suite, and every X25519 vector of
 * Wycheproof through `unwrap` itself.
 */
import { deepEqual, equal, notDeepEqual, rejects, throws } from "node:assert/strict";
import { concat, hex, hexToBytes, utf8 } from "../../../src/core/base/bytes.ts";
import { createOpenKey, unwrap, wrap, WRAP_OVERHEAD_BYTES } from "../../../src/core/crypto/async/wrap.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import {
  aes128,
  aes256,
  kemSecret,
  keySchedule,
  publicKeyOf,
  sealFirst,
  x25519,
} from "../../support/reference-hpke.ts";
import { byFlag, readVectors, readWycheproof, type WycheproofVector } from "../../support/wycheproof.ts";

interface XdhVector extends WycheproofVector {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

const rfc = readVectors<Readonly<Record<string, string>>>("hpke/rfc9180-a1-1.json");
const of = (name: string): Uint8Array => hexToBytes(rfc[name]!);
const nothing = new Uint8Array(0);

const info = utf8("where the wrap belongs");
const secret = utf8("an epoch's key and more");
const ekm = new Uint8Array(32).fill(4);

describe("the second implementation of HPKE", () => {
  it("agrees with every value of RFC 9180, appendix A.1.1", () => {
    const dh = x25519(of("skEm"), of("pkRm"));
    const shared = kemSecret({ dh, enc: of("enc"), recipientPublicKey: of("pkRm") });
    equal(hex(shared), rfc["shared_secret"]);
    const schedule = keySchedule(aes128, shared, of("info"));
    equal(hex(schedule.key), rfc["key"]);
    equal(hex(schedule.nonce), rfc["base_nonce"]);
    const message = { suite: aes128, secret: shared, info: of("info"), aad: of("aad"), plaintext: of("pt") };
    equal(hex(sealFirst(message)), rfc["ct"]);
  });
});

describe("wrapping", () => {
  it("derives RFC 9180's keys of their seeds, the recipient's and the one time key", async () => {
    const recipient = await createOpenKey(of("ikmR"));
    equal(hex(recipient.publicKey), rfc["pkRm"]);
    equal(hex(recipient.secretKey), rfc["skRm"]);
    const wrapped = await wrap({
      recipientPublicKey: recipient.publicKey,
      info: of("info"),
      plaintext: of("pt"),
      ekm: of("ikmE"),
    });
    equal(hex(wrapped.subarray(0, 32)), rfc["enc"]);
  });

  it("makes, byte for byte, what the second implementation makes", async () => {
    const wrapped = await wrap({
      recipientPublicKey: of("pkRm"),
      info: of("info"),
      plaintext: of("pt"),
      ekm: of("ikmE"),
    });
    const dh = x25519(of("skEm"), of("pkRm"));
    const shared = kemSecret({ dh, enc: of("pkEm"), recipientPublicKey: of("pkRm") });
    const message = { suite: aes256, secret: shared, info: of("info"), aad: nothing, plaintext: of("pt") };
    equal(hex(wrapped), hex(concat(of("pkEm"), sealFirst(message))));
  });

  it("opens for the recipient, of any size", async () => {
    const key = await createOpenKey(new Uint8Array(32).fill(1));
    for (const size of [0, 1, 32, 1_000, 8_000]) {
      const plaintext = new Uint8Array(size).fill(size % 256);
      const sealed = await wrap({ recipientPublicKey: key.publicKey, info, plaintext, ekm });
      equal(sealed.length, size + WRAP_OVERHEAD_BYTES);
      deepEqual(await unwrap({ secretKey: key.secretKey, info, sealed }), plaintext);
    }
  });

  it("C10: opens for nobody else, in no other place, and not after a change", async () => {
    const key = await createOpenKey(new Uint8Array(32).fill(1));
    const other = await createOpenKey(new Uint8Array(32).fill(2));
    const sealed = await wrap({ recipientPublicKey: key.publicKey, info, plaintext: secret, ekm });
    const { secretKey } = key;
    equal(await unwrap({ secretKey: other.secretKey, info, sealed }), undefined);
    equal(await unwrap({ secretKey, info: utf8("elsewhere"), sealed }), undefined);
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice();
      changed[at]! ^= 0x40;
      equal(await unwrap({ secretKey, info, sealed: changed }), undefined, `byte ${at}`);
    }
    for (const size of [0, 31, 32, 47, sealed.length - 1]) {
      equal(await unwrap({ secretKey, info, sealed: sealed.subarray(0, size) }), undefined, `${size} bytes`);
    }
  });

  it("uses its randomness: another makes another wrap of the same secret, the same makes the same", async () => {
    const { publicKey } = await createOpenKey(new Uint8Array(32).fill(1));
    const make = (random: Uint8Array): Promise<Uint8Array> =>
      wrap({ recipientPublicKey: publicKey, info, plaintext: secret, ekm: random });
    deepEqual(await make(ekm), await make(ekm.slice()));
    notDeepEqual(await make(ekm), await make(new Uint8Array(32).fill(5)));
  });

  it("K9: keys, seeds and randomness of a wrong length are refused", async () => {
    const { publicKey } = await createOpenKey(new Uint8Array(32).fill(1));
    for (const size of [0, 31, 33]) {
      const wrong = new Uint8Array(size);
      await assertRejectsWithCode(createOpenKey(wrong), "CRYPTO_KEY_INVALID");
      const input = { recipientPublicKey: wrong, info, plaintext: secret, ekm };
      await assertRejectsWithCode(wrap(input), "CRYPTO_KEY_INVALID");
      await assertRejectsWithCode(
        unwrap({ secretKey: wrong, info, sealed: new Uint8Array(64) }),
        "CRYPTO_KEY_INVALID",
      );
      await rejects(wrap({ ...input, recipientPublicKey: publicKey, ekm: wrong }), /invariant broken/);
    }
  });
});

describe("X25519 in wraps, Wycheproof", () => {
  const all = readWycheproof<object, XdhVector>("x25519_test");
  const ZERO = "00".repeat(32);
  const isZero = ({ vector }: { readonly vector: XdhVector }): boolean => vector.shared === ZERO;

  it("has 518 vectors, 31 of them with a shared secret of zero", () => {
    equal(all.length, 518);
    equal(all.filter(isZero).length, 31);
    deepEqual(Object.fromEntries([...byFlag(all)].map(([flag, items]) => [flag, items.length])), {
      Normal: 1,
      Twist: 31,
      SpecialPublicKey: 29,
      LowOrderPublic: 20,
      EdgeCaseShared: 14,
      NonCanonicalPublic: 13,
      EdgeCasePrivateKey: 7,
      SmallPublicKey: 6,
      EdgeCaseMultiplication: 394,
      Ktv: 3,
    });
  });

  for (const [flag, items] of byFlag(all)) {
    const good = items.filter((item) => !isZero(item));
    if (good.length === 0) continue;
    it(`${flag}: ${good.length} shared secrets, valid and acceptable, open a wrap made with them`, async () => {
      for (const { vector } of good) {
        const sealed = sealedWith(vector);
        const opened = await unwrap({ secretKey: hexToBytes(vector.private), info, sealed });
        deepEqual(opened, secret, `vector ${vector.tcId}: ${vector.comment}`);
      }
    });
  }

  it("K9: 31 shared secrets of zero open nothing, though the wrap is made with zero too", async () => {
    const zero = all.filter(isZero);
    equal(zero.length, 31);
    for (const { vector } of zero) {
      const opened = await unwrap({
        secretKey: hexToBytes(vector.private),
        info,
        sealed: sealedWith(vector),
      });
      equal(opened, undefined, `vector ${vector.tcId}: ${vector.comment}`);
    }
  });

  it("K9: none of their public keys is wrapped for", async () => {
    const keys = new Set(all.filter(isZero).map(({ vector }) => vector.public));
    for (const key of keys) {
      const input = { recipientPublicKey: hexToBytes(key), info, plaintext: secret, ekm };
      await assertRejectsWithCode(wrap(input), "CRYPTO_KEY_INVALID");
      throws(() => x25519(ekm, hexToBytes(key)));
    }
  });

  /** What somebody sends who used the vector's public key as the one time key. */
  function sealedWith(vector: XdhVector): Uint8Array {
    const enc = hexToBytes(vector.public);
    const recipientPublicKey = publicKeyOf(hexToBytes(vector.private));
    const shared = kemSecret({ dh: hexToBytes(vector.shared), enc, recipientPublicKey });
    return concat(enc, sealFirst({ suite: aes256, secret: shared, info, aad: nothing, plaintext: secret }));
  }
});
