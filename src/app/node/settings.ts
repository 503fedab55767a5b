/**
 * Settings of the account, which are operations like any other, and of this device, which never leave it: they are a small value in the
 * store, sealed. Tests: test/integration/app/inbox.test.ts, test/unit/app/settings.test.ts.
 */
import type { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { EngineError } from "../../core/base/errors.ts";
import { idBytes } from "../../core/base/ids.ts";
import { labelled, labels } from "../../core/crypto/labels.ts";
import { validateSetting } from "../../core/inbox/address.ts";
import { SETTING_NAME_BYTES_MAX, SETTING_VALUE_BYTES_MAX } from "../../core/inbox/types.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";
import { tolerant } from "./peer-memory-codec.ts";
import { openValue, sealValue } from "./sealed-value.ts";
import type { SettingsReader } from "./settings-reader.ts";
import { freshDraft } from "./fresh-draft.ts";
import type { KinlogNode, Setting, SettingScope } from "./types.ts";

type NodeSettings = KinlogNode["settings"];
interface Scoped {
  readonly scope?: SettingScope;
}

/** Of one device: they are read and written as a whole. */
const DEVICE_SETTINGS_MAX = 1_000;

export class Settings implements NodeSettings {
  readonly #replica: Replica;
  readonly #reader: SettingsReader;
  #ofDevice: ReadonlyMap<string, string> | null = null;
  /** One after the other: each writes all of them. */
  #lastSet: Promise<unknown> = Promise.resolve();

  constructor(replica: Replica, reader: SettingsReader) {
    this.#replica = replica;
    this.#reader = reader;
  }

  async get(name: string, { scope = "account" }: Scoped = {}): Promise<string | null> {
    if (scope === "device") return (await this.#deviceSettings()).get(name) ?? null;
    const setting = await this.#reader.one(name);
    return setting === null || setting.value === "" ? null : setting.value;
  }

  async set(
    name: string,
    value: string,
    { scope = "account" }: Scoped = {},
  ): Promise<{ readonly done: number }> {
    validateSetting(name, value);
    if (scope === "device") return this.#setHere(name, value);
    if (((await this.get(name)) ?? "") === value) return { done: 0 };
    await this.#replica.writer.append([freshDraft(this.#replica, { kind: "setting", name, value })]);
    return { done: 1 };
  }

  async list({ scope }: Scoped = {}): Promise<readonly Setting[]> {
    const settings: Setting[] = [];
    if (scope !== "device") {
      for (const { name, value } of await this.#reader.all())
        if (value !== "") settings.push({ name, value, scope: "account" });
    }
    if (scope !== "account") {
      for (const [name, value] of await this.#deviceSettings())
        settings.push({ name, value, scope: "device" });
    }
    return settings.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  #setHere(name: string, value: string): Promise<{ readonly done: number }> {
    const set = this.#lastSet.then(() => this.#setNow(name, value));
    // Who asked hears of a failure; the next one begins all the same.
    this.#lastSet = set.catch(() => undefined);
    return set;
  }

  async #setNow(name: string, value: string): Promise<{ readonly done: number }> {
    const settings = new Map(await this.#deviceSettings());
    if ((settings.get(name) ?? "") === value) return { done: 0 };
    if (value !== "" && !settings.has(name) && settings.size >= DEVICE_SETTINGS_MAX) {
      throw new EngineError("REQUEST_INVALID", `a device has at most ${DEVICE_SETTINGS_MAX} settings`);
    }
    if (value === "") settings.delete(name);
    else settings.set(name, value);
    const sealed = sealValue(this.#replica, encode(settings), this.#associated());
    if (sealed === null) {
      throw new EngineError("EPOCH_KEY_MISSING", "this device has no key to write with yet", {
        remedy: "Connect it with the device that linked it.",
      });
    }
    await this.#replica.writer.remember(new Map([[META.settings, sealed]]));
    this.#ofDevice = settings;
    return { done: 1 };
  }

  async #deviceSettings(): Promise<ReadonlyMap<string, string>> {
    if (this.#ofDevice !== null) return this.#ofDevice;
    const sealed = await this.#replica.ports.store.meta(META.settings);
    this.#ofDevice ??= tolerant(openValue(this.#replica, sealed, this.#associated()), decode) ?? new Map();
    return this.#ofDevice;
  }

  #associated(): Uint8Array {
    const { account, self } = this.#replica;
    return labelled(labels.deviceSettings, idBytes(account), idBytes(self));
  }
}

function encode(settings: ReadonlyMap<string, string>): Uint8Array {
  const writer = new ByteWriter();
  return writer.list([...settings], ([name, value]) => writer.text(name).text(value)).finish();
}

function decode(reader: ByteReader): ReadonlyMap<string, string> {
  return new Map(
    reader.list(DEVICE_SETTINGS_MAX, (): [string, string] => [
      reader.text(SETTING_NAME_BYTES_MAX),
      reader.text(SETTING_VALUE_BYTES_MAX),
    ]),
  );
}
