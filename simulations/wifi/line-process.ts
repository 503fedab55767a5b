/**
 * A process that says one JSON object a line. Lines are stamped when they arrive, so that all hosts are measured by one clock.
 * What it printed goes to a log file as well.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";

export interface Line {
  /** `performance.now()` of this process when the line came. */
  readonly atMs: number;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly Line[];
  readonly stderr: string;
}

const STDERR_MAX = 20_000;

export class LineProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Line[] = [];
  readonly #listeners = new Set<(line: Line) => void>();
  readonly #log: WriteStream;
  readonly #keepLines: boolean;
  #isOver = false;
  #stderr = "";

  constructor(input: {
    readonly command: readonly string[];
    readonly env: NodeJS.ProcessEnv;
    readonly logFile: string;
    /** False for those that say too much to keep. */
    readonly keepLines?: boolean;
  }) {
    const [file, ...args] = input.command;
    this.#keepLines = input.keepLines ?? true;
    this.#log = createWriteStream(input.logFile, { flags: "a" });
    this.#log.write(`$ ${input.command.join(" ")}\n`);
    this.#child = spawn(file!, args, { env: input.env, stdio: "pipe" });
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#log.write(chunk);
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_MAX);
    });
    createInterface({ input: this.#child.stdout }).on("line", (text) => this.#take(text));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        this.#isOver = true;
        this.#log.end(`= exit ${code ?? signal}\n`);
        resolve({ code, signal, lines: this.#lines, stderr: this.#stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  onLine(listener: (line: Line) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first line, past or future, that `isWanted`. Rejects when the process ends or the time is over. */
  async line(isWanted: (line: Line) => boolean, timeoutMs: number): Promise<Line> {
    const past = this.#lines.find(isWanted);
    if (past !== undefined) return past;
    const { promise, resolve, reject } = Promise.withResolvers<Line>();
    const forget = this.onLine((line) => {
      if (isWanted(line)) resolve(line);
    });
    const timer = setTimeout(() => reject(new Error(`said nothing of it within ${timeoutMs} ms`)), timeoutMs);
    void this.ended.then(({ code, stderr }) =>
      reject(new Error(`ended before, exit ${code}: ${this.#lastWords(stderr)}`)),
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      forget();
    }
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#child.kill(signal);
  }

  #take(text: string): void {
    const atMs = performance.now();
    this.#log.write(`${text}\n`);
    const value = parse(text);
    if (value === undefined) return;
    const line = { atMs, value };
    if (this.#keepLines) this.#lines.push(line);
    for (const listener of this.#listeners) listener(line);
  }

  #lastWords(stderr: string): string {
    const last = this.#lines.at(-1);
    return stderr.trim() !== ""
      ? stderr.trim()
      : last === undefined
        ? "(silent)"
        : JSON.stringify(last.value);
  }
}

/** Arrays are results too: they come under the key `list`. */
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    if (Array.isArray(value)) return { list: value };
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
