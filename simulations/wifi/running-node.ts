/**
 * A node that runs: its events as they come, requests through one `rpc` process, its costs from /proc, and the ways to disturb it.
 */
import { readFileSync } from "node:fs";
import type { KinlogEvent } from "../../src/app/node/types.ts";
import type { Ended, LineProcess } from "./line-process.ts";

const READY_MS = 20_000;
const REQUEST_MS = 60_000;
/** Clock ticks a second in /proc: fixed on Linux since 2.6. */
const TICKS_PER_SECOND = 100;

export interface Stamped {
  readonly atMs: number;
  readonly event: KinlogEvent;
}

export interface Cost {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: string;

  constructor(method: string, code: string, message: string) {
    super(`${method}: ${code}: ${message}`);
    this.code = code;
  }
}

export class RunningNode {
  readonly ready: Promise<Extract<KinlogEvent, { event: "ready" }>>;
  readonly ended: Promise<Ended>;
  /** The first sibling that it met. */
  readonly met: Promise<Stamped>;
  readonly #process: LineProcess;
  readonly #openRpc: () => LineProcess;
  readonly #pending = new Map<number, (value: Readonly<Record<string, unknown>>) => void>();
  #rpc: LineProcess | undefined;
  #requests = 0;

  constructor(running: LineProcess, openRpc: () => LineProcess) {
    this.#process = running;
    this.#openRpc = openRpc;
    this.ended = running.ended;
    this.ready = this.event((event) => event.event === "ready", READY_MS).then(
      ({ event }) => event as Extract<KinlogEvent, { event: "ready" }>,
    );
    // Listens from the start, since it may come together with `ready`.
    this.met = new Promise((resolve) => {
      this.onEvent((stamped) => {
        if (stamped.event.event === "peer-connected") resolve(stamped);
      });
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  get isOver(): boolean {
    return this.#process.isOver;
  }

  /** Each event from now on, until the returned function is called. */
  onEvent(listener: (stamped: Stamped) => void): () => void {
    return this.#process.onLine(({ atMs, value }) => {
      if (typeof value["event"] === "string") listener({ atMs, event: value as unknown as KinlogEvent });
    });
  }

  /** The next event that `isWanted`. */
  async event(isWanted: (event: KinlogEvent) => boolean, timeoutMs: number): Promise<Stamped> {
    const { atMs, value } = await this.#process.line(
      (line) => typeof line.value["event"] === "string" && isWanted(line.value as unknown as KinlogEvent),
      timeoutMs,
    );
    return { atMs, event: value as unknown as KinlogEvent };
  }

  /** One request of docs/spec/api.md. @throws RequestError; Error where the node is gone. */
  async request<Result>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Result> {
    const rpc = this.#rpcProcess();
    const id = ++this.#requests;
    const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, unknown>>>();
    this.#pending.set(id, resolve);
    const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), REQUEST_MS);
    void rpc.ended.then(({ code }) => reject(new Error(`${method}: rpc ended, exit ${code}`)));
    rpc.write(`${JSON.stringify({ id, method, params })}\n`);
    try {
      const { error, result } = await promise;
      if (error === undefined) return result as Result;
      const { code, message } = error as { readonly code: string; readonly message: string };
      throw new RequestError(method, code, message);
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** What it has used since its start, and holds now. */
  cost(): Cost {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    // The name of the program, in brackets, may hold spaces; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"));
    return {
      cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND,
      residentBytes: Number(resident?.[1] ?? 0) * 1_024,
    };
  }

  /** As a lid that closes: it stands still and its sockets stay. */
  freeze(): void {
    this.#process.signal("SIGSTOP");
  }

  thaw(): void {
    this.#process.signal("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#process.signal("SIGKILL");
    await this.ended;
    this.closeRpc();
  }

  closeRpc(): void {
    this.#rpc?.signal("SIGKILL");
    this.#rpc = undefined;
  }

  #rpcProcess(): LineProcess {
    if (this.#rpc !== undefined && !this.#rpc.isOver) return this.#rpc;
    const rpc = this.#openRpc();
    rpc.onLine(({ value }) => {
      // Events of a request come under its id before its result.
      if ("result" in value || "error" in value) this.#pending.get(Number(value["id"]))?.(value);
    });
    this.#rpc = rpc;
    return rpc;
  }
}
