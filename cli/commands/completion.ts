/** `kinlog completion`: a script for the shell, made of the table of commands. */
import type { CommandSpec, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { GLOBAL_OPTIONS } from "../global-options.ts";
import { nearestName } from "../nearest-name.ts";
import { usageError } from "../usage-error.ts";

type Commands = ReadonlyMap<string, CommandSpec>;

const SCRIPTS: ReadonlyMap<string, (commands: Commands) => readonly string[]> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);

export const run: Run = async ({ args, commands, output }) => {
  const shell = args.operand(0);
  const script = SCRIPTS.get(shell);
  if (script === undefined) {
    const near = nearestName(shell, SCRIPTS.keys());
    throw usageError(
      `there is no completion for ${JSON.stringify(shell)}`,
      near === undefined ? "There is one for bash, zsh and fish." : `Did you mean ${near}?`,
    );
  }
  const lines = script(commands);
  await output.value({ script: lines.join("\n") }, () => lines);
  return EXIT.done;
};

/** First words, each with its second words. */
function words(commands: Commands): ReadonlyMap<string, readonly string[]> {
  const byFirst = new Map<string, string[]>();
  for (const name of commands.keys()) {
    const [first = "", second] = name.split(" ");
    const seconds = byFirst.get(first) ?? [];
    byFirst.set(first, second === undefined ? seconds : [...seconds, second]);
  }
  return byFirst;
}

function optionsOf(spec: CommandSpec | undefined): readonly string[] {
  return Object.keys({ ...spec?.options, ...GLOBAL_OPTIONS }).map((name) => `--${name}`);
}

function optionsOfFirst(first: string, commands: Commands): readonly string[] {
  const specs = [...commands.values()].filter(({ name }) => name.split(" ")[0] === first);
  return [...new Set(specs.flatMap(optionsOf))];
}

function bash(commands: Commands): readonly string[] {
  const cases = [...words(commands)].map(
    ([first, seconds]) =>
      `    ${first}) words="${[...seconds, ...optionsOfFirst(first, commands)].join(" ")}" ;;`,
  );
  return [
    "_kinlog() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" command="" words at',
    "  for ((at = 1; at < COMP_CWORD; at++)); do",
    '    case "${COMP_WORDS[at]}" in',
    "      --dir) ((at++)) ;;",
    "      -*) ;;",
    '      *) command="${COMP_WORDS[at]}"; break ;;',
    "    esac",
    "  done",
    '  case "$command" in',
    `    "") words="${[...words(commands).keys(), ...optionsOf(undefined)].join(" ")}" ;;`,
    ...cases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _kinlog kinlog",
  ];
}

function zsh(commands: Commands): readonly string[] {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const described = [...commands.values()]
    .filter(({ name }) => !name.includes(" "))
    .map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`);
  const groups = [...words(commands).keys()]
    .filter((first) => !commands.has(first))
    .map((first) => `    ${quoted(first)}`);
  const cases = [...words(commands)].map(
    ([first, seconds]) =>
      `    ${first}) compadd -- ${[...seconds, ...optionsOfFirst(first, commands)].join(" ")} ;;`,
  );
  return [
    "#compdef kinlog",
    "_kinlog() {",
    "  local -a commands",
    "  commands=(",
    ...described,
    ...groups,
    "  )",
    "  if ((CURRENT == 2)); then",
    "    _describe command commands",
    `    compadd -- ${optionsOf(undefined).join(" ")}`,
    "    return",
    "  fi",
    '  case "${words[2]}" in',
    ...cases,
    "  esac",
    "  _files",
    "}",
    'if [ "$funcstack[1]" = "_kinlog" ]; then _kinlog "$@"; else compdef _kinlog kinlog; fi',
  ];
}

function fish(commands: Commands): readonly string[] {
  const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines: string[] = [];
  for (const [name, { help }] of Object.entries(GLOBAL_OPTIONS)) {
    lines.push(`complete -c kinlog -l ${name} -d ${quoted(help)}`);
  }
  for (const { name, summary, options } of commands.values()) {
    const [first = "", second] = name.split(" ");
    lines.push(
      second === undefined
        ? `complete -c kinlog -f -n __fish_use_subcommand -a ${first} -d ${quoted(summary)}`
        : `complete -c kinlog -f -n '__fish_seen_subcommand_from ${first}' -a ${second} -d ${quoted(summary)}`,
    );
    for (const [option, { help, type }] of Object.entries(options)) {
      const value = type === "flag" ? "" : " -r";
      lines.push(
        `complete -c kinlog -n '__fish_seen_subcommand_from ${second ?? first}' -l ${option}${value} -d ${quoted(help)}`,
      );
    }
  }
  lines.push(
    "complete -c kinlog -f -n __fish_use_subcommand -a recovery",
    "complete -c kinlog -n '__fish_seen_subcommand_from import export' -F",
  );
  return lines;
}
