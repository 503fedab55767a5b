/** Settings of this device alone: sealed where they lie, one after the other, and unchanged by what could not be written. */
import { deepEqual, equal } from "node:assert/strict";
import { EntryOpener } from "../../../src/app/node/entry-opener.ts";
import { Settings } from "../../../src/app/node/settings.ts";
import { SettingsReader } from "../../../src/app/node/settings-reader.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { TestDevice } from "../../support/replicas.ts";

const HERE = { scope: "device" } as const;

const settingsOf = (replica: Replica): Settings =>
  new Settings(replica, new SettingsReader(replica, new EntryOpener(replica)));

describe("Settings of a device", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
  });

  it("K1: lie sealed in the store, and are known again after a restart", async () => {
    await settingsOf(laptop.replica).set("greeting", "good morning", HERE);
    const stored = [...laptop.disk.state.meta.values()].map((value) => Buffer.from(value));
    for (const text of ["greeting", "good morning"])
      equal(
        stored.some((value) => value.includes(text)),
        false,
      );
    const settings = settingsOf(await laptop.restart());
    deepEqual(await settings.list(HERE), [{ name: "greeting", value: "good morning", scope: "device" }]);
  });

  it("are all kept where many are set at once", async () => {
    const settings = settingsOf(laptop.replica);
    const names = ["a", "b", "c"];
    deepEqual(
      await Promise.all(names.map((name) => settings.set(name, `${name} is set`, HERE))),
      names.map(() => ({ done: 1 })),
    );
    const again = settingsOf(await laptop.restart());
    deepEqual(
      (await again.list(HERE)).map(({ name }) => name),
      names,
    );
  });

  it("stay what they were where the disk takes nothing, and can be set again once it does", async () => {
    const settings = settingsOf(laptop.replica);
    await settings.set("theme", "dark", HERE);
    laptop.disk.setFull(true);
    await assertRejectsWithCode(settings.set("theme", "light", HERE), "DISK_FULL");
    laptop.disk.setFull(false);
    clock.advance(5_000);
    await settle();
    await settle();
    equal(await settings.get("theme", HERE), "dark");
    deepEqual(await settings.set("theme", "light", HERE), { done: 1 });
    equal(await settingsOf(await laptop.restart()).get("theme", HERE), "light");
  });

  it("that cannot be read are none", async () => {
    laptop.disk.state.meta.set("settings", Uint8Array.of(1, 2, 3));
    const settings = settingsOf(await laptop.restart());
    deepEqual(await settings.list(HERE), []);
    deepEqual(await settings.set("theme", "dark", HERE), { done: 1 });
  });
});
