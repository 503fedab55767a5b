/**
 * Commits in flight, in order, and what happens when the store refuses one: the same bytes are kept and tried again.
 * A head that was signed must reach the disk as it is, or never have left: so nothing is ever signed twice (engine, section 10).
 * Tests: test/unit/app/commit-line.test.ts.
 */
import { EngineError, isEngineError, type ErrorCode } from "../../core/base/errors.ts";
import type { CancelTimer, Clock } from "../../core/base/ports.ts";
import type { Commit, Store } from "../../core/sync/ports.ts";

/** How long after a failed write the store is tried again. */
const RETRY_AFTER_MS = 5_000;

interface Waiting {
  readonly commit: Commit;
  readonly settled: () => void;
  readonly refuse: (error: EngineError) => void;
  /** Resolves when it is written, or when the caller was told that it is not. */
  readonly over: Promise<void>;
  /** The caller has been told that it failed; the bytes are kept all the same. */
  refused: boolean;
}

export class CommitLine {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onHalt: (code: ErrorCode | null) => void;
  readonly #waiting: Waiting[] = [];
  #halted: EngineError | null = null;
  #halts = 0;
  #cancelRetry: CancelTimer | null = null;
  #closed = false;

  /** `onHalt` is told the code when writing stops, and null when everything kept has been written after all. */
  constructor(input: {
    readonly store: Store;
    readonly clock: Clock;
    readonly onHalt: (code: ErrorCode | null) => void;
  }) {
    this.#store = input.store;
    this.#clock = input.clock;
    this.#onHalt = input.onHalt;
  }

  /** Why nothing can be written now; null where it can. */
  get halted(): EngineError | null {
    return this.#halted;
  }

  /** How often writing has stopped. What was read of the store across a stop may lack the commits that are kept. */
  get halts(): number {
    return this.#halts;
  }

  get inFlight(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves once durable; `onDurable` is called before, in order.
   *
   * @throws EngineError `DISK_FULL`, `STORE_POISONED`, …: the caller is told, and the bytes are tried again while the node runs.
   */
  submit(commit: Commit, onDurable: () => void): Promise<void> {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        // Tried again, its rows go where they went the first time, whichever area serves by then.
        commit: { ...commit, area: commit.area ?? this.#store.servingArea() },
        settled: () => {
          onDurable();
          resolve();
          end();
        },
        refuse: (error) => {
          reject(error);
          end();
        },
        over,
        refused: false,
      };
      this.#waiting.push(waiting);
      if (this.#halted === null) void this.#write(waiting);
      else this.#refuse(waiting, this.#halted);
    });
  }

  /** Resolves when the oldest commit in flight has been written, or when its caller was told that it is not. */
  async oldest(): Promise<void> {
    await this.#waiting[0]?.over;
  }

  /** Resolves when all that is in flight now has been written, or when its callers were told that it is not. */
  async drained(): Promise<void> {
    await Promise.all(this.#waiting.map((waiting) => waiting.over));
  }

  /** What is not written by now is not tried again here; its callers are told. */
  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    const closed = this.#halted ?? new EngineError("NODE_CLOSED", "the node is closing");
    for (const waiting of this.#waiting.splice(0)) this.#refuse(waiting, closed);
  }

  #write(waiting: Waiting): Promise<void> {
    const written = this.#store.commit(waiting.commit);
    const { halts } = this;
    written.then(
      () => this.#done(waiting),
      (error: unknown) => {
        // One failed write refuses all that share the store with it: that is one stop.
        if (halts === this.#halts) this.#stop(error);
      },
    );
    return written;
  }

  #done(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.settled();
  }

  #stop(error: unknown): void {
    if (this.#closed) return;
    const isNew = this.#halted === null;
    this.#halted = asEngineError(error);
    this.#halts++;
    if (isNew) {
      this.#onHalt(this.#halted.code);
      void this.#recover();
    }
  }

  /** Opens again and writes everything kept, oldest first. The first try is at once: a passing fault costs nothing. */
  async #recover(): Promise<void> {
    let failure: EngineError | null = null;
    try {
      await this.#store.reopen();
      // All are given before the first is waited for, so that whoever reads sees all of them.
      while (this.#waiting.length > 0 && !this.#closed)
        await Promise.all(this.#waiting.map((waiting) => this.#write(waiting)));
    } catch (error) {
      failure = asEngineError(error);
    }
    if (this.#closed) return;
    if (failure === null) {
      this.#halted = null;
      this.#onHalt(null);
      return;
    }
    for (const waiting of this.#waiting) this.#refuse(waiting, failure);
    this.#cancelRetry = this.#clock.after(RETRY_AFTER_MS, () => void this.#recover());
  }

  #refuse(waiting: Waiting, error: EngineError): void {
    if (waiting.refused) return;
    waiting.refused = true;
    waiting.refuse(error);
  }
}

function asEngineError(error: unknown): EngineError {
  if (isEngineError(error)) return error;
  return new EngineError("UNEXPECTED", "the store refused a write", { cause: error });
}
