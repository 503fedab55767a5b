/** Argon2id of src/core/crypto/async/password.ts, and the limits of its costs. */
import { equal, notEqual, rejects } from "node:assert/strict";
import { hex, utf8 } from "../../../src/core/base/bytes.ts";
import { passwordKey, passwordLimits } from "../../../src/core/crypto/async/password.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";

const cheapest = {
  password: utf8("correct horse battery staple"),
  salt: Uint8Array.from({ length: 16 }, (_, n) => n),
  opsLimit: passwordLimits.opsLimitMin,
  memLimit: passwordLimits.memLimitMin,
};

describe("the key of a passphrase", () => {
  it("is Argon2id's: version 1.3, one lane, 3 passes over 64 MiB", async () => {
    // Computed with @noble/hashes 2.4.0, which shares no code with libsodium.
    const expected = "0d1a3c6523c8f06e4e0af9c515aa5b5448cfebd6838f2d52c3d8b6ef8ddc3c2e";
    equal(hex(await passwordKey(cheapest)), expected);
  });

  it("differs with the passphrase, the salt and each cost", async () => {
    const keys = await Promise.all([
      passwordKey({ ...cheapest, password: utf8("correct horse battery stapler") }),
      passwordKey({ ...cheapest, salt: new Uint8Array(16) }),
      passwordKey({ ...cheapest, opsLimit: cheapest.opsLimit + 1 }),
      passwordKey({ ...cheapest, memLimit: cheapest.memLimit + 1024 * 1024 }),
    ]);
    const first = hex(await passwordKey(cheapest));
    for (const key of keys) notEqual(hex(key), first);
    equal(new Set(keys.map(hex)).size, 4);
  });

  it("K4: costs below the minimum and over the maximum are refused before any work", async () => {
    const { opsLimitMin, opsLimitMax, memLimitMin, memLimitMax } = passwordLimits;
    const before = performance.now();
    for (const opsLimit of [0, 1, opsLimitMin - 1, opsLimitMax + 1, 2 ** 40, 3.5, Number.NaN]) {
      await assertRejectsWithCode(passwordKey({ ...cheapest, opsLimit }), "CRYPTO_KEY_INVALID");
    }
    for (const memLimit of [0, 8192, memLimitMin - 1, memLimitMax + 1, 2 ** 40, Number.NaN]) {
      await assertRejectsWithCode(passwordKey({ ...cheapest, memLimit }), "CRYPTO_KEY_INVALID");
    }
    equal(performance.now() - before < 50, true);
  });

  it("K9: a salt of another length and an empty passphrase are refused", async () => {
    for (const size of [0, 8, 15, 17]) {
      await assertRejectsWithCode(
        passwordKey({ ...cheapest, salt: new Uint8Array(size) }),
        "CRYPTO_KEY_INVALID",
      );
    }
    await rejects(passwordKey({ ...cheapest, password: new Uint8Array(0) }), /invariant broken/);
  });
});
