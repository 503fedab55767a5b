/**
 * Names of devices, as the account knows them, and the ways in which an argument may name one. Until a name has come over the
 * account's own logs, what the device was called while linking stands for it. Tests: test/unit/app/device-names.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";

const PREFIX_DIGITS_MIN = 6;

export class DeviceNames {
  readonly #hints: ReadonlyMap<DeviceId, string>;
  #names: ReadonlyMap<DeviceId, string>;

  /** `hints` are names that the account has not said yet. */
  constructor(hints: ReadonlyMap<DeviceId, string> = new Map()) {
    this.#hints = hints;
    this.#names = toldApart(hints);
  }

  /** Names as the account has them now; they stand before the hints. */
  set(names: ReadonlyMap<DeviceId, string>): void {
    this.#names = toldApart(new Map([...this.#hints, ...names]));
  }

  /** Null where neither the account nor a hint names it. */
  known(device: DeviceId): string | null {
    return this.#names.get(device) ?? null;
  }

  /** Its name, or the beginning of its id before the name has come. */
  of(device: DeviceId): string {
    return this.known(device) ?? `device ${device.slice(0, 8)}`;
  }

  /** The wanted name, or with a number behind it where another device has it. */
  free(wanted: string, except: DeviceId | null): string {
    const taken = new Set([...this.#names].filter(([device]) => device !== except).map(([, name]) => name));
    return freeOf(wanted.normalize("NFC"), taken);
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
    const named = all.filter((device) => this.of(device) === wanted);
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

/** Two devices may have been given one name while they did not know of each other: all but the smallest id get a number. */
function toldApart(names: ReadonlyMap<DeviceId, string>): ReadonlyMap<DeviceId, string> {
  const ascending = [...names].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const taken = new Map<string, DeviceId>();
  for (const [device, name] of ascending) {
    const normal = name.normalize("NFC");
    if (!taken.has(normal)) taken.set(normal, device);
  }
  const told = new Map<DeviceId, string>();
  for (const [device, name] of ascending) {
    const normal = name.normalize("NFC");
    const own = taken.get(normal) === device ? normal : freeOf(normal, taken);
    taken.set(own, device);
    told.set(device, own);
  }
  return told;
}

function freeOf(wanted: string, taken: { readonly has: (name: string) => boolean }): string {
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number++) if (!taken.has(`${wanted} ${number}`)) return `${wanted} ${number}`;
}
