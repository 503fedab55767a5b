/** The command as a process: run to its end, or kept running and read line by line. Every process is ended by the test that began it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repositoryRoot } from "./paths.ts";

const BINARY = join(repositoryRoot, "dist/cli/main.js");

export type Json = Readonly<Record<string, unknown>>;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stdout as JSON. */
  readonly last: Json;
}

export interface RunOptions {
  /** What comes in over stdin, which then ends. Missing: no stdin. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Directories and processes of one test file; `end` in an `afterEach` leaves nothing behind. */
export class Commands {
  readonly #directories: string[] = [];
  readonly #processes = new Set<ChildProcess>();

  /** A directory that is not there yet. */
  directory(): string {
    const parent = mkdtempSync(join(tmpdir(), "kinlog-cli-"));
    this.#directories.push(parent);
    return join(parent, "data");
  }

  async run(args: readonly (string | Buffer)[], options: RunOptions = {}): Promise<Ran> {
    const child = this.#spawn(args, options.input === undefined ? "ignore" : "pipe", options.env);
    if (options.input !== undefined) child.stdin?.end(options.input);
    const [stdout, stderr, code] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      ended(child),
    ]);
    const line = stdout.trimEnd().split("\n").at(-1) ?? "";
    return { code, stdout, stderr, last: line.startsWith("{") ? (JSON.parse(line) as Json) : {} };
  }

  /** The JSON value that a command with --json gives as its last line; fails where the command does. */
  async json<Value>(...args: readonly string[]): Promise<Value> {
    const { code, stdout, stderr } = await this.run([...args, "--json"]);
    if (code !== 0) throw new Error(`kinlog ${args.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Value;
  }

  begin(args: readonly string[]): Running {
    return new Running(this.#spawn(args, "pipe"));
  }

  /** A node that is ready. */
  async start(dir: string, ...args: readonly string[]): Promise<Running> {
    const node = this.begin([
      "start",
      "--dir",
      dir,
      "--json",
      "--listen",
      "/ip4/127.0.0.1/tcp/0",
      "--no-mdns",
      ...args,
    ]);
    await node.event("ready");
    return node;
  }

  async end(): Promise<void> {
    const left = [...this.#processes];
    for (const child of left) child.kill("SIGKILL");
    await Promise.all(left.map(ended));
    for (const directory of this.#directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  }

  #spawn(
    args: readonly (string | Buffer)[],
    stdin: "ignore" | "pipe",
    env: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const child = spawn(process.execPath, [BINARY, ...(args as readonly string[])], {
      stdio: [stdin, "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    // A process that ends before it has read its stdin is no fault of the test.
    child.stdin?.on("error", () => undefined);
    this.#processes.add(child);
    child.once("exit", () => this.#processes.delete(child));
    return child;
  }
}

/** A process that is read while it runs. */
export class Running {
  readonly child: ChildProcess;
  readonly lines: Json[] = [];
  readonly text: string[] = [];
  readonly exit: Promise<number | null>;
  stderr = "";
  #wake: (() => void)[] = [];
  #isOver = false;

  constructor(child: ChildProcess) {
    this.child = child;
    this.exit = ended(child);
    child.stderr?.setEncoding("utf8").on("data", (part: string) => {
      this.stderr += part;
    });
    const lines = createInterface({ input: child.stdout! });
    lines.on("line", (line) => {
      this.text.push(line);
      if (line.startsWith("{")) this.lines.push(JSON.parse(line) as Json);
      this.#tell();
    });
    lines.on("close", () => {
      this.#isOver = true;
      this.#tell();
    });
  }

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  /** The first line, so far or to come, of which `matches` is true. Rejects where the process ends without one. */
  async line(matches: (line: Json) => boolean): Promise<Json> {
    for (let at = 0; ; at++) {
      while (at >= this.lines.length) {
        if (this.#isOver) throw new Error(`no such line came: ${this.text.join("\n")}\n${this.stderr}`);
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
      if (matches(this.lines[at]!)) return this.lines[at]!;
    }
  }

  event(name: string): Promise<Json> {
    return this.line(({ event }) => event === name);
  }

  /** The last line, when the process has ended. */
  async end(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly last: Json }> {
    if (signal !== undefined) this.child.kill(signal);
    const code = await this.exit;
    while (!this.#isOver) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return { code, last: this.lines.at(-1) ?? {} };
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const each of wake) each();
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code));
  });
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = "";
  if (stream === null) return text;
  stream.setEncoding("utf8");
  for await (const part of stream as AsyncIterable<string>) text += part;
  return text;
}
