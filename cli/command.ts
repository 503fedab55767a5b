/** What a command is: what the table says of it, and what it is given when it runs. */
import type { ApiClient } from "../src/app/api/protocol.ts";
import type { Arguments } from "./arguments.ts";
import type { ExitCode } from "./exit-code.ts";
import type { Input } from "./input.ts";
import type { Output } from "./output/output.ts";

export interface OptionSpec {
  /** `flag` takes no value, `texts` may be given several times. */
  readonly type: "flag" | "text" | "texts";
  /** How its value is called in the help, such as `NAME`. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec {
  /** One word, or two: `devices rename`. */
  readonly name: string;
  readonly summary: string;
  /** The operands, as in the help. */
  readonly operands: string;
  readonly count: { readonly min: number; readonly max: number };
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Sentences below the usage. */
  readonly details?: readonly string[];
  readonly examples: readonly string[];
  /** Loads the command's own file, and with it only what this command needs. */
  readonly load: () => Promise<{ readonly run: Run }>;
}

export type Run = (context: Context) => Promise<ExitCode>;

export interface Context {
  readonly args: Arguments;
  /** The whole table, by name. */
  readonly commands: ReadonlyMap<string, CommandSpec>;
  /** The device's data, absolute. */
  readonly dir: string;
  readonly output: Output;
  readonly input: Input;
  /** Aborts when the person interrupts, or when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** Opens the API, gives it to `use`, and closes it whatever happens. */
  readonly withApi: <Result>(
    need: "running" | "any" | "network",
    use: (api: ApiClient) => Promise<Result>,
  ) => Promise<Result>;
}
