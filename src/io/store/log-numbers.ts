/**
 * Short numbers for logs, so that the place of an entry is a few bytes. A number is given once and never to another log: numbers
 * that were given and not yet stored go with the next commit, whatever it writes.
 * Tests: test/contracts/store.contract.ts.
 */
import { assert } from "../../core/base/errors.ts";
import type { LogId } from "../../core/base/ids.ts";
import { LOG_NUMBER_LIMIT } from "./keys.ts";
import { damaged } from "./row-check.ts";

export class LogNumbers {
  readonly #logs: LogId[] = [];
  readonly #numberByLog = new Map<LogId, number>();
  #storedCount = 0;

  numberOf(log: LogId): number {
    const known = this.#numberByLog.get(log);
    if (known !== undefined) return known;
    const number = this.#logs.push(log) - 1;
    assert(number < LOG_NUMBER_LIMIT, "a log number has 32 bits");
    this.#numberByLog.set(log, number);
    return number;
  }

  /** Undefined for a log without a number; gives none. */
  find(log: LogId): number | undefined {
    return this.#numberByLog.get(log);
  }

  logOf(number: number): LogId | undefined {
    return this.#logs[number];
  }

  /** What a batch must store, and then counts as stored. */
  takeUnstored(): readonly (readonly [number: number, log: LogId])[] {
    const fresh: (readonly [number, LogId])[] = [];
    for (; this.#storedCount < this.#logs.length; this.#storedCount++) {
      fresh.push([this.#storedCount, this.#logs[this.#storedCount]!]);
    }
    return fresh;
  }

  /**
   * Takes the stored numbers in, in order. After a failed write those that were given since stay: rows that wait for their retry
   * name them.
   */
  load(stored: readonly LogId[]): void {
    for (const [number, log] of stored.entries()) {
      if (this.numberOf(log) !== number) throw damaged("a log has two numbers");
    }
    this.#storedCount = stored.length;
  }
}
