/**
 * Settings of the account, which are operations like any other, and of this device, which never leave it: they are a small value in the
 * store. Tests: test/integration/app/inbox.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { EngineError } from "../../core/base/errors.ts";
import { validateSetting } from "../../core/inbox/address.ts";
import { SETTING_NAME_BYTES_MAX, SETTING_VALUE_BYTES_MAX } from "../../core/inbox/types.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";
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
  #ofDevice: Promise<Map<string, string>> | null = null;

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
    if (((await this.get(name, { scope })) ?? "") === value) return { done: 0 };
    if (scope === "device") await this.#setHere(name, value);
    else await this.#replica.writer.append([freshDraft(this.#replica, { kind: "setting", name, value })]);
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

  async #setHere(name: string, value: string): Promise<void> {
    const settings = await this.#deviceSettings();
    if (value !== "" && !settings.has(name) && settings.size >= DEVICE_SETTINGS_MAX) {
      throw new EngineError("REQUEST_INVALID", `a device has at most ${DEVICE_SETTINGS_MAX} settings`);
    }
    if (value === "") settings.delete(name);
    else settings.set(name, value);
    await this.#replica.writer.remember(new Map([[META.settings, encode(settings)]]));
  }

  #deviceSettings(): Promise<Map<string, string>> {
    this.#ofDevice ??= this.#replica.ports.store.meta(META.settings).then(decode);
    return this.#ofDevice;
  }
}

function encode(settings: ReadonlyMap<string, string>): Uint8Array {
  const writer = new ByteWriter().uint(settings.size);
  for (const [name, value] of settings) writer.text(name).text(value);
  return writer.finish();
}

function decode(bytes: Uint8Array | undefined): Map<string, string> {
  if (bytes === undefined) return new Map();
  const reader = new ByteReader(bytes);
  const settings = reader.list(DEVICE_SETTINGS_MAX, (): [string, string] => [
    reader.text(SETTING_NAME_BYTES_MAX),
    reader.text(SETTING_VALUE_BYTES_MAX),
  ]);
  reader.end();
  return new Map(settings);
}
