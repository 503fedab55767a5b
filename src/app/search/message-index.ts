/**
 * The search index of a device: built in the background while it changes, asked at any time. Says how far it has come.
 * Spec: docs/spec/search.md. Tests: test/integration/app/search.test.ts.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import type { Place } from "../../core/log/rows.ts";
import { STEP_SIZES, type StepSizes } from "../../core/search/next-step.ts";
import type { Replica } from "../replica/replica.ts";
import { type Covered, IndexBuilding } from "./index-building.ts";
import { IndexRows, NO_INDEX } from "./index-rows.ts";
import { Pace } from "./pace.ts";
import { type FoundMessages, type Search, SegmentDamaged, Searching } from "./searching.ts";
import { type CurrentTexts, Texts } from "./texts.ts";

/** Not while a device starts, and not after each message. */
const BEGIN_AFTER_MS = 1_000;
/** After a failure, such as a full disk. */
const RETRY_AFTER_MS = 30_000;
/** While an older view serves, which may not know of edits what the new one will. */
const VIEW_AFTER_MS = 2_000;
const PROGRESS_EVERY_MS = 250;
/** Fewer pending positions are built before anybody could read of it. */
const TOLD_FROM = 1_024;
/** Each time another segment is given up, or has just been replaced. */
const TRIES_MAX = 1_000;

export type TellCovered = (covered: Covered) => void;

interface Parts {
  readonly rows: IndexRows;
  readonly texts: Texts;
  readonly building: IndexBuilding;
  readonly searching: Searching;
}

export class MessageIndex {
  readonly #replica: Replica;
  readonly #current: CurrentTexts;
  readonly #tell: TellCovered;
  readonly #sizes: StepSizes;
  readonly #pace: Pace;
  #parts: Parts | null = null;
  #isBackground = false;
  #cancel: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  #unsubscribe: (() => void) | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** `tell` hears how far building in the background has come, where it takes long: at most four times a second, and at the end. */
  constructor(input: {
    readonly replica: Replica;
    readonly current: CurrentTexts;
    readonly tell: TellCovered;
    readonly sizes?: StepSizes;
  }) {
    this.#replica = input.replica;
    this.#current = input.current;
    this.#tell = input.tell;
    this.#sizes = input.sizes ?? STEP_SIZES;
    this.#pace = new Pace(input.replica.ports.clock);
  }

  /** Builds in the background from now on. */
  start(): void {
    this.#isBackground = true;
    this.#unsubscribe = this.#replica.subscribe(({ operations, states }) => {
      this.#pace.saw(operations.length);
      if (states.length > 0) this.#schedule(BEGIN_AFTER_MS);
    });
    this.#schedule(BEGIN_AFTER_MS);
  }

  /** So many entries are on their way to somebody, who waits for the rest of them. */
  giveWay(entries: number): void {
    this.#pace.saw(entries);
  }

  /** How much of what is held can be found. */
  async covered(): Promise<Covered> {
    return (await this.#open()?.building.covered()) ?? { done: 0, total: 0 };
  }

  /** Everything that can be built is built when it resolves. @throws EngineError `DISK_FULL`, `STORE_*`, `NODE_CLOSED`. */
  async complete(tell: TellCovered): Promise<void> {
    this.#pace.hurry();
    try {
      while (this.#running !== null) await this.#running;
      // Not told: what is asked for is a search.
      await this.#replica.stored.building.complete(() => undefined);
      await this.#build(tell);
    } finally {
      this.#pace.calm();
    }
  }

  /** @throws EngineError `STORE_DAMAGED` where a message that may match cannot be read. */
  async search(search: Search): Promise<FoundMessages> {
    const parts = this.#open();
    if (parts === null) return { found: [], next: null };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const read = (await parts.rows.state()) ?? NO_INDEX;
      try {
        return await parts.searching.run(read, search);
      } catch (error) {
        if (!(error instanceof SegmentDamaged)) throw error;
        await this.#afterDamage(parts, error.segment);
      }
    }
    throw new EngineError("STORE_DAMAGED", "the search index cannot be read");
  }

  /** What stands at these places is being erased: it leaves the index, too. */
  async forget(places: readonly Place[]): Promise<void> {
    await this.#open()?.building.forget(places);
    if (this.#isBackground) this.#schedule(0);
  }

  /** What is being built ends at its next rest. */
  async close(): Promise<void> {
    this.#isBackground = false;
    this.#unsubscribe?.();
    this.#cancel?.();
    this.#pace.close();
    await this.#running;
  }

  /** A segment that has been replaced in the meantime is read no more; one that the state still names is given up. */
  async #afterDamage({ rows, building }: Parts, segment: number): Promise<void> {
    const state = (await rows.state())?.state;
    const bad = state?.segments.find(({ number }) => number === segment);
    if (bad === undefined) return;
    await building.giveUp(segment);
    if (this.#isBackground) this.#schedule(0);
  }

  #schedule(afterMs: number): void {
    if (!this.#isBackground || this.#running !== null || this.#cancel !== null) return;
    this.#cancel = this.#replica.ports.clock.after(afterMs, () => {
      this.#cancel = null;
      if (this.#running !== null) return;
      this.#running = this.#inBackground().then((nextMs) => {
        this.#running = null;
        if (nextMs !== null) this.#schedule(nextMs);
      });
    });
  }

  /** When to look again; null: with the next change. */
  async #inBackground(): Promise<number | null> {
    try {
      if (this.#replica.stored.building.isNeeded) return VIEW_AFTER_MS;
      await this.#build(this.#tell);
      return null;
    } catch (error) {
      if (!isEngineError(error)) throw error;
      return error.code === "NODE_CLOSED" ? null : RETRY_AFTER_MS;
    }
  }

  async #build(tell: TellCovered): Promise<void> {
    const parts = this.#open();
    if (parts === null) return;
    const { building } = parts;
    let isTold = false;
    do {
      const covered = await building.covered();
      // Asked again each time: it may have begun with few, and then an import came.
      isTold ||= covered.total - covered.done >= TOLD_FROM;
      if (isTold) this.#tellNowAndThen(covered, tell);
    } while (await building.step());
    if (isTold) tell(await building.covered());
  }

  #tellNowAndThen(covered: Covered, tell: TellCovered): void {
    const nowMs = this.#replica.ports.clock.monotonicMs();
    if (nowMs - this.#toldMs < PROGRESS_EVERY_MS || covered.done === covered.total) return;
    this.#toldMs = nowMs;
    tell(covered);
  }

  /** Null until the index key is here. */
  #open(): Parts | null {
    const { indexKey } = this.#replica.keys;
    if (this.#parts !== null || indexKey === null) return this.#parts;
    const rows = new IndexRows(this.#replica, indexKey);
    const texts = new Texts(this.#replica, this.#current);
    this.#parts = {
      rows,
      texts,
      building: new IndexBuilding({ rows, texts, pace: this.#pace, sizes: this.#sizes }),
      searching: new Searching({ rows, texts, pendingMax: this.#sizes.pendingMin }),
    };
    return this.#parts;
  }
}
