/**
 * A device on the simulated Wi-Fi: a data directory and the built command, run in the host's namespace. Everything goes through
 * the command line with `--json`, as a person's script would do it.
 */
import "../../src/promise-with-resolvers.ts";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Status } from "../../src/app/node/types.ts";
import { LineProcess } from "./line-process.ts";
import { inNamespace, type Plug, type Station } from "./netns.ts";
import { RunningNode } from "./running-node.ts";

const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
const SHIFTED_CLOCK = new URL("programs/shifted-clock.js", import.meta.url).href;
const COMMAND_MS = 60_000;

/** A command that ended with an error, told apart by its code. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  readonly exit: number | null;

  constructor(command: string, code: string, exit: number | null, text: string) {
    super(`${command}: ${code} (exit ${exit}): ${text}`);
    this.code = code;
    this.exit = exit;
  }
}

export class Host {
  /** The device's name in the account. */
  readonly name: string;
  readonly plug: Plug;
  readonly dir: string;
  /** The running node, if one runs. */
  node: RunningNode | undefined;
  readonly #home: string;
  readonly #logs: string;
  #clockShiftMs = 0;

  constructor(input: { readonly name: string; readonly plug: Plug; readonly scratch: string }) {
    this.name = input.name;
    this.plug = input.plug;
    this.#home = join(input.scratch, input.plug.station.namespace);
    this.dir = join(this.#home, "data");
    this.#logs = join(input.scratch, "logs");
    mkdirSync(this.#home, { recursive: true });
    mkdirSync(this.#logs, { recursive: true });
  }

  get station(): Station {
    return this.plug.station;
  }

  /** From the next command on this machine's wall clock is off by so much. */
  shiftClock(ms: number): void {
    this.#clockShiftMs = ms;
  }

  /** Begins a command and lets it run. */
  begin(args: readonly string[], options: { readonly keepLines?: boolean } = {}): LineProcess {
    const command = [process.execPath, CLI, "--dir", this.dir, "--json", ...args];
    return new LineProcess({
      command: inNamespace(this.station.namespace, command),
      env: this.#env(),
      logFile: join(this.#logs, `${this.station.namespace}-${args[0]}.log`),
      ...options,
    });
  }

  /** Runs a command to its end and gives its last line. @throws CommandError. */
  async run<Result>(args: readonly string[], timeoutMs: number = COMMAND_MS): Promise<Result> {
    const running = this.begin(args);
    running.endInput();
    const timer = setTimeout(() => running.signal("SIGKILL"), timeoutMs);
    const { code, lines, stderr } = await running.ended;
    clearTimeout(timer);
    const last = lines.at(-1)?.value;
    const error = last?.["error"] as { readonly code: string; readonly message: string } | undefined;
    if (code !== 0 || last === undefined)
      throw new CommandError(args[0]!, error?.code ?? "NONE", code, error?.message ?? stderr.trim());
    return ("list" in last ? last["list"] : last) as Result;
  }

  status(): Promise<Status> {
    return this.node === undefined ? this.run<Status>(["status"]) : this.node.request<Status>("status");
  }

  /** Starts the node and waits until it is ready. */
  async start(...args: readonly string[]): Promise<RunningNode> {
    const running = this.begin(["start", ...args], { keepLines: false });
    const node = new RunningNode(running, () => this.begin(["rpc"], { keepLines: false }));
    await node.ready;
    this.node = node;
    return node;
  }

  /** Ends the node as a person would. */
  async stop(): Promise<void> {
    const { node } = this;
    this.node = undefined;
    if (node === undefined) return;
    await this.run(["stop"]);
    await node.ended;
  }

  /** Ends the node as a dead battery would. */
  async kill(): Promise<void> {
    const { node } = this;
    this.node = undefined;
    await node?.kill();
  }

  #env(): NodeJS.ProcessEnv {
    const shift = this.#clockShiftMs;
    return {
      PATH: process.env["PATH"],
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      HOME: this.#home,
      XDG_STATE_HOME: join(this.#home, "state"),
      XDG_RUNTIME_DIR: this.#home,
      ...(shift === 0
        ? {}
        : { NODE_OPTIONS: `--import=${SHIFTED_CLOCK}`, KINLOG_WIFI_CLOCK_SHIFT_MS: String(shift) }),
    };
  }
}
