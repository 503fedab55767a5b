/**
 * Everything that a command prints. Under --json only JSON goes to stdout, one value a line, the result or the error last; else sentences
 * and tables for people. What people typed elsewhere passes printable.ts before it comes here. Tests: test/unit/cli/output.test.ts.
 */
import { type DescribedError, describeError } from "../../src/app/api/errors.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { printableJson, printableLine } from "./printable.ts";
import { type Progress, ProgressBar } from "./progress-bar.ts";
import { createStyle, type Style, wantsColour } from "./style.ts";

const PROGRESS_EVERY_MS = 250;
const COLUMNS_DEFAULT = 100;

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly write: (text: string) => boolean;
  readonly once: (event: "drain" | "close", listener: () => void) => unknown;
  readonly off: (event: "drain" | "close", listener: () => void) => unknown;
}

export class Output {
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
  /** People read it as it comes. */
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly style: Style;
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  readonly #errorStyle: Style;
  readonly #bar: ProgressBar | null;
  #toldProgressMs = Number.NEGATIVE_INFINITY;
  #isBroken = false;

  constructor(
    { json, quiet, verbose }: OutputOptions,
    machine: {
      readonly stdout: Stream;
      readonly stderr: Stream;
      readonly env: Readonly<Record<string, string | undefined>>;
    },
  ) {
    const { stdout, stderr, env } = machine;
    this.isJson = json;
    this.isQuiet = quiet;
    this.isVerbose = verbose;
    this.isTerminal = stdout.isTTY === true && !json;
    this.columns = stdout.columns ?? COLUMNS_DEFAULT;
    this.style = createStyle(!json && wantsColour(stdout, env));
    this.#errorStyle = createStyle(wantsColour(stderr, env));
    this.#stdout = stdout;
    this.#stderr = stderr;
    const wantsBar = stderr.isTTY === true && !json && !quiet;
    this.#bar = wantsBar
      ? new ProgressBar({
          write: (text) => void stderr.write(text),
          columns: () => stderr.columns ?? COLUMNS_DEFAULT,
          nowMs: () => performance.now(),
        })
      : null;
  }

  /** What was asked for: the JSON value, or its lines. */
  async value(value: unknown, lines: () => readonly string[]): Promise<void> {
    await (this.isJson ? this.#line(printableJson(value)) : this.lines(lines()));
  }

  /** That something was done: the JSON value, or sentences that --quiet leaves out. */
  async done(value: unknown, sentences: () => readonly string[]): Promise<void> {
    if (this.isJson) await this.#line(printableJson(value));
    else if (!this.isQuiet) await this.lines(sentences());
  }

  /** One of many lines under --json; people get sentences, or nothing where there is nothing to say. */
  event(event: object, sentences: readonly string[] = []): Promise<void> {
    return this.done(event, () => sentences);
  }

  async lines(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#line(lines.join("\n"));
  }

  /** As it is, such as the lines of an export. */
  async raw(text: string): Promise<void> {
    if (this.#isBroken || this.#stdout.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#stdout.off("drain", done);
        this.#stdout.off("close", done);
        resolve();
      };
      this.#stdout.once("drain", done);
      this.#stdout.once("close", done);
    });
  }

  /** A hint beside what was asked for. */
  note(text: string): void {
    if (this.isJson || this.isQuiet) return;
    this.#bar?.clear();
    this.#stderr.write(`${text}\n`);
  }

  /** At most four times a second. */
  async progress(progress: Progress): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#toldProgressMs < PROGRESS_EVERY_MS) return;
    this.#toldProgressMs = nowMs;
    const { what, done, total } = progress;
    if (this.isJson) {
      await this.#line(printableJson({ event: "progress", at: new Date().toISOString(), what, done, total }));
    } else {
      this.#bar?.update(progress);
    }
  }

  clearProgress(): void {
    this.#bar?.clear();
  }

  /** What happened, why, and what to do next: for people on stderr; under --json also as the last line of stdout. */
  async error(error: unknown): Promise<ExitCode> {
    const described = describeError(error);
    this.#bar?.clear();
    this.#stderr.write(this.#sentences(described));
    if (this.isVerbose) this.#stderr.write(`${traceOf(error)}\n`);
    if (this.isJson) await this.#line(printableJson({ error: described }));
    return exitCodeOf(described);
  }

  /** Nobody reads any more: what follows is dropped. */
  breakOff(): void {
    this.#isBroken = true;
  }

  async #line(text: string): Promise<void> {
    this.#bar?.clear();
    await this.raw(`${text}\n`);
  }

  #sentences({ message, remedy }: DescribedError): string {
    const head = this.#errorStyle.red("kinlog:");
    return `${head} ${asSentence(printableLine(message))}\n${asSentence(printableLine(remedy))}\n`;
  }
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function exitCodeOf({ code }: DescribedError): ExitCode {
  switch (code) {
    case "USAGE":
      return EXIT.usage;
    case "CONFIRMATION_REQUIRED":
      return EXIT.unconfirmed;
    default:
      return EXIT.failed;
  }
}

/** The error and its causes, with where they came from. */
function traceOf(error: unknown): string {
  const parts: string[] = [];
  for (let each: unknown = error; each instanceof Error && parts.length < 8; each = each.cause) {
    parts.push(each.stack ?? `${each.name}: ${each.message}`);
  }
  return parts.join("\ncaused by: ");
}
