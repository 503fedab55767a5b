/**
 * One run of a device's program, from its start to its end. All that it waits for, and all that it does to the world, goes through
 * `touch` and `gate`: once it has died, nothing that it asked for is answered and nothing that it does has an effect. It can be made
 * to die at the n-th such call from now, which is to say between any two awaits.
 */

const NEVER = new Promise<never>(() => undefined);

export class Life {
  readonly #onDeath: () => void;
  #isAlive = true;
  #callsLeft = Number.POSITIVE_INFINITY;
  /** A checker reads through this life's ports: no delay, no death, no trace. */
  isObserved = false;

  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** It dies at this many calls from now. */
  dieAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  end(): void {
    this.#isAlive = false;
  }

  /** Counts a call to the outside; false where the program is dead, or dies of it. */
  touch(): boolean {
    if (!this.#isAlive) return false;
    if (this.isObserved || --this.#callsLeft > 0) return true;
    this.#onDeath();
    return this.#isAlive;
  }

  /** What was asked is answered to the living only. */
  gate<Result>(answer: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      answer.then(
        (result) => {
          if (this.#isAlive) resolve(result);
        },
        (error: Error) => {
          if (this.#isAlive) reject(error);
        },
      );
    });
  }

  /** A call that is answered to the living. */
  ask<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.touch() ? this.gate(work()) : NEVER;
  }
}
