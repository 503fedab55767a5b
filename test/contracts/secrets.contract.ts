/** What every Secrets must do: run by the key file, and by any other place for keys. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { DeviceId } from "../../src/core/base/ids.ts";
import type { DeviceSecrets, Secrets } from "../../src/core/sync/ports.ts";
import { assertRejectsWithCode } from "../support/assert-code.ts";

export interface SecretsUnderTest {
  /** Another program start: what was kept is read anew. */
  readonly open: () => Secrets;
  readonly cleanup: () => Promise<void>;
}

export function secretsOf(n: number, unseenPhrase: Uint8Array | null = null): DeviceSecrets {
  return {
    signSeed: new Uint8Array(32).fill(n),
    openSeed: new Uint8Array(32).fill(n + 1),
    account: new Uint8Array(32).fill(n + 2),
    device: String(n % 10).repeat(64) as DeviceId,
    unseenPhrase,
  };
}

export function describeSecrets(name: string, prepare: () => Promise<SecretsUnderTest>): void {
  describe(`${name} keeps Secrets`, () => {
    let tested: SecretsUnderTest;

    beforeEach(async () => {
      tested = await prepare();
    });

    afterEach(() => tested.cleanup());

    it("has nothing at first, and says so by a code", async () => {
      const secrets = tested.open();
      equal(await secrets.exists(), false);
      await assertRejectsWithCode(secrets.load(), "KEY_FILE_MISSING");
    });

    it("gives back what was saved, to a later start too, with the phrase and without", async () => {
      for (const saved of [secretsOf(1, new Uint8Array(32).fill(9)), secretsOf(2)]) {
        await tested.open().save(saved);
        equal(await tested.open().exists(), true);
        deepEqual(await tested.open().load(), saved);
      }
    });

    it("gives each caller bytes of its own", async () => {
      const secrets = tested.open();
      const saved = secretsOf(3, new Uint8Array(32).fill(9));
      await secrets.save(saved);
      (await secrets.load()).signSeed.fill(0);
      saved.openSeed.fill(0);
      deepEqual(await secrets.load(), secretsOf(3, new Uint8Array(32).fill(9)));
    });

    it("does overlapping calls in their order", async () => {
      const secrets = tested.open();
      const saves = [1, 2, 3, 4].map((n) => secrets.save(secretsOf(n)));
      const loaded = await secrets.load();
      await Promise.all(saves);
      deepEqual(loaded, secretsOf(4));
    });

    it("goes on after a call that failed", async () => {
      const secrets = tested.open();
      const failed = assertRejectsWithCode(secrets.load(), "KEY_FILE_MISSING");
      const saved = secrets.save(secretsOf(5));
      await Promise.all([failed, saved]);
      deepEqual(await secrets.load(), secretsOf(5));
    });

    it("has nothing after erase, which may come twice", async () => {
      const secrets = tested.open();
      await secrets.save(secretsOf(6));
      await secrets.erase();
      await secrets.erase();
      equal(await secrets.exists(), false);
      await assertRejectsWithCode(secrets.load(), "KEY_FILE_MISSING");
    });

    it("K2: says how the keys are protected", () => {
      ok(["none", "keyring", "passphrase"].includes(tested.open().protection()));
    });
  });
}
