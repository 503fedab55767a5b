/** This machine's clock, threads and randomness: the ports of core/base as Node has them. Part of the composition root. */
import type { CancelTimer, Clock, Entropy, MonotonicMs, WallMs, Workers } from "../../core/base/ports.ts";
import { networkInterfaces, uptime } from "node:os";
import type { MachineInterface } from "./doctor.ts";

/** What one call of the random source gives at most (Web Cryptography, getRandomValues). */
const RANDOM_BYTES_MAX = 65_536;
/** Longer delays overflow Node's timers and fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const machineClock: Clock = {
  wallMs: () => Date.now() as WallMs,
  monotonicMs: () => performance.now() as MonotonicMs,
  upMs: () => uptime() * 1_000,
  after: (delayMs, fire): CancelTimer => {
    const timer = setTimeout(fire, Math.min(Math.ceil(delayMs), DELAY_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Web Cryptography has threads of its own. */
export const machineWorkers: Workers = { run: (job) => job() };

export const machineEntropy: Entropy = {
  bytes: (size) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += RANDOM_BYTES_MAX) {
      globalThis.crypto.getRandomValues(bytes.subarray(at, Math.min(at + RANDOM_BYTES_MAX, size)));
    }
    return bytes;
  },
};

export function machineInterfaces(): readonly MachineInterface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).map(({ address, family, internal }) => ({ name, address, family, internal })),
  );
}
