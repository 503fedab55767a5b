/**
 * What is to be carried out about keeping, one after the other, so that words of one peer are carried out in their order. What a disk refuses is
 * tried again until there is room: a session may last for days, and its words are said once. What a peer says again and again waits once: neither
 * a slow disk nor a full one lets anybody fill this device's memory (threat N8).
 * Tests: test/integration/app/promises.test.ts, test/integration/app/promises-full-disk.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { DeviceId } from "../../core/base/ids.ts";
import type { CancelTimer, Clock } from "../../core/base/ports.ts";
import { NOTHING, unite, without } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";

/** After the store itself has been tried again. */
const RETRY_AFTER_MS = 10_000;

type Work = () => Promise<unknown>;

/** What a peer says of positions, which is gathered until it is carried out. */
export type Gathered = "released" | "lost";

interface Gathering {
  waiting: RangesByLog;
  /** Being carried out. */
  running: RangesByLog;
  readonly work: (places: RangesByLog) => Promise<unknown>;
}

export class KeepQueue {
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();
  readonly #due = new Set<string>();
  /** By name, what the disk refused. */
  readonly #refused = new Map<string, Work>();
  readonly #gathered = new Map<string, Gathering>();
  #cancelRetry: CancelTimer | null = null;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Once for all that is put in under this name until its turn comes, so `work` finds out then what there is to do. Whole again where the disk
   * refuses any of it.
   */
  later(name: string, work: Work): void {
    if (this.#due.has(name)) return;
    this.#due.add(name);
    this.#refused.delete(name);
    this.#last = this.#last.then(async () => {
      this.#due.delete(name);
      if (this.#isStopped) return;
      try {
        await work();
      } catch (error) {
        if (!isEngineError(error)) throw error;
        this.#again(name, work);
      }
    });
  }

  /** As `later`, of all that one peer says of a kind until its turn comes; it takes the place of the first. `work` is that of the first, too. */
  gather(kind: Gathered, peer: DeviceId, places: RangesByLog, work: Gathering["work"]): void {
    if (places.size === 0) return;
    const name = nameOf(kind, peer);
    const gathering = this.#gathered.get(name) ?? { waiting: NOTHING, running: NOTHING, work };
    gathering.waiting = unite(gathering.waiting, places);
    this.#gathered.set(name, gathering);
    this.later(name, () => this.first(kind, peer));
  }

  /** Carries out what is gathered, ahead of its turn: for work under way that must come after it. */
  async first(kind: Gathered, peer: DeviceId): Promise<void> {
    const name = nameOf(kind, peer);
    const gathering = this.#gathered.get(name);
    if (gathering === undefined) return;
    gathering.running = gathering.waiting;
    gathering.waiting = NOTHING;
    try {
      if (gathering.running.size > 0) await gathering.work(gathering.running);
      gathering.running = NOTHING;
    } finally {
      gathering.waiting = unite(gathering.waiting, gathering.running);
      gathering.running = NOTHING;
      if (gathering.waiting.size === 0) this.#gathered.delete(name);
    }
  }

  /** The peer has said otherwise of these since: they are not carried out, nor tried again where that is under way. */
  forget(kind: Gathered, peer: DeviceId, places: RangesByLog): void {
    const gathering = this.#gathered.get(nameOf(kind, peer));
    if (gathering === undefined) return;
    gathering.waiting = without(gathering.waiting, places);
    gathering.running = without(gathering.running, places);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Nothing more is begun. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  /** Resolves when what had begun has ended. */
  async drained(): Promise<void> {
    await this.#last;
  }

  #again(name: string, work: Work): void {
    if (this.#isStopped || this.#due.has(name)) return;
    this.#refused.set(name, work);
    this.#cancelRetry ??= this.#clock.after(RETRY_AFTER_MS, () => {
      this.#cancelRetry = null;
      for (const [each, refused] of this.#refused) this.later(each, refused);
    });
  }
}

function nameOf(kind: Gathered, peer: DeviceId): string {
  return `${kind} ${peer}`;
}
