/**
 * An account for simulations of sync alone: devices with real keys and real log ids, and a view of its members that is given
 * instead of resolved.
 */
import { hex } from "../../src/core/base/bytes.ts";
import type { AccountId, DeviceId, LogId } from "../../src/core/base/ids.ts";
import { logIdOf } from "../../src/core/crypto/derive.ts";
import { createSigningKey, type SigningKey } from "../../src/core/crypto/sign.ts";
import type { LogClass } from "../../src/core/log/types.ts";
import type { LogOwner, MemberDevice, MemberView } from "../../src/core/membership/types.ts";
import type { Random } from "../doubles/random.ts";

export interface ModelDevice {
  readonly device: DeviceId;
  readonly key: SigningKey;
  readonly logs: Readonly<Record<LogClass, LogId>>;
}

export interface ModelAccount {
  readonly account: AccountId;
  readonly discoveryKey: Uint8Array;
  readonly devices: readonly ModelDevice[];
}

export const LOG_CLASSES: readonly LogClass[] = ["control", "state", "messages"];

export function createModelAccount(random: Random, deviceCount: number): ModelAccount {
  const account = hex(random.bytes(32)) as AccountId;
  const discoveryKey = random.bytes(32);
  const devices = Array.from({ length: deviceCount }, () => createModelDevice(account, random.bytes(32)));
  return { account, discoveryKey, devices };
}

export function createModelDevice(account: AccountId, seed: Uint8Array): ModelDevice {
  const key = createSigningKey(seed);
  const device = hex(key.publicKey) as DeviceId;
  const log = (logClass: LogClass): LogId => logIdOf({ account, device, incarnation: 0, logClass });
  return { device, key, logs: { control: log("control"), state: log("state"), messages: log("messages") } };
}

/** The view in which `known` are the members, those of `revoked` no longer. */
export function memberViewOf(
  account: ModelAccount,
  known: readonly ModelDevice[] = account.devices,
  revoked: readonly ModelDevice[] = [],
): MemberView {
  const devices = new Map<DeviceId, MemberDevice>();
  const logs = new Map<LogId, LogOwner>();
  for (const { device, key, logs: own } of [...known, ...revoked]) {
    const isRevoked = revoked.some((other) => other.device === device);
    devices.set(device, {
      device,
      openKey: key.publicKey,
      state: isRevoked ? "revoked" : "active",
      admittedBy: null,
      incarnations: [0],
    });
    for (const logClass of LOG_CLASSES) {
      const log = own[logClass];
      logs.set(log, { log, device, incarnation: 0, logClass, cut: null });
    }
  }
  return {
    account: account.account,
    rootSign: new Uint8Array(32),
    rootOpen: new Uint8Array(32),
    devices,
    logs,
    epochs: new Map(),
    tips: [],
    sealing: null,
    custody: "synced",
    revocations: new Map(),
    purges: [],
    cloud: null,
    wrapsFor: () => [],
    heads: [],
    refused: new Map(),
  };
}
