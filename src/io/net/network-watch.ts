/**
 * Notices that this machine's addresses changed or that it slept, by looking every five seconds. Sends nothing.
 * Tests: test/integration/net/network-watch.test.ts.
 */
import { networkInterfaces } from "node:os";

/** quality.md P14: no wake-up without a packet more often than this. */
const LOOK_EVERY_MS = 5_000;

/** A timer this late, or a clock this far off, means that the machine slept or that its clock was set. */
const JUMP_MS = 10_000;

export interface NetworkWatch {
  readonly close: () => void;
}

/** What the watch looks at; tests give their own. */
export interface Surroundings {
  readonly fingerprint: () => string;
  readonly wallMs: () => number;
  readonly everyMs: number;
}

const machine: Surroundings = {
  fingerprint: () =>
    JSON.stringify(
      Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
        (addresses ?? []).map(({ address, netmask }) => `${name} ${address} ${netmask}`),
      ),
    ),
  wallMs: () => Date.now(),
  everyMs: LOOK_EVERY_MS,
};

/** Calls `onChange` at each change until closed. Keeps no process alive. */
export function watchNetwork(onChange: () => void, surroundings: Surroundings = machine): NetworkWatch {
  let fingerprint = surroundings.fingerprint();
  let lookedAt = surroundings.wallMs();
  // The wall clock goes on while the machine sleeps, which the monotonic one does not everywhere.
  const timer = setInterval(() => {
    const before = { fingerprint, lookedAt };
    fingerprint = surroundings.fingerprint();
    lookedAt = surroundings.wallMs();
    const jumped = Math.abs(lookedAt - before.lookedAt - surroundings.everyMs) > JUMP_MS;
    if (jumped || fingerprint !== before.fingerprint) onChange();
  }, surroundings.everyMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
