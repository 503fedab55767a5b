/** Options that every command takes, and that may stand before it. */
import type { OptionSpec } from "./command.ts";

export const GLOBAL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  dir: { type: "text", value: "DIR", help: "the device's data" },
  json: { type: "flag", help: "print JSON, one value a line" },
  quiet: { type: "flag", help: "print only what was asked for" },
  verbose: { type: "flag", help: "with an error, print where it came from" },
  help: { type: "flag", help: "what the command does, with examples" },
  version: { type: "flag", help: "the version" },
};
