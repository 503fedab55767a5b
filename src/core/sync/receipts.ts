/**
 * Commits under way: what came from the peer and is not durable yet, and how much that is. Decides nothing.
 * Tests: test/unit/sync/session.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import { NO_RANGES, type Ranges, union } from "../log/ranges.ts";
import type { Head } from "../log/types.ts";
import { CREDIT_BATCHES, CREDIT_BYTES } from "./serving.ts";
import type { Ticket } from "./types.ts";

/** A commit under way. `ranges` are none where only a head is adopted. */
export interface Receipt {
  readonly log: LogId;
  /** The one that it came under, or that is adopted. */
  readonly head: Head;
  readonly ranges: Ranges;
  readonly bytes: number;
  /** False for what the author pushed, and for heads. */
  readonly wasAsked: boolean;
}

export class Receipts {
  readonly #newTicket: () => Ticket;
  readonly #open = new Map<Ticket, Receipt>();
  #newest = 0 as Ticket;
  #batches = 0;
  #bytes = 0;

  constructor(newTicket: () => Ticket) {
    this.#newTicket = newTicket;
  }

  /** True where no sender that keeps to its credit sends more. Twice the credit, since what was sent twice may be released once. */
  get isFull(): boolean {
    return this.#batches >= 2 * CREDIT_BATCHES || this.#bytes >= 2 * CREDIT_BYTES;
  }

  /** The ticket of the commit that began last; tickets grow. */
  get newest(): Ticket {
    return this.#newest;
  }

  rangesOf(log: LogId): Ranges {
    let ranges: Ranges = NO_RANGES;
    for (const receipt of this.#open.values()) {
      if (receipt.log === log) ranges = union(ranges, receipt.ranges);
    }
    return ranges;
  }

  begin(receipt: Receipt): Ticket {
    const ticket = this.#newTicket();
    this.#newest = ticket;
    this.#open.set(ticket, receipt);
    if (receipt.ranges.length > 0) this.#batches++;
    this.#bytes += receipt.bytes;
    return ticket;
  }

  end(ticket: Ticket): Receipt | undefined {
    const receipt = this.#open.get(ticket);
    if (receipt === undefined) return undefined;
    this.#open.delete(ticket);
    if (receipt.ranges.length > 0) this.#batches--;
    this.#bytes -= receipt.bytes;
    return receipt;
  }
}
