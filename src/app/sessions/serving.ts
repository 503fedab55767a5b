/**
 * Sends what a session was asked for: batches pulled from the store one at a time, each only while the session's credit allows.
 * Several requests run side by side; the smallest goes first, so that a live message never waits behind history.
 */
import { countOf } from "../../core/log/ranges.ts";
import type { BatchSource } from "../../core/sync/ports.ts";
import type { Input, Output } from "../../core/sync/types.ts";
import { encodeBatchFrame } from "../../core/wire/frame-codec.ts";
import type { Outbox } from "./outbox.ts";
import { BATCH_BYTES_TARGET } from "../../core/log/types.ts";

type Serve = Extract<Output, { kind: "serve" }>;

export class Serving {
  readonly #source: BatchSource;
  readonly #outbox: Outbox;
  readonly #mayServe: () => boolean;
  readonly #feed: (input: Input) => void;
  readonly #waiting: { readonly size: number; readonly go: () => void }[] = [];
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

  /** Rejects where the store does. */
  async serve({ ticket, head, ranges, newestFirst }: Serve): Promise<void> {
    const size = countOf(ranges);
    const batches = this.#source.batches({ head, ranges, bytesMax: BATCH_BYTES_TARGET, newestFirst });
    for await (const batch of batches) {
      await this.#turn(size);
      if (this.#ended) return;
      const parts = encodeBatchFrame(batch.bytes);
      this.#outbox.put(...parts);
      const { log, from, to } = batch;
      this.#feed({ kind: "served", ticket, log, ranges: [{ from, to }], bytes: batch.bytes.length });
    }
    if (!this.#ended) this.#feed({ kind: "exhausted", ticket });
  }

  /** To be called whenever the credit may have changed. */
  advance(): void {
    while (this.#waiting.length > 0 && (this.#ended || this.#mayServe())) {
      let smallest = 0;
      for (const [at, { size }] of this.#waiting.entries())
        if (size < this.#waiting[smallest]!.size) smallest = at;
      const [next] = this.#waiting.splice(smallest, 1);
      next!.go();
      // It takes its credit before another may look.
      if (!this.#ended) return;
    }
  }

  end(): void {
    this.#ended = true;
    this.advance();
  }

  #turn(size: number): Promise<void> {
    if (this.#ended || (this.#mayServe() && this.#waiting.length === 0)) return Promise.resolve();
    return new Promise((go) => {
      this.#waiting.push({ size, go });
      this.advance();
    });
  }
}
