/**
 * What every layer may be given of the outside: time, chance and threads. Ports that only one room needs are declared there.
 * Implementations: src/app/node/platform.ts (the machine), simulations (virtual).
 */

/** Milliseconds since 1970 by this machine's clock; for people and stamps. May jump either way. */
export type WallMs = number & { readonly unit: "WallMs" };

/** Milliseconds on a clock that only goes forward. Compare and subtract; never store or send. */
export type MonotonicMs = number & { readonly unit: "MonotonicMs" };

/** Ends a timer that has not fired yet; after that it does nothing. */
export type CancelTimer = () => void;

export interface Clock {
  readonly wallMs: () => WallMs;
  readonly monotonicMs: () => MonotonicMs;
  /** How long the machine has been up, asleep or not: goes on while no program runs, and begins at 0 when it is switched on. In milliseconds. */
  readonly upMs: () => number;
  /** Calls `fire` once after at least `delayMs`. A timer alone never keeps a process alive. */
  readonly after: (delayMs: number, fire: () => void) => CancelTimer;
}

/** Where work is done that has no synchronous form: HPKE. Behind a port, so that a simulation can do one after the other. */
export interface Workers {
  /** Settles as `job` does. Jobs may overlap. */
  readonly run: <Result>(job: () => Promise<Result>) => Promise<Result>;
}

export interface Entropy {
  /** `size` fresh random bytes, fit for keys. */
  readonly bytes: (size: number) => Uint8Array;
}
