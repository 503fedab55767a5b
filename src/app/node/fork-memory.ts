/**
 * The forks that this device knows of, with their evidence, over a restart too. The first pair of heads of a log stays: whatever comes
 * later, that its device signed both is shown. Written at once, and again where the disk refuses.
 * Spec: docs/spec/storage.md, "Small values". Tests: test/unit/app/fork-memory.test.ts.
 */
import { hex } from "../../core/base/bytes.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { LogId } from "../../core/base/ids.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import { type Fork, verifyFork } from "../../core/log/fork.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";
import {
  decodeFork,
  decodeLogs,
  encodeFork,
  encodeLogs,
  type FoundFork,
  FORKS_MAX,
} from "./fork-memory-codec.ts";
import { tolerant } from "./peer-memory-codec.ts";
import type { ForkEvidence } from "./alarm-types.ts";

const WRITE_AGAIN_MS = 60_000;

export class ForkMemory {
  readonly #replica: Replica;
  /** Logs that have a row; also those that nobody here knows the owner of now. */
  readonly #logs: Set<LogId>;
  readonly #found = new Map<LogId, FoundFork>();
  readonly #unwritten = new Map<LogId, FoundFork>();
  readonly #told = new Set<LogId>();
  #cancel: CancelTimer | null = null;

  private constructor(replica: Replica, logs: readonly LogId[]) {
    this.#replica = replica;
    this.#logs = new Set(logs);
  }

  /** What cannot be read, or is no evidence, is left out: nobody is alarmed by a row that does not prove itself. */
  static async open(replica: Replica): Promise<ForkMemory> {
    const { store } = replica.ports;
    const logs = tolerant(await store.meta(META.forks), decodeLogs) ?? [];
    const memory = new ForkMemory(replica, logs);
    for (const log of logs) {
      const found = tolerant(await store.meta(`${META.fork}${log}`), decodeFork);
      if (found?.fork.log === log && memory.#isEvidence(found.fork)) memory.#found.set(log, found);
    }
    return memory;
  }

  /** Known from earlier runs, and not met again in this one. */
  get untold(): readonly FoundFork[] {
    return [...this.#found.values()].filter(({ fork }) => !this.#told.has(fork.log));
  }

  /** The evidence to tell, the first time in a run that a fork of this log is met; else null: every session that compares it finds the same. */
  note(fork: Fork): Fork | null {
    const { log } = fork;
    if (this.#told.has(log)) return null;
    this.#told.add(log);
    if (!this.#found.has(log) && (this.#logs.has(log) || this.#logs.size < FORKS_MAX)) {
      const found = { fork, atMs: this.#replica.ports.clock.wallMs() };
      this.#logs.add(log);
      this.#found.set(log, found);
      this.#unwritten.set(log, found);
    }
    void this.flush();
    return this.#found.get(log)?.fork ?? fork;
  }

  /** What a person, or a program of theirs, needs to check it. */
  evidence({ log, heads, nodes }: Fork): ForkEvidence {
    const signed = heads.map(({ length, root, signature }) => ({
      length,
      root: hex(root),
      signature: hex(signature),
    }));
    return {
      account: this.#replica.account,
      device: this.#replica.members.logs.get(log)?.device ?? null,
      log,
      heads: signed,
      nodes: nodes.map(hex),
    };
  }

  /** Writes what is not written yet; also at the end of the node. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#unwritten.size === 0) return;
    const rows = [...this.#unwritten];
    this.#unwritten.clear();
    try {
      await this.#replica.writer.remember(
        new Map([
          [META.forks, encodeLogs([...this.#logs])],
          ...rows.map(([log, found]) => [`${META.fork}${log}`, encodeFork(found)] as const),
        ]),
      );
    } catch (error) {
      if (!isEngineError(error)) throw error;
      for (const [log, found] of rows) this.#unwritten.set(log, found);
      if (error.code !== "NODE_CLOSED") this.#again();
    }
  }

  async close(): Promise<void> {
    await this.flush();
    this.#cancel?.();
  }

  #again(): void {
    this.#cancel ??= this.#replica.ports.clock.after(WRITE_AGAIN_MS, () => void this.flush());
  }

  #isEvidence(fork: Fork): boolean {
    const owner = this.#replica.members.logs.get(fork.log);
    return owner !== undefined && verifyFork(fork, { account: this.#replica.account, author: owner.device });
  }
}
