/** Names of devices, as the account knows them, and the ways in which an argument may name one. */
import type { DeviceId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";

const PREFIX_DIGITS_MIN = 6;

export class DeviceNames {
  #names: ReadonlyMap<DeviceId, string> = new Map();

  set(names: ReadonlyMap<DeviceId, string>): void {
    this.#names = names;
  }

  /** Its name, or the beginning of its id before the name has come. Two of one name are told apart by a number. */
  of(device: DeviceId): string {
    const name = this.#names.get(device) ?? `device ${device.slice(0, 8)}`;
    const same = [...this.#names]
      .filter(([, other]) => other === name)
      .map(([id]) => id)
      .sort();
    const place = same.indexOf(device);
    return place > 0 ? `${name} ${place + 1}` : name;
  }

  /** The wanted name, or with a number behind it where another device has it. */
  free(wanted: string, except: DeviceId | null): string {
    const taken = new Set([...this.#names].filter(([device]) => device !== except).map(([, name]) => name));
    if (!taken.has(wanted)) return wanted;
    for (let number = 2; ; number++) if (!taken.has(`${wanted} ${number}`)) return `${wanted} ${number}`;
  }

  /**
   * By full id, exact name, or unique beginning of an id.
   *
   * @throws EngineError `NOT_FOUND`, `AMBIGUOUS`.
   */
  find(argument: string, devices: Iterable<DeviceId>): DeviceId {
    const all = [...devices];
    const lower = argument.toLowerCase();
    const full = all.find((device) => device === lower);
    if (full !== undefined) return full;
    const wanted = argument.normalize("NFC");
    const named = all.filter((device) => this.of(device).normalize("NFC") === wanted);
    const isPrefix = lower.length >= PREFIX_DIGITS_MIN && /^[0-9a-f]+$/.test(lower);
    const found = named.length > 0 ? named : isPrefix ? all.filter((device) => device.startsWith(lower)) : [];
    const [only] = found;
    if (only === undefined) {
      throw new EngineError("NOT_FOUND", "there is no such device", {
        remedy: "`kinlog devices` lists them.",
      });
    }
    if (found.length > 1) {
      throw new EngineError(
        "AMBIGUOUS",
        `several devices match: ${found.map((device) => `${this.of(device)} (${device.slice(0, 12)})`).join(", ")}`,
      );
    }
    return only;
  }
}
