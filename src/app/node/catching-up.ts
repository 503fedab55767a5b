/**
 * Whether this device is catching up, and how far it has come: while much is missing, progress is told instead of each message.
 * Begins with more than 200 missing entries and lasts until nothing is missing. Tests: test/unit/app/catching-up.test.ts.
 */
import type { MonotonicMs } from "../../core/base/ports.ts";
import type { NewEvent } from "./event-hub.ts";

/** From so many missing entries on, each message is no news of its own (cli, "Events"). */
const CATCH_UP_ENTRIES = 200;
const PROGRESS_EVERY_MS = 250;

export class CatchingUp {
  readonly #missing: () => number;
  readonly #emit: (event: NewEvent) => void;
  readonly #now: () => MonotonicMs;
  #total: number | null = null;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  /** `missing` counts entries that some connected peer has and this device has not. */
  constructor(input: {
    readonly missing: () => number;
    readonly emit: (event: NewEvent) => void;
    readonly now: () => MonotonicMs;
  }) {
    this.#missing = input.missing;
    this.#emit = input.emit;
    this.#now = input.now;
  }

  get isRunning(): boolean {
    return this.#total !== null || this.#missing() > CATCH_UP_ENTRIES;
  }

  /** Something was taken in. Told at most four times a second. */
  advanced(): void {
    const missing = this.#missing();
    if (this.#total === null && missing <= CATCH_UP_ENTRIES) return;
    this.#total = Math.max(this.#total ?? 0, missing);
    if (this.#now() - this.#toldAtMs < PROGRESS_EVERY_MS) return;
    this.#toldAtMs = this.#now();
    this.#tell(this.#total - missing, this.#total);
  }

  /** A peer and this device hold the same now; `all` where every connected peer does, whatever is still being counted. */
  reached(all = false): void {
    if (this.#total === null || (!all && this.#missing() > 0)) return;
    this.#tell(this.#total, this.#total);
    this.#total = null;
  }

  /** A peer has gone: what only it has is missed no longer, and who comes next begins anew. */
  interrupted(): void {
    if (this.#missing() === 0) this.#total = null;
  }

  #tell(done: number, total: number): void {
    this.#emit({ event: "progress", what: "sync", done, total });
  }
}
