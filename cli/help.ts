/** The help texts: an overview, and a page for each command. */
import { GLOBAL_OPTIONS } from "./global-options.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";

export function overview(commands: ReadonlyMap<string, CommandSpec>): readonly string[] {
  return [
    "kinlog: one person's messages, the same on all own devices, over the local network, without a server",
    "",
    "Usage: kinlog COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...columns([...commands.values()].map(({ name, summary }) => [name, summary])),
    "",
    "Options, before or after the command:",
    ...columns(Object.entries(GLOBAL_OPTIONS).map(optionLine)),
    "",
    "First steps:",
    "  kinlog start                              on your first device",
    "  kinlog link                               there, in a second terminal",
    "  kinlog join CODE --name NAME              on the next device, then: kinlog start",
    "",
    "`kinlog COMMAND --help` shows what a command takes, with examples.",
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a confirmation was needed and not given.",
  ];
}

export function commandHelp({
  name,
  summary,
  operands,
  options,
  details,
  examples,
}: CommandSpec): readonly string[] {
  const own = Object.entries(options);
  const usage = ["kinlog", name, operands, own.length > 0 ? "[OPTIONS]" : ""].filter((part) => part !== "");
  return [
    `kinlog ${name}: ${summary}`,
    "",
    `Usage: ${usage.join(" ")}`,
    ...(details === undefined ? [] : ["", ...details]),
    ...(own.length === 0 ? [] : ["", "Options:", ...columns(own.map(optionLine))]),
    "",
    "Options of every command:",
    ...columns(Object.entries(GLOBAL_OPTIONS).map(optionLine)),
    "",
    "Examples:",
    ...examples.map((example) => `  ${example}`),
  ];
}

function optionLine([name, { value, type, help }]: readonly [string, OptionSpec]): readonly [string, string] {
  const often = type === "texts" ? " (may be given several times)" : "";
  return [value === undefined ? `--${name}` : `--${name} ${value}`, help + often];
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
