/**
 * Which reads are under way. Each sees the database as it was when it began, and as long as it does LevelDB keeps what was overwritten since:
 * who wants that gone from the files waits for the reads that began before.
 * Tests: test/integration/store/compact.test.ts.
 */
export class ReadsUnderWay {
  readonly #reads = new Set<object>();
  #waiting: { readonly reads: Set<object>; readonly resolve: () => void }[] = [];

  /** Returns how to end it; more than once does nothing. */
  begin(): () => void {
    const read = {};
    this.#reads.add(read);
    return () => {
      this.#reads.delete(read);
      for (const { reads, resolve } of this.#waiting) if (reads.delete(read) && reads.size === 0) resolve();
      this.#waiting = this.#waiting.filter(({ reads }) => reads.size > 0);
    };
  }

  /** Resolves when all that are under way now have ended. */
  ended(): Promise<void> {
    if (this.#reads.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ reads: new Set(this.#reads), resolve }));
  }

  /** Nobody waits any longer: the database is closed. */
  giveUp(): void {
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting = [];
  }
}
