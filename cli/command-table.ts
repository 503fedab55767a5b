/** Every command with its operands, options and examples: the one place that parsing, help and completion read. */
import type { CommandSpec, OptionSpec } from "./command.ts";
import { INBOX_COMMANDS } from "./inbox-commands.ts";

const none = { min: 0, max: 0 };
const one = { min: 1, max: 1 };

const yes: OptionSpec = { type: "flag", help: "do not ask" };
const seconds = (what: string): OptionSpec => ({ type: "text", value: "S", help: what });
const name: OptionSpec = { type: "text", value: "NAME", help: "how this device is called" };

const specs: readonly CommandSpec[] = [
  {
    name: "init",
    summary: "make a new account with this device as its first",
    operands: "",
    count: none,
    options: { name },
    details: ["Prints the recovery phrase once. Write its 24 words down: nobody can show them again."],
    examples: ["kinlog init --name laptop"],
    load: () => import("./commands/init.ts"),
  },
  {
    name: "start",
    summary: "run the node, so that this device syncs",
    operands: "",
    count: none,
    options: {
      name,
      listen: { type: "texts", value: "ADDR", help: "where to listen, such as /ip4/0.0.0.0/tcp/4001" },
      "no-mdns": { type: "flag", help: "neither announce nor ask: only remembered and typed addresses" },
    },
    details: [
      "Runs until Ctrl-C or `kinlog stop`. In an empty directory it asks whether to make a new account or to join",
      "one with a code; without a terminal it makes a new one.",
    ],
    examples: ["kinlog start", "kinlog start --name laptop --listen /ip4/0.0.0.0/tcp/4001"],
    load: () => import("./commands/start.ts"),
  },
  {
    name: "stop",
    summary: "end the running node",
    operands: "",
    count: none,
    options: {},
    examples: ["kinlog stop"],
    load: () => import("./commands/stop.ts"),
  },
  {
    name: "link",
    summary: "show a code by which another device joins this account",
    operands: "",
    count: none,
    options: { timeout: seconds("how long the code lives (300, and no longer)"), yes },
    details: ["One guess ends a code. The new device is admitted after you answered `yes`."],
    examples: ["kinlog link", "echo yes | kinlog link", "kinlog link --timeout 60 --yes"],
    load: () => import("./commands/link.ts"),
  },
  {
    name: "join",
    summary: "make this machine a device of an account, with the code that `kinlog link` shows",
    operands: "CODE",
    count: one,
    options: {
      name,
      address: {
        type: "text",
        value: "ADDR",
        help: "where the other device is, if it is not found by itself",
      },
    },
    details: [
      "History comes when the node runs. An account in this directory that was never used is replaced.",
    ],
    examples: [
      "kinlog join 42-ocean-violin --name phone",
      "kinlog join 42-ocean-violin --name phone --address /ip4/192.168.1.20/tcp/4001",
    ],
    load: () => import("./commands/join.ts"),
  },
  {
    name: "devices",
    summary: "the account's devices",
    operands: "",
    count: none,
    options: {},
    examples: ["kinlog devices", "kinlog devices --json"],
    load: () => import("./commands/devices.ts"),
  },
  {
    name: "devices rename",
    summary: "give a device another name",
    operands: "DEVICE NAME",
    count: { min: 2, max: 2 },
    options: {},
    examples: ["kinlog devices rename laptop 'work laptop'"],
    load: () => import("./commands/devices-rename.ts"),
  },
  ...INBOX_COMMANDS,
  {
    name: "status",
    summary: "is this device in sync, with whom, and what is missing where",
    operands: "",
    count: none,
    options: {},
    examples: ["kinlog status"],
    load: () => import("./commands/status.ts"),
  },
  {
    name: "sync",
    summary: "run until in sync, then end",
    operands: "",
    count: none,
    options: { timeout: seconds("give up after so many seconds") },
    details: [
      "Starts a node where none runs. Exit code 1 where the time was over first; the result is printed either way.",
    ],
    examples: ["kinlog sync --timeout 60"],
    load: () => import("./commands/sync.ts"),
  },
  {
    name: "verify",
    summary: "hash everything that is stored again and compare it with what was signed",
    operands: "",
    count: none,
    options: { repair: { type: "flag", help: "fetch what is damaged from another device" } },
    details: ["Exit code 1 where damage remains; the result is printed either way."],
    examples: ["kinlog verify", "kinlog verify --repair"],
    load: () => import("./commands/verify.ts"),
  },
  {
    name: "doctor",
    summary: "why sync does not work, and what to do about it",
    operands: "",
    count: none,
    options: {},
    examples: ["kinlog doctor"],
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "connect",
    summary: "dial another device by its address",
    operands: "ADDRESS",
    count: one,
    options: {},
    details: ["Needs a running node. `kinlog doctor` on the other device shows its addresses."],
    examples: ["kinlog connect /ip4/192.168.1.20/tcp/4001"],
    load: () => import("./commands/connect.ts"),
  },
  {
    name: "import",
    summary: "take in the messages of a file; importing it again changes nothing",
    operands: "FILE",
    count: one,
    options: { format: { type: "text", value: "F", help: "sms-backup or jsonl; else told by the content" } },
    examples: ["kinlog import sms-20260131.xml", "kinlog import backup.jsonl --format jsonl"],
    load: () => import("./commands/import.ts"),
  },
  {
    name: "export",
    summary: "write everything that you can read as lines of JSON",
    operands: "[FILE]",
    count: { min: 0, max: 1 },
    options: { format: { type: "text", value: "F", help: "jsonl, the only one" } },
    details: ["Without FILE to stdout. The file is readable for you only; what it holds is not encrypted."],
    examples: ["kinlog export backup.jsonl", "kinlog export | gzip > backup.jsonl.gz"],
    load: () => import("./commands/export.ts"),
  },
  {
    name: "rpc",
    summary: "take requests on stdin and answer on stdout, one JSON object a line",
    operands: "",
    count: none,
    options: {},
    details: [
      "The same as on the running node's socket; docs/spec/api.md describes it. Ends when stdin has ended and all is answered.",
    ],
    examples: [`echo '{"id":1,"method":"status"}' | kinlog rpc`],
    load: () => import("./commands/rpc.ts"),
  },
  {
    name: "completion",
    summary: "print a script that completes commands and options",
    operands: "bash|zsh|fish",
    count: one,
    options: {},
    examples: [
      "source <(kinlog completion bash)",
      "kinlog completion zsh > ~/.zfunc/_kinlog",
      "kinlog completion fish > ~/.config/fish/completions/kinlog.fish",
    ],
    load: () => import("./commands/completion.ts"),
  },
  {
    name: "recovery show",
    summary: "show the recovery phrase, once, where it was not shown yet",
    operands: "",
    count: none,
    options: {},
    examples: ["kinlog recovery show"],
    load: () => import("./commands/recovery-show.ts"),
  },
];

export const COMMANDS: ReadonlyMap<string, CommandSpec> = new Map(specs.map((spec) => [spec.name, spec]));
