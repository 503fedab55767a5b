/**
 * Commits that the writer refused for want of a proof, by log: once such entries are asked for again at once, since the head they wait for
 * has just come by another way. Refused again with nothing new of that log, asking at once would only repeat it. No I/O.
 * Tests: test/unit/sync/unproved.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import type { Frontier } from "../log/types.ts";
import type { Receipts } from "./receipts.ts";
import type { Ticket } from "./types.ts";

interface Refusal {
  /** The newest commit when it was told: what was given to the writer before is refused for the same reason. */
  readonly newest: Ticket;
  /** Of the durable head then. */
  readonly length: number;
}

export class Unproved {
  readonly #view: { readonly frontier: Frontier };
  readonly #receipts: Receipts;
  readonly #refusals = new Map<LogId, Refusal>();

  constructor(view: { readonly frontier: Frontier }, receipts: Receipts) {
    this.#view = view;
    this.#receipts = receipts;
  }

  /** A commit was refused. True where it was asked for after an earlier one was, and the durable head has not grown since. */
  isRepeated(log: LogId, ticket: Ticket): boolean {
    const last = this.#refusals.get(log);
    if (last !== undefined && ticket <= last.newest) return false;
    const length = this.#view.frontier.get(log)?.head.length ?? 0;
    this.#refusals.set(log, { newest: this.#receipts.newest, length });
    return last !== undefined && length <= last.length;
  }

  /** Something of the log became durable. */
  settled(log: LogId): void {
    this.#refusals.delete(log);
  }
}
