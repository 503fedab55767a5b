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

  get inFlight(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves once durable; `onDurable` is called before, in order.
   *
   * @throws EngineError `DISK_FULL`, `STORE_POISONED`, …: the caller is told, and the bytes are tried again while the node runs.
   */
  submit(commit: Commit, onDurable: () => void): Promise<void> {
    if (this.#halted !== null) return Promise.reject(this.#halted);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        commit,
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
      this.#write(waiting);
    });
  }

  /** Resolves when the oldest commit in flight has been written, or when writing stops. */
  async oldest(): Promise<void> {
    await this.#waiting[0]?.over;
  }

  /** Resolves when nothing is in flight; at once where writing has stopped. */
  async drained(): Promise<void> {
    while (this.#waiting.length > 0 && this.#halted === null) await this.#waiting.at(-1)!.over;
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  #write(waiting: Waiting): void {
    this.#store.commit(waiting.commit).then(
      () => this.#done(waiting),
      (error: unknown) => this.#failed(error),
    );
  }

  #done(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.settled();
  }

  #failed(error: unknown): void {
    if (this.#closed || this.#halted !== null) return;
    const halted = isEngineError(error)
      ? error
      : new EngineError("UNEXPECTED", "the store refused a write", { cause: error });
    this.#halted = halted;
    this.#onHalt(halted.code);
    void this.#recover(true);
  }

  /** Reopens and writes everything kept, oldest first. The first try is at once: a passing fault costs nothing. */
  async #recover(first: boolean): Promise<void> {
    const halted = this.#halted;
    try {
      await this.#store.reopen();
      while (this.#waiting.length > 0) {
        const next = this.#waiting[0]!;
        await this.#store.commit(next.commit);
        this.#waiting.shift();
        next.settled();
      }
      this.#halted = null;
      this.#onHalt(null);
    } catch (error) {
      if (this.#closed) return;
      const reason = isEngineError(error) ? error : halted;
      if (first && reason !== null) for (const waiting of this.#waiting) this.#refuse(waiting, reason);
      this.#cancelRetry = this.#clock.after(RETRY_AFTER_MS, () => void this.#recover(false));
    }
  }

  #refuse(waiting: Waiting, error: EngineError): void {
    if (waiting.refused) return;
    waiting.refused = true;
    waiting.refuse(error);
  }
}
