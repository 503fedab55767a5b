/**
 * The heads that a session may build on: the durable one of each log, one that is on its way to the disk, and those that were
 * known before, since a peer serves under the head that it had when it was asked. A signature seen once is not checked again.
 * Tests: test/unit/sync/session.test.ts.
 */
import type { LogId, TreeHash } from "../base/ids.ts";
import { isSameHead, isSameState } from "../log/head.ts";
import { NO_RANGES } from "../log/ranges.ts";
import { EMPTY_PREFIX } from "../log/state.ts";
import type { Frontier, Head, LogState } from "../log/types.ts";

/** Earlier heads remembered of each log; the one used last is forgotten last. */
const EARLIER_MAX = 32;

export class KnownHeads {
  readonly #view: { readonly frontier: Frontier };
  readonly #pending = new Map<LogId, LogState>();
  readonly #earlier = new Map<LogId, Head[]>();

  constructor(view: { readonly frontier: Frontier }) {
    this.#view = view;
  }

  /** The longest head that is proved here, durable or about to be. Of a pending one only head and peaks are meant. */
  current(log: LogId): LogState | undefined {
    const durable = this.#view.frontier.get(log);
    const pending = this.#pending.get(log);
    if (pending === undefined) return durable;
    if (durable === undefined || pending.head.length > durable.head.length) return pending;
    this.#pending.delete(log);
    return durable;
  }

  lengthOf(log: LogId): number {
    return this.current(log)?.head.length ?? 0;
  }

  /** True for a head of a state that this device has, or had, proved. */
  isProved(head: Head): boolean {
    return this.#find(head, isSameState) !== undefined;
  }

  /** The same head where its signature has been checked, for `verifyBatch`. */
  verified(head: Head): Head | undefined {
    return this.#find(head, isSameHead);
  }

  /** A proved head of the same log and length, whatever its root. */
  ofLength(log: LogId, length: number): Head | undefined {
    const current = this.current(log);
    if (current?.head.length === length) return current.head;
    return this.#earlier.get(log)?.find((head) => head.length === length);
  }

  /** Proved and signed; not durable yet. */
  adopt(head: Head, peaks: readonly TreeHash[]): void {
    this.remember(head);
    this.#pending.set(head.log, { head, peaks, held: NO_RANGES, prefix: EMPTY_PREFIX });
  }

  /** What was to become durable did not: only the view counts. */
  forgetPending(log: LogId): void {
    const pending = this.#pending.get(log);
    if (pending === undefined) return;
    this.#pending.delete(log);
    const earlier = this.#earlier.get(log) ?? [];
    this.#earlier.set(
      log,
      earlier.filter((head) => head.length <= (this.#view.frontier.get(log)?.head.length ?? 0)),
    );
  }

  /** It is not proved after all. Where it is the durable one, the view says so still. */
  forget(head: Head): void {
    const earlier = this.#earlier.get(head.log) ?? [];
    this.#earlier.set(
      head.log,
      earlier.filter((other) => !isSameState(other, head)),
    );
  }

  remember(head: Head): void {
    let earlier = this.#earlier.get(head.log);
    if (earlier === undefined) this.#earlier.set(head.log, (earlier = []));
    const at = earlier.findIndex((other) => isSameHead(other, head));
    if (at !== -1) earlier.splice(at, 1);
    earlier.push(head);
    if (earlier.length > EARLIER_MAX) earlier.shift();
  }

  #find(head: Head, isSame: (a: Head, b: Head) => boolean): Head | undefined {
    const current = this.current(head.log);
    if (current !== undefined && isSame(current.head, head)) return current.head;
    const durable = this.#view.frontier.get(head.log);
    if (durable !== undefined && isSame(durable.head, head)) return durable.head;
    return this.#earlier.get(head.log)?.find((other) => isSame(other, head));
  }
}
