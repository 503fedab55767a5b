/**
 * The one queue of writes. Commits are prepared in the order of the calls, each into the batch that is open; whenever the disk is
 * free, the open batch is written and synced with all that it has gathered. So overlapping commits share a sync, and preparing
 * the next overlaps with writing the last.
 *
 * A write that fails ends the queue: nothing that the handle says later can be relied on (docs/spec/storage.md, "Failed writes").
 * Tests: test/contracts/store.contract.ts.
 */
import type { EngineError } from "../../core/base/errors.ts";
import type { DatabaseBatch } from "./level-database.ts";
import { writeError } from "./store-errors.ts";

export interface QueueWork<Item> {
  readonly beginBatch: () => DatabaseBatch;
  /** All that needs waiting. Called in order, one at a time. */
  readonly prepare: (item: Item) => Promise<void>;
  /** Puts all of an item into the batch. */
  readonly encode: (item: Item, batch: DatabaseBatch) => void;
  /** Called just before the batch is written. */
  readonly seal: (batch: DatabaseBatch) => void;
  /** Called when a batch is durable, before anybody is told. */
  readonly written: () => void;
  /** Called in order as items become durable. */
  readonly durable: (item: Item) => void;
  /** Called once, before anybody is told. */
  readonly failed: (error: EngineError) => void;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Group<Item> {
  readonly batch: DatabaseBatch;
  readonly members: Waiting<Item>[];
}

export class CommitQueue<Item> {
  readonly #work: QueueWork<Item>;
  /** All that is neither durable nor failed, in order. */
  #waiting: Waiting<Item>[] = [];
  #open: Group<Item> | undefined;
  #isWriting = false;
  #failure: EngineError | undefined;
  #prepared: Promise<void> = Promise.resolve();
  #idle: (() => void)[] = [];

  constructor(work: QueueWork<Item>) {
    this.#work = work;
  }

  /** Resolves once the item is durable. */
  push(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting<Item> = { item, resolve, reject };
      this.#waiting.push(waiting);
      this.#prepared = this.#prepared.then(() => this.#prepare(waiting));
    });
  }

  /** Resolves when everything pushed before has been prepared. */
  prepared(): Promise<void> {
    return this.#prepared;
  }

  /**
   * Runs `job` when all that was pushed before is durable, and before anything pushed later is prepared. The job writes its own
   * batches with `write`. Rejects where the queue has ended before.
   */
  alone<Result>(job: (write: (batch: DatabaseBatch) => Promise<void>) => Promise<Result>): Promise<Result> {
    const result = this.#prepared
      .then(() => this.#written())
      .then(() => {
        if (this.#failure !== undefined) throw this.#failure;
        return job((batch) => this.#writeAlone(batch));
      });
    this.#prepared = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #prepare(waiting: Waiting<Item>): Promise<void> {
    if (this.#hasFailed()) return;
    try {
      await this.#work.prepare(waiting.item);
      if (this.#hasFailed()) return;
      // From here on without waiting: the open batch may be written at any moment, and never with half a commit.
      const group = (this.#open ??= { batch: this.#work.beginBatch(), members: [] });
      this.#work.encode(waiting.item, group.batch);
      group.members.push(waiting);
    } catch (error) {
      this.#fail(error);
      return;
    }
    void this.#write();
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#open !== undefined && this.#failure === undefined) {
      const group = this.#open;
      this.#open = undefined;
      try {
        this.#work.seal(group.batch);
        await group.batch.write();
      } catch (error) {
        this.#fail(error);
        break;
      }
      this.#finish(group);
    }
    this.#isWriting = false;
    this.#wakeIdle();
  }

  async #writeAlone(batch: DatabaseBatch): Promise<void> {
    try {
      this.#work.seal(batch);
      await batch.write();
    } catch (error) {
      throw this.#fail(error);
    }
    this.#work.written();
  }

  #finish(group: Group<Item>): void {
    this.#waiting.splice(0, group.members.length);
    this.#work.written();
    for (const { item } of group.members) this.#work.durable(item);
    for (const { resolve } of group.members) resolve();
  }

  #fail(cause: unknown): EngineError {
    if (this.#failure !== undefined) return this.#failure;
    const failure = writeError(cause);
    this.#failure = failure;
    const refused = this.#waiting;
    this.#waiting = [];
    this.#open = undefined;
    this.#work.failed(failure);
    for (const { reject } of refused) reject(failure);
    this.#wakeIdle();
    return failure;
  }

  /** Resolves when no write is under way and none is to come of what was prepared. */
  #written(): Promise<void> {
    if (!this.#isWriting && this.#open === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  #wakeIdle(): void {
    if (this.#isWriting) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
