/**
 * Notices when this process stood still: a machine that was suspended, or somebody who stopped it. What was measured meanwhile says
 * nothing about the nodes, so the table is followed by it.
 */
import { formatMs } from "./table.ts";

const LOOK_EVERY_MS = 500;
const STALL_MS = 3_000;

export class StallWatch {
  readonly #stallsMs: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #lookedAt = performance.now();

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      const lateMs = now - this.#lookedAt - LOOK_EVERY_MS;
      if (lateMs > STALL_MS) this.#stallsMs.push(lateMs);
      this.#lookedAt = now;
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** A sentence where there is something to say. */
  describe(): string | undefined {
    if (this.#stallsMs.length === 0) return undefined;
    const longest = formatMs(Math.max(...this.#stallsMs));
    return `This process was stopped ${this.#stallsMs.length} times while it measured, for up to ${longest}: times above may be its, not the nodes'.`;
  }
}
