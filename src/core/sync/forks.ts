/**
 * Logs of which two signed heads contradict each other. Such a log rests until its fork has become part of the
 * members' view, which says where it ends; all other logs go on. Tests: test/unit/sync/session-forks.test.ts.
 */
import type { AccountId, LogId } from "../base/ids.ts";
import { areSigned, type Fork, isContradiction } from "../log/fork.ts";
import type { LogOwner, MemberView } from "../membership/types.ts";
import type { CloseReason, SessionFrame } from "../wire/frames.ts";

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

  /** Null where the owner signed both heads and they cannot both be; else why the session ends. */
  faultOf(fork: Fork, owner: LogOwner): CloseReason | null {
    if (!areSigned(fork, { account: this.#account, author: owner.device })) return "bad-signature";
    if (isContradiction(fork)) return null;
    return fork.nodes.length === 0 ? "bad-signature" : "bad-proof";
  }

  /** A log that the members' view cuts ends there for both sides alike, so what lies below goes on. */
  resolve(members: MemberView): void {
    for (const log of this.#resting) if (members.logs.get(log)?.cut !== null) this.#resting.delete(log);
  }
}

type EvidenceFrame = Extract<SessionFrame, { kind: "evidence" | "evidence-nodes" }>;

/** How a peer is told of it. */
export function evidenceFrame({ heads, nodes }: Fork): EvidenceFrame {
  if (nodes.length === 0) return { kind: "evidence", heads };
  return { kind: "evidence-nodes", heads, nodes };
}

/** What a peer claims; `faultOf` says whether it is so. */
export function forkIn(frame: EvidenceFrame): Fork {
  const { heads } = frame;
  return { log: heads[0].log, heads, nodes: frame.kind === "evidence" ? [] : frame.nodes };
}
