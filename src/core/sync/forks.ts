/**
 * Logs of which two signed heads of one length contradict each other. Such a log rests until its fork has become part of the
 * members' view, which says where it ends; all other logs go on. Tests: test/unit/sync/session-faults.test.ts.
 */
import type { AccountId, LogId } from "../base/ids.ts";
import { isSameState, verifyHead } from "../log/head.ts";
import type { Head } from "../log/types.ts";
import type { LogOwner, MemberView } from "../membership/types.ts";

export class Forks {
  readonly #account: AccountId;
  readonly #resting = new Set<LogId>();

  constructor(account: AccountId) {
    this.#account = account;
  }

  get isEmpty(): boolean {
    return this.#resting.size === 0;
  }

  has(log: LogId): boolean {
    return this.#resting.has(log);
  }

  add(log: LogId): void {
    this.#resting.add(log);
  }

  /** True where the owner signed both and they cannot both be. */
  isEvidence([a, b]: readonly [Head, Head], owner: LogOwner): boolean {
    const author = { account: this.#account, author: owner.device };
    return !isSameState(a, b) && verifyHead(a, author) && verifyHead(b, author);
  }

  /** A log that the members' view cuts ends there for both sides alike, so what lies below goes on. */
  resolve(members: MemberView): void {
    for (const log of this.#resting) if (members.logs.get(log)?.cut !== null) this.#resting.delete(log);
  }
}
