/**
 * Heads that the writer has adopted or has proved to be beginnings of one that it adopted. A session proves heads by what it knew when their
 * batch came, and another session may have been first with the other history of a forked log by the time the batch is written.
 * Tests: test/integration/app/replica-forked-log.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { isSameState } from "../../core/log/head.ts";
import type { Head } from "../../core/log/types.ts";

/** Of each log; the one used last is forgotten last. What is forgotten is proved anew, or asked for again. */
const HEADS_MAX = 32;

export class ProvedHeads {
  readonly #heads = new Map<LogId, Head[]>();

  remember(head: Head): void {
    const heads = this.#heads.get(head.log) ?? [];
    this.#heads.set(head.log, heads);
    const at = heads.findIndex((other) => isSameState(other, head));
    if (at !== -1) heads.splice(at, 1);
    heads.push(head);
    if (heads.length > HEADS_MAX) heads.shift();
  }

  /** True for a head of a state that is remembered, which is then used last. */
  use(head: Head): boolean {
    const known = this.#heads.get(head.log)?.find((other) => isSameState(other, head));
    if (known !== undefined) this.remember(known);
    return known !== undefined;
  }
}
