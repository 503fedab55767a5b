/**
 * What is to be carried out about keeping, one after the other, so that words of one peer are carried out in their order. What a peer says again
 * and again waits once: a slow disk lets nobody fill this device's memory (threat N8). Tests: test/integration/app/promises.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { DeviceId } from "../../core/base/ids.ts";
import { NOTHING, unite } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";

export class KeepQueue {
  #last: Promise<void> = Promise.resolve();
  readonly #waiting = new Map<string, RangesByLog>();
  #isStopped = false;

  later(work: () => Promise<unknown>): void {
    this.#last = this.#last.then(async () => {
      if (this.#isStopped) return;
      try {
        await work();
      } catch (error) {
        // A disk that refuses: said again in the next session, but for asks and releases, which keep-giving.ts tries again.
        if (!isEngineError(error)) throw error;
      }
    });
  }

  /** As `later`, of all that one peer says of a kind until its turn comes; it takes the place of the first. */
  gather(
    kind: "released" | "lost",
    peer: DeviceId,
    places: RangesByLog,
    work: (places: RangesByLog) => Promise<unknown>,
  ): void {
    if (places.size === 0) return;
    const key = `${kind} ${peer}`;
    const before = this.#waiting.get(key);
    this.#waiting.set(key, unite(before ?? NOTHING, places));
    if (before !== undefined) return;
    this.later(() => {
      const all = this.#waiting.get(key) ?? NOTHING;
      this.#waiting.delete(key);
      return work(all);
    });
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Nothing more is begun. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when what had begun has ended. */
  async drained(): Promise<void> {
    await this.#last;
  }
}
