/** What comes in over stdin: a whole text, or lines one by one. UTF-8 only. */
import { EngineError } from "../src/app/api/errors.ts";
import { type Line, LineSplitter } from "../src/app/api/line-splitter.ts";

const LINE_BYTES_MAX = 64 * 1024;
/** How long a pipe may take to show that nothing will come. */
const LOOK_MS = 250;

interface Source extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean;
}

export class Input {
  readonly isTerminal: boolean;
  readonly #source: () => Source;
  #lines: LineReader | null = null;

  /** `source` is asked for when the first byte is wanted: touching stdin costs time and keeps a process alive. */
  constructor(source: () => Source, isTerminal: boolean) {
    this.#source = source;
    this.isTerminal = isTerminal;
  }

  /**
   * All of it, without its last line end.
   *
   * @throws EngineError `TEXT_NOT_UTF8`, `TEXT_TOO_LONG` as soon as it is.
   */
  async text(limit: { readonly bytesMax: number }): Promise<string> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of this.#source()) {
      parts.push(part);
      size += part.length;
      // The line end does not count.
      if (size > limit.bytesMax + 2) {
        throw new EngineError("TEXT_TOO_LONG", `the text on stdin is over ${limit.bytesMax} bytes`);
      }
    }
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
      return text.replace(/\r?\n$/, "");
    } catch (cause) {
      throw new EngineError("TEXT_NOT_UTF8", "the text on stdin is not UTF-8", { cause });
    }
  }

  /** Its bytes as they come. */
  bytes(): AsyncIterable<Uint8Array> {
    return this.#source();
  }

  /** The next line, or null at the end. At a terminal only what is typed from now on counts. */
  async ask(signal: AbortSignal): Promise<string | null> {
    const lines = this.#reader();
    if (this.isTerminal) lines.discard();
    return lines.next(signal);
  }

  /** True where somebody may answer: at a terminal, or a pipe that is not at its end without a line. */
  async canAnswer(): Promise<boolean> {
    return this.isTerminal || this.#reader().mayCome(LOOK_MS);
  }

  #reader(): LineReader {
    this.#lines ??= new LineReader(this.#source());
    return this.#lines;
  }
}

/** Reads ahead, so that the end of the input is known before anybody waits for a line. */
class LineReader {
  #lines: string[] = [];
  #isOver = false;
  #wake: (() => void)[] = [];

  constructor(source: Source) {
    void this.#read(source);
  }

  discard(): void {
    this.#lines = [];
  }

  async next(signal: AbortSignal): Promise<string | null> {
    while (this.#lines.length === 0 && !this.#isOver && !signal.aborted) await this.#news(signal);
    if (signal.aborted) throw new EngineError("ABORTED", "the command was ended before it was answered");
    return this.#lines.shift() ?? null;
  }

  async mayCome(lookMs: number): Promise<boolean> {
    if (this.#lines.length === 0 && !this.#isOver) await this.#news(AbortSignal.timeout(lookMs));
    return this.#lines.length > 0 || !this.#isOver;
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async #read(source: Source): Promise<void> {
    const splitter = new LineSplitter(LINE_BYTES_MAX);
    try {
      for await (const bytes of source) for (const line of splitter.take(bytes)) this.#take(line);
      for (const line of splitter.end()) this.#take(line);
    } catch {
      // A stdin that cannot be read is one that ended.
    }
    this.#isOver = true;
    this.#tell();
  }

  #take(line: Line): void {
    // What is no text is an answer too, and none of those that count as yes.
    this.#lines.push(line.kind === "line" ? line.text : "");
    this.#tell();
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const each of wake) each();
  }
}
