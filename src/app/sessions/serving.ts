/**
 * Sends what a session was asked for: batches pulled from the store one at a time, each only while the session's credit allows.
 * Several requests run side by side; a push goes first, so that a live message never waits behind history.
 * Tests: test/unit/app/serving.test.ts.
 */
import type { BatchSource } from "../../core/sync/ports.ts";
import type { Input, Output, Ticket } from "../../core/sync/types.ts";
import { encodeBatchFrame } from "../../core/wire/frame-codec.ts";
import type { Outbox } from "./outbox.ts";
import { BATCH_BYTES_TARGET } from "../../core/log/types.ts";

type Serve = Extract<Output, { kind: "serve" }>;

export class Serving {
  readonly #source: BatchSource;
  readonly #outbox: Outbox;
  readonly #mayServe: () => boolean;
  readonly #feed: (input: Input) => void;
  #waiting: { readonly ticket: Ticket; readonly isPush: boolean; readonly go: () => void }[] = [];
  readonly #stopped = new Set<Ticket>();
  #ended = false;

  constructor(input: {
    readonly source: BatchSource;
    readonly outbox: Outbox;
    readonly mayServe: () => boolean;
    readonly feed: (input: Input) => void;
  }) {
    this.#source = input.source;
    this.#outbox = input.outbox;
    this.#mayServe = input.mayServe;
    this.#feed = input.feed;
  }

  /** Begins once `before` has been sent. Rejects where the store does. */
  async serve({ ticket, head, ranges, newestFirst, isPush }: Serve, before: Promise<void>): Promise<void> {
    await before;
    const batches = this.#source.batches({ head, ranges, bytesMax: BATCH_BYTES_TARGET, newestFirst });
    for await (const batch of batches) {
      await this.#turn(ticket, isPush);
      if (this.#ended || this.#stopped.has(ticket)) break;
      this.#outbox.put(...encodeBatchFrame(batch.bytes));
      const { log, from, to } = batch;
      this.#feed({ kind: "served", ticket, log, ranges: [{ from, to }], bytes: batch.bytes.length });
      // One wake-up is one batch: the credit may be used up by now.
      this.advance();
    }
    this.#stopped.delete(ticket);
    if (!this.#ended) this.#feed({ kind: "exhausted", ticket });
  }

  /** Pulls no more for this one. Its wait ends here, so that it takes no credit from another. */
  stop(ticket: Ticket): void {
    this.#stopped.add(ticket);
    const stopped = this.#waiting.filter((waiting) => waiting.ticket === ticket);
    this.#waiting = this.#waiting.filter((waiting) => waiting.ticket !== ticket);
    for (const { go } of stopped) go();
  }

  /** To be called whenever the credit may have changed. */
  advance(): void {
    if (this.#ended) {
      for (const { go } of this.#waiting.splice(0)) go();
    } else if (this.#waiting.length > 0 && this.#mayServe()) {
      const push = this.#waiting.findIndex(({ isPush }) => isPush);
      const [next] = this.#waiting.splice(Math.max(0, push), 1);
      next!.go();
    }
  }

  end(): void {
    this.#ended = true;
    this.advance();
  }

  #turn(ticket: Ticket, isPush: boolean): Promise<void> {
    if (this.#ended || this.#stopped.has(ticket) || (this.#mayServe() && this.#waiting.length === 0))
      return Promise.resolve();
    return new Promise((go) => this.#waiting.push({ ticket, isPush, go }));
  }
}
