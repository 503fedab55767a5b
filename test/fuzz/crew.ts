/**
 * Threads that try decoders, and an eye on each: an input that never ends, or that takes more memory than a thread has, ends
 * its thread and is a finding like any other.
 */
import { Worker } from "node:worker_threads";
import type { FuzzResult } from "./fuzzer.ts";
import { SharedInput } from "./shared-input.ts";
import type { Order, Report } from "./worker.ts";

/** Far above what one input may take: of the time that this process was given, so that a busy machine makes no finding. */
const HANG_CPU_MS = 20_000;
/** Whoever waits for ever takes no such time. */
const HANG_MS = 200_000;
const LOOK_MS = 1_000;
const MEMORY_MB = 768;

/** Runs the orders in their turn, `jobs` at once; tells of each as it ends. */
export async function runCrew(
  orders: readonly Order[],
  jobs: number,
  onResult: (order: Order, result: FuzzResult) => void,
): Promise<void> {
  const waiting = [...orders];
  const members = Array.from({ length: Math.min(jobs, orders.length) }, async () => {
    let member = await Member.start();
    for (let order = waiting.shift(); order !== undefined; order = waiting.shift()) {
      const result = await member.follow(order);
      onResult(order, result ?? member.lastWord());
      if (result === undefined) member = await Member.start();
    }
    await member.end();
  });
  await Promise.all(members);
}

class Member {
  readonly #shared = new SharedInput();
  readonly #worker: Worker;
  #answer: PromiseWithResolvers<Report | undefined> = Promise.withResolvers();
  #whyEnded = "the thread ended";
  #numberBefore = 0;

  private constructor() {
    this.#worker = new Worker(new URL("worker.js", import.meta.url), {
      workerData: this.#shared.memory,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    this.#worker.on("message", (report: Report) => this.#answer.resolve(report));
    this.#worker.on("error", (error) => {
      this.#whyEnded = String(error).slice(0, 300);
    });
    this.#worker.on("exit", () => this.#answer.resolve(undefined));
  }

  static async start(): Promise<Member> {
    const member = new Member();
    if ((await member.#answer.promise) === undefined) throw new Error(member.#whyEnded);
    return member;
  }

  /** Undefined where the thread ended over it. */
  async follow(order: Order): Promise<FuzzResult | undefined> {
    this.#answer = Promise.withResolvers();
    const stopLooking = this.#look();
    this.#worker.postMessage(order);
    const report = await this.#answer.promise;
    stopLooking();
    return report?.kind === "result" ? report.result : undefined;
  }

  lastWord(): FuzzResult {
    const findings = [{ input: this.#shared.get(), what: this.#whyEnded }];
    const executions = this.#shared.number - this.#numberBefore;
    return { executions, ms: 0, corpus: [], code: 0, newCode: 0, findings };
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Ends a thread that tries one input for too long. */
  #look(): () => void {
    let number = this.#shared.number;
    let since = performance.now();
    let cpuSince = process.cpuUsage();
    this.#numberBefore = number;
    const timer = setInterval(() => {
      if (this.#shared.number !== number) {
        number = this.#shared.number;
        since = performance.now();
        cpuSince = process.cpuUsage();
        return;
      }
      const { user, system } = process.cpuUsage(cpuSince);
      const [tookMs, tookCpuMs] = [performance.now() - since, (user + system) / 1_000];
      if (tookCpuMs <= HANG_CPU_MS && tookMs <= HANG_MS) return;
      this.#whyEnded = `took more than ${Math.round(tookMs)} ms`;
      void this.#worker.terminate();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }
}
