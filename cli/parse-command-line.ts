/**
 * What was typed, taken apart: global options before or after the command, the command, its options and operands. `--` ends options.
 * Everything unknown is wrong usage, with the nearest name as a suggestion. Tests: test/unit/cli/parse-command-line.test.ts.
 */
import { parseArgs } from "node:util";
import { Arguments, type OptionValue } from "./arguments.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";
import { usageError } from "./usage-error.ts";

export interface Parsed {
  /** Null where none was given. */
  readonly command: CommandSpec | null;
  readonly args: Arguments;
}

/** Gives the nearest of the known names, if one is near. */
export type Nearest = (name: string, known: Iterable<string>) => string | undefined;

/** @throws EngineError `USAGE` */
export function parseCommandLine(
  given: readonly string[],
  commands: ReadonlyMap<string, CommandSpec>,
  nearest: Nearest,
): Parsed {
  const { words, rest } = takeCommand(given, commands);
  const command = words === null ? null : (commands.get(words) ?? null);
  if (words !== null && command === null) throw unknownCommand(words, commands, nearest);
  const { operands, options } = takeOptions(rest, { ...command?.options, ...GLOBAL_OPTIONS }, nearest);
  const asks = options.has("help") || options.has("version");
  if (command !== null && !asks) checkCount(operands, command);
  return { command, args: new Arguments(operands, options) };
}

/** True where JSON is asked for, as far as it can be told from what may be wrong usage. */
export function asksForJson(given: readonly string[]): boolean {
  const end = given.indexOf("--");
  return given.slice(0, end === -1 ? given.length : end).includes("--json");
}

/** Takes the one or two words of the command out of what was given. Before them only global options can stand. */
function takeCommand(
  given: readonly string[],
  commands: ReadonlyMap<string, CommandSpec>,
): { readonly words: string | null; readonly rest: readonly string[] } {
  const first = nextWord(given, 0);
  if (first === null) return { words: null, rest: given };
  const word = given[first] ?? "";
  const without = (...places: readonly number[]): readonly string[] =>
    given.filter((_, place) => !places.includes(place));
  const second = nextWord(given, first + 1);
  const both = second === null ? "" : `${word} ${given[second] ?? ""}`;
  if (second !== null && commands.has(both)) return { words: both, rest: without(first, second) };
  return { words: word, rest: without(first) };
}

/** The place of the next argument that is no global option. */
function nextWord(given: readonly string[], from: number): number | null {
  let isOver = given.slice(0, from).includes("--");
  for (let place = from; place < given.length; place++) {
    const argument = given[place] ?? "";
    if (isOver || argument === "-" || !argument.startsWith("-")) return place;
    if (argument === "--") isOver = true;
    if (argument === "--dir") place++;
  }
  return null;
}

function takeOptions(
  given: readonly string[],
  known: Readonly<Record<string, OptionSpec>>,
  nearest: Nearest,
): { readonly operands: readonly string[]; readonly options: ReadonlyMap<string, OptionValue> } {
  const types = Object.entries(known).map(([name, { type }]) => {
    const short = name === "help" ? { short: "h" } : {};
    return [name, { type: type === "flag" ? "boolean" : "string", ...short }] as const;
  });
  const { tokens } = parseArgs({
    args: [...given],
    options: Object.fromEntries(types),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const operands: string[] = [];
  const options = new Map<string, OptionValue>();
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (spec === undefined) throw unknownOption(token.rawName, Object.keys(known), nearest);
    options.set(token.name, valueOf(token, spec, options.get(token.name)));
  }
  return { operands, options };
}

function valueOf(
  token: {
    readonly rawName: string;
    readonly value?: string | undefined;
    readonly inlineValue?: boolean | undefined;
  },
  { type, value: valueName }: OptionSpec,
  former: OptionValue | undefined,
): OptionValue {
  const { rawName, value, inlineValue } = token;
  if (type === "flag") {
    if (value !== undefined) throw usageError(`${rawName} takes no value`);
    return true;
  }
  if (value === undefined) throw usageError(`${rawName} needs a value: ${rawName} ${valueName ?? "VALUE"}`);
  // Rather a forgotten value than one that begins with a hyphen.
  if (inlineValue !== true && value.startsWith("-") && value !== "-") {
    throw usageError(
      `${rawName} needs a value`,
      `If the value is meant to be ${value}, write ${rawName}=${value}.`,
    );
  }
  if (type === "text") return value;
  return [...(typeof former === "object" ? former : []), value];
}

function checkCount(operands: readonly string[], { name, count, operands: wanted }: CommandSpec): void {
  if (operands.length >= count.min && operands.length <= count.max) return;
  const usage = `kinlog ${name}${wanted === "" ? "" : ` ${wanted}`}`;
  const extra = operands[count.max];
  const message =
    extra === undefined
      ? `${name} needs more: ${usage}`
      : `${JSON.stringify(extra)} is one too many: ${usage}`;
  throw usageError(message, `\`kinlog ${name} --help\` shows examples; a text with spaces stands in quotes.`);
}

function unknownCommand(words: string, commands: ReadonlyMap<string, CommandSpec>, nearest: Nearest): Error {
  const below = [...commands.keys()].filter((name) => name.startsWith(`${words} `));
  if (below.length > 0) return usageError(`${words} needs one word more`, `Write ${list(below)}.`);
  const near = nearest(words, commands.keys());
  return usageError(
    `there is no command ${JSON.stringify(words)}`,
    near === undefined ? "`kinlog --help` lists the commands." : `Did you mean \`kinlog ${near}\`?`,
  );
}

function unknownOption(name: string, known: readonly string[], nearest: Nearest): Error {
  const near = nearest(
    name,
    known.map((option) => `--${option}`),
  );
  return usageError(
    `there is no option ${name}`,
    near === undefined
      ? "If it is no option but a text, write `--` before it; --help lists the options."
      : `Did you mean ${near}?`,
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`kinlog ${name}\``).join(" or ");
}
