/**
 * Decides which incoming connections are let in, so that one address on the network cannot take every slot (threats N7,
 * N11). It knows addresses only: who is behind them shows itself inside the streams. libp2p counts the total.
 * Tests: test/unit/net/admission.test.ts.
 */
import { isLoopbackHost } from "./address.ts";
import type { NetLimits } from "./limits.ts";

/** Addresses remembered at once; those with nothing open are forgotten first, then newcomers are refused. */
const HOSTS_MAX = 1_024;

const SECOND_MS = 1_000;

interface HostRecord {
  open: number;
  pending: number;
  secondFrom: number;
  inSecond: number;
}

/** What was let in. Tell when its handshake is done and when it is gone. */
export interface Admitted {
  readonly upgraded: () => void;
  readonly gone: () => void;
}

export class Admission {
  readonly #limits: NetLimits;
  readonly #monotonicMs: () => number;
  readonly #records = new Map<string, HostRecord>();
  #forgotAt = Number.NEGATIVE_INFINITY;

  constructor(limits: NetLimits, monotonicMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  /** Undefined refuses. */
  admit(host: string): Admitted | undefined {
    if (this.#limits.loopbackIsExempt && isLoopbackHost(host))
      return { upgraded: () => undefined, gone: () => undefined };
    const now = this.#monotonicMs();
    const record = this.#recordOf(host, now);
    if (record === undefined) return undefined;
    if (now - record.secondFrom >= SECOND_MS) {
      record.secondFrom = now;
      record.inSecond = 0;
    }
    record.inSecond++;
    const { connectionsPerHostMax, connectionsPerHostPerSecond, pendingPerHostMax } = this.#limits;
    if (record.inSecond > connectionsPerHostPerSecond) return undefined;
    if (record.open >= connectionsPerHostMax || record.pending >= pendingPerHostMax) return undefined;
    return this.#enter(record);
  }

  #enter(record: HostRecord): Admitted {
    let state: "pending" | "open" | "gone" = "pending";
    record.open++;
    record.pending++;
    const upgraded = (): void => {
      if (state !== "pending") return;
      state = "open";
      record.pending--;
    };
    return {
      upgraded,
      gone: () => {
        if (state === "gone") return;
        upgraded();
        state = "gone";
        record.open--;
      },
    };
  }

  #recordOf(host: string, now: number): HostRecord | undefined {
    const known = this.#records.get(host);
    if (known !== undefined) return known;
    if (this.#records.size >= HOSTS_MAX) {
      this.#forgetGone(now);
      if (this.#records.size >= HOSTS_MAX) return undefined;
    }
    const record = { open: 0, pending: 0, secondFrom: now, inSecond: 0 };
    this.#records.set(host, record);
    return record;
  }

  /** At most once a second, since it looks at every record. */
  #forgetGone(now: number): void {
    if (now - this.#forgotAt < SECOND_MS) return;
    this.#forgotAt = now;
    for (const [host, { open, secondFrom }] of this.#records) {
      if (open === 0 && now - secondFrom >= SECOND_MS) this.#records.delete(host);
    }
  }
}
