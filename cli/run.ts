/**
 * One run of the command: from what was typed to the exit code. The process's edge, where whatever was thrown becomes a sentence, and where
 * interruptions come in. Loads only what the command needs. Tests: test/unit/cli.
 */
import { resolve } from "node:path";
import { EngineError } from "../src/app/api/errors.ts";
import type { ApiClient } from "../src/app/api/protocol.ts";
import { COMMANDS } from "./command-table.ts";
import type { CommandSpec, Context } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { givenArguments } from "./given-arguments.ts";
import { Input } from "./input.ts";
import { nearestName } from "./nearest-name.ts";
import { Output } from "./output/output.ts";
import { asksForJson, parseCommandLine } from "./parse-command-line.ts";
import { usageError } from "./usage-error.ts";

/** What a shell expects of a process that a second Ctrl-C killed. */
const KILLED = 130;

/** Never returns: exits when everything is written. */
export async function runCommandLine(): Promise<void> {
  const ending = new AbortController();
  const json = asksForJson(process.argv.slice(2));
  let output = new Output({ json, quiet: false, verbose: process.argv.includes("--verbose") }, process);
  let isBroken = false;
  process.stdout.on("error", () => {
    isBroken = true;
    output.breakOff();
    ending.abort(new EngineError("ABORTED", "nobody reads the output any more"));
  });
  process.stderr.on("error", () => undefined);
  let code: ExitCode;
  try {
    const { command, args } = parseCommandLine(givenArguments(), COMMANDS, nearestName);
    const [isQuiet, isVerbose] = [args.flag("quiet"), args.flag("verbose")];
    output = new Output({ json, quiet: isQuiet, verbose: isVerbose }, process);
    if (args.flag("version")) {
      code = await printVersion(output);
    } else if (command === null || args.flag("help")) {
      code = await printHelp(command, args.flag("help"), output);
    } else {
      onInterrupt(ending);
      const { run } = await command.load();
      if (args.text("dir") === "") throw usageError("--dir needs a directory");
      const dir = resolve(args.text("dir") ?? (await defaultDirectory()));
      code = await run(contextOf({ args, dir, output, signal: ending.signal }));
    }
  } catch (error) {
    code = await output.error(error);
  }
  output.clearProgress();
  // Whoever closed the pipe has seen enough: that is no failure.
  exitWith(isBroken ? EXIT.done : code);
}

function contextOf(parts: Omit<Context, "input" | "commands" | "withApi">): Context {
  const { dir, signal } = parts;
  return {
    ...parts,
    commands: COMMANDS,
    input: new Input(() => process.stdin, process.stdin.isTTY),
    withApi: async (need, use) => {
      const { openApi } = await import("../src/app/api/open-api.ts");
      const api = await openApi(dir, { need, signal });
      try {
        return await use(endedBy(api, signal));
      } finally {
        await api.close();
      }
    },
  };
}

/** Every call ends with the command. */
function endedBy(api: ApiClient, signal: AbortSignal): ApiClient {
  return { ...api, call: (method, params, options) => api.call(method, params, { signal, ...options }) };
}

/** The first asks the command to end in its way; the second does not ask. */
function onInterrupt(ending: AbortController): void {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(KILLED);
      ending.abort(new EngineError("ABORTED", "the command was interrupted"));
    });
  }
}

async function defaultDirectory(): Promise<string> {
  const directory = await import("../src/app/api/directory.ts");
  return directory.defaultDirectory();
}

async function printVersion(output: Output): Promise<ExitCode> {
  const { version } = await import("./version.ts");
  await output.value({ version }, () => [`kinlog ${version}`]);
  return EXIT.done;
}

async function printHelp(
  command: CommandSpec | null,
  isAskedFor: boolean,
  output: Output,
): Promise<ExitCode> {
  const { commandHelp, overview } = await import("./help.ts");
  const lines = command === null ? overview(COMMANDS) : commandHelp(command);
  if (isAskedFor) await output.value({ help: lines.join("\n") }, () => lines);
  else output.note(lines.join("\n"));
  return isAskedFor ? EXIT.done : EXIT.usage;
}

/** After the last byte is out: what a library still holds open must not hold the process. */
function exitWith(code: ExitCode): void {
  process.exitCode = code;
  process.stderr.write("", () => process.stdout.write("", () => process.exit(code)));
}
