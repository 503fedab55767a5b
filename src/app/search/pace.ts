/**
 * How much of the device's time building may take: it works in short pieces, rests between them, and waits while much comes at once.
 * Spec: docs/spec/search.md, "Building". Tests: test/unit/search/pace.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import type { Clock } from "../../core/base/ports.ts";

const WORK_MS = 4;
const REST_MS = 2;
/** Operations of one turn that are an import or a first sync, not people. */
const MANY = 100;
const QUIET_AFTER_MS = 250;
const LOOK_AGAIN_MS = 50;

export class Pace {
  readonly #clock: Clock;
  #beganMs = Number.NEGATIVE_INFINITY;
  #busyMs = Number.NEGATIVE_INFINITY;
  #isHurried = false;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** So many operations became durable together, here or at a peer that takes them from here. */
  saw(operations: number): void {
    if (operations > MANY) this.#busyMs = this.#clock.monotonicMs();
  }

  /** Somebody waits for the end: no rest from now on, until `calm`. */
  hurry(): void {
    this.#isHurried = true;
  }

  calm(): void {
    this.#isHurried = false;
  }

  /** Called between small pieces of work. @throws EngineError `NODE_CLOSED`. */
  async breathe(): Promise<void> {
    this.#requireOpen();
    if (this.#isHurried) return;
    if (this.#clock.monotonicMs() - this.#beganMs < WORK_MS && !this.#isBusy()) return;
    await this.#wait(REST_MS);
    while (this.#isBusy() && !this.#closed && !this.#isHurried) await this.#wait(LOOK_AGAIN_MS);
    this.#requireOpen();
    this.#beganMs = this.#clock.monotonicMs();
  }

  close(): void {
    this.#closed = true;
  }

  #isBusy(): boolean {
    return this.#clock.monotonicMs() - this.#busyMs < QUIET_AFTER_MS;
  }

  #requireOpen(): void {
    if (this.#closed) throw new EngineError("NODE_CLOSED", "the node is closing");
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}
