/** The options and operands of one command, with the checks of their values. Tests: test/unit/cli/parse-command-line.test.ts. */
import { usageError } from "./usage-error.ts";

export type OptionValue = string | boolean | readonly string[];

export class Arguments {
  readonly operands: readonly string[];
  readonly #options: ReadonlyMap<string, OptionValue>;

  constructor(operands: readonly string[], options: ReadonlyMap<string, OptionValue>) {
    this.operands = operands;
    this.#options = options;
  }

  /** An operand that the command's table entry made sure of. */
  operand(place: number): string {
    return this.operands[place] ?? "";
  }

  flag(name: string): boolean {
    return this.#options.get(name) === true;
  }

  text(name: string): string | undefined {
    const value = this.#options.get(name);
    return typeof value === "string" ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#options.get(name);
    return typeof value === "object" ? value : [];
  }

  /** The value as a field of an object, or no field where the option is missing. */
  field<Field extends string>(name: string, field: Field): { readonly [Key in Field]?: string } {
    const value = this.text(name);
    return value === undefined ? {} : ({ [field]: value } as { readonly [Key in Field]?: string });
  }

  /** @throws EngineError `USAGE` where it is missing. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw usageError(`--${name} is missing`);
    return value;
  }

  /** @throws EngineError `USAGE` for anything but a whole number within the limits. */
  whole(name: string, limits: { readonly min: number; readonly max: number }): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= limits.min && value <= limits.max)) {
      throw usageError(`--${name} must be a whole number from ${limits.min} to ${limits.max}`);
    }
    return value;
  }

  /** Seconds as milliseconds; parts of a second are allowed. @throws EngineError `USAGE` */
  seconds(name: string, limits: { readonly min: number; readonly max: number }): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[0-9]{1,9}(?:\.[0-9]{1,3})?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= limits.min && value <= limits.max)) {
      throw usageError(`--${name} must be seconds from ${limits.min} to ${limits.max}`);
    }
    return Math.round(value * 1_000);
  }
}
