/**
 * Builds a new version of the stored view in the area that does not serve, while the older one serves: step by step, in turns of the writer that
 * others come between, and then changes over. What is done is durable with each step. Spec: docs/spec/storage.md, "A new version of the
 * view". Tests: test/integration/app/view-building.test.ts.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import { countOf } from "../../core/log/ranges.ts";
import type { ViewArea } from "../../core/log/rows.ts";
import { countIn, NOTHING, unite } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import { NO_COUNTS } from "./ledger.ts";
import { META } from "./meta-names.ts";
import type { Turn } from "./turn.ts";
import type { TurnContext } from "./turn-context.ts";
import {
  countToFold,
  nextFoldStep,
  type ToFold,
  type ViewOptions,
  type ViewProgress,
} from "./view-progress.ts";
import { changeOver, foldStep, notedTurn, readStep, toFold } from "./view-steps.ts";
import type { Writer } from "./writer.ts";

/** Not while a device starts. */
const BEGIN_AFTER_MS = 1_000;
/** After a failure, such as a full disk, or while something is damaged. */
const RETRY_AFTER_MS = 5_000;
/** At least, between two steps: as long as the last one took. */
const REST_MS = 2;
/** While others write; longer than this nobody is waited for. */
const LOOK_AGAIN_MS = 20;
const PATIENCE_MS = 2_000;
const PROGRESS_EVERY_MS = 250;
/** Fewer entries are folded before anybody could read of it. */
const TOLD_FROM = 1_024;

/** How much of what is held is in the view that is built, in positions; equal where none is. */
export interface Built {
  readonly done: number;
  readonly total: number;
}

export type TellBuilt = (built: Built) => void;

export class ViewBuilding {
  readonly #context: TurnContext;
  readonly #writer: Pick<Writer, "keep" | "remember" | "isBusy">;
  readonly #view: ViewOptions;
  readonly #isDoubtful: () => boolean;
  readonly #onChange: () => void;
  readonly #onBuilt: () => void;
  /** An older view serves. */
  #isNeeded = false;
  /** Null until the other area is ready for it. */
  #progress: ViewProgress | null = null;
  /** Noted as evicted, and found so. */
  #found: RangesByLog = NOTHING;
  #cancel: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  #isHurried = false;
  #wake: () => void = () => undefined;
  #closed = false;
  /** That will be cleared: the one that served, or what is left of one. */
  #idleArea: ViewArea;
  /** Another view serves, and nobody has been told that it is durable. */
  #isUntold = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** `onChange`: another view serves, to be told once before and once after that is durable; `onBuilt`: it is. */
  constructor(parts: {
    readonly context: TurnContext;
    readonly writer: Pick<Writer, "keep" | "remember" | "isBusy">;
    readonly view: ViewOptions;
    readonly isDoubtful: () => boolean;
    readonly onChange: () => void;
    readonly onBuilt: () => void;
  }) {
    this.#context = parts.context;
    this.#writer = parts.writer;
    this.#view = parts.view;
    this.#isDoubtful = parts.isDoubtful;
    this.#onChange = parts.onChange;
    this.#onBuilt = parts.onBuilt;
    this.#idleArea = otherThan(parts.context.store.servingArea());
  }

  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** An older view serves; `progress` is what an earlier start has noted. */
  begin(progress: ViewProgress | null): void {
    this.#isNeeded = true;
    const isOfUse = progress?.version === this.#view.version && progress.area === this.#idleArea;
    if (isOfUse) this.#progress = progress;
  }

  /** The view is built at once instead. */
  giveUp(): void {
    this.#isNeeded = false;
    this.#progress = null;
  }

  covered(): Built {
    const open = this.#toFold();
    const total = countIn(open.held);
    return { done: this.#isNeeded ? total - countToFold(open) : total, total };
  }

  /** In the background from now on: builds where that is needed, and clears what does not serve. `tell` hears of it where it takes long. */
  start(tell: TellBuilt): void {
    this.#schedule(BEGIN_AFTER_MS, tell);
  }

  /** Resolves once the view is of this version, or cannot be built now. @throws EngineError `DISK_FULL`, `STORE_*`, `NODE_CLOSED`. */
  async complete(tell: TellBuilt): Promise<void> {
    this.#isHurried = true;
    try {
      await this.#running;
      await this.#build(tell);
    } finally {
      this.#isHurried = false;
    }
  }

  /** What is under way ends with its step. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#wake();
    await this.#running;
  }

  #schedule(afterMs: number, tell: TellBuilt): void {
    if (this.#closed) return;
    this.#cancel = this.#context.clock.after(afterMs, () => {
      this.#running = this.#inBackground(tell).then((isDone) => {
        this.#running = null;
        if (!isDone) this.#schedule(RETRY_AFTER_MS, tell);
      });
    });
  }

  async #inBackground(tell: TellBuilt): Promise<boolean> {
    try {
      if (!(await this.#build(tell))) return false;
      await this.#clear();
      return true;
    } catch (error) {
      if (!isEngineError(error)) throw error;
      return false;
    }
  }

  /** False where it has to wait. */
  async #build(tell: TellBuilt): Promise<boolean> {
    const { clock } = this.#context;
    let isTold = false;
    while (this.#isNeeded) {
      if (this.#isBarred()) return false;
      const beganMs = clock.monotonicMs();
      if (this.#progress === null) await this.#prepare();
      else if (!(await this.#step())) return false;
      const built = this.covered();
      isTold ||= built.total - built.done >= TOLD_FROM;
      if (isTold) this.#tellNowAndThen(built, tell);
      await this.#rest(clock.monotonicMs() - beganMs);
    }
    if (this.#isUntold) await this.#tellBuilt();
    return true;
  }

  /** What this device knows of its members or holds may be wrong: the view is built at once when that is set right. */
  #isBarred(): boolean {
    const { lost, isFoundAgain, isUnsettled } = this.#context.ledger;
    return this.#isDoubtful() || lost.size > 0 || isFoundAgain || isUnsettled;
  }

  async #prepare(): Promise<void> {
    await this.#clear();
    const progress = {
      version: this.#view.version,
      area: this.#idleArea,
      counts: NO_COUNTS,
      done: NOTHING,
    };
    await this.#turn(() => {
      if (!this.#isNeeded) return null;
      this.#progress = progress;
      return notedTurn(progress);
    });
  }

  /** What says how far the other area has come goes first: a kill in between leaves no word for rows that are gone. */
  async #clear(): Promise<void> {
    const { store } = this.#context;
    if ((await store.meta(META.viewBuilding)) !== undefined)
      await this.#writer.remember(new Map([[META.viewBuilding, null]]));
    await store.clearRows({ area: this.#idleArea, pace: () => this.#rest(REST_MS) });
  }

  /** False where something cannot be read. */
  async #step(): Promise<boolean> {
    let isRead = true;
    await this.#turn(async () => {
      const before = this.#progress;
      if (before === null || this.#isBarred()) return null;
      const step = nextFoldStep(this.#toFold(), this.#view.stepEntries);
      if (step === null) return this.#changeOver(before);
      const stored = await readStep(this.#context, step);
      isRead = stored.length === countOf(step.ranges) && !this.#isDoubtful();
      if (!isRead) return null;
      const { turn, progress, absent } = await foldStep(this.#context, before, step, stored);
      return {
        ...turn,
        apply: () => {
          turn.apply();
          this.#progress = progress;
          this.#found = unite(this.#found, absent);
        },
      };
    });
    return isRead;
  }

  #changeOver(progress: ViewProgress): Turn {
    const turn = changeOver(this.#context, progress);
    return {
      ...turn,
      apply: () => {
        turn.apply();
        this.giveUp();
        this.#idleArea = otherThan(progress.area);
        this.#isUntold = true;
        this.#onChange();
      },
    };
  }

  /** Also where the disk refused the change at first, and took it later. */
  async #tellBuilt(): Promise<void> {
    // Nothing new: resolves once all that was given to the disk is durable.
    await this.#turn(() => null);
    this.#isUntold = false;
    this.#onChange();
    this.#onBuilt();
  }

  #toFold(): ToFold {
    return toFold(this.#context, this.#progress, this.#found);
  }

  async #turn(prepare: () => Promise<Turn | null> | Turn | null): Promise<void> {
    await this.#writer.keep(async () => ({ turn: await prepare(), result: undefined }));
  }

  async #rest(ms: number): Promise<void> {
    this.#requireOpen();
    if (this.#isHurried) return;
    await this.#wait(Math.max(REST_MS, ms));
    for (let waitedMs = 0; this.#writer.isBusy && waitedMs < PATIENCE_MS; waitedMs += LOOK_AGAIN_MS) {
      this.#requireOpen();
      await this.#wait(LOOK_AGAIN_MS);
    }
    this.#requireOpen();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #requireOpen(): void {
    if (this.#closed) throw new EngineError("NODE_CLOSED", "the node is closing");
  }

  #tellNowAndThen(built: Built, tell: TellBuilt): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#toldMs < PROGRESS_EVERY_MS && this.#isNeeded) return;
    this.#toldMs = nowMs;
    tell(built);
  }
}

function otherThan(area: ViewArea): ViewArea {
  return area === 0 ? 1 : 0;
}
