/**
 * Cuts a stream of bytes into lines of UTF-8, each below a limit: a line that never ends costs no more than that. Not for texts of
 * people, whose line ends are their own. Tests: test/unit/api/line-splitter.test.ts.
 */
const LINE_END = 0x0a;
const RETURN = 0x0d;

export type Line =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "not-utf8" }
  /** Nothing of it is kept, and nothing that follows is cut any more. */
  | { readonly kind: "too-long" };

export class LineSplitter {
  readonly #bytesMax: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #begun: Uint8Array[] = [];
  #begunBytes = 0;
  #over = false;

  /** A line may have `bytesMax` bytes with its end. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that these bytes complete. */
  *take(bytes: Uint8Array): Generator<Line, void, undefined> {
    let from = 0;
    while (!this.#over) {
      const end = bytes.indexOf(LINE_END, from);
      const to = end === -1 ? bytes.length : end;
      if (this.#begunBytes + (to - from) >= this.#bytesMax) {
        this.#over = true;
        this.#begun = [];
        yield { kind: "too-long" };
        return;
      }
      if (end === -1) {
        // Copied: who reads a socket may get the same memory again.
        if (to > from) this.#begun.push(bytes.slice(from, to));
        this.#begunBytes += to - from;
        return;
      }
      yield this.#line(bytes.subarray(from, to));
      from = end + 1;
    }
  }

  /** A last line without its end, when the input is over. */
  *end(): Generator<Line, void, undefined> {
    if (!this.#over && this.#begunBytes > 0) yield this.#line(new Uint8Array(0));
  }

  #line(rest: Uint8Array): Line {
    const whole = this.#join(rest);
    const line = whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole;
    try {
      return { kind: "line", text: this.#decoder.decode(line) };
    } catch (error) {
      if (error instanceof TypeError) return { kind: "not-utf8" };
      throw error;
    }
  }

  // Not by core/base/bytes.ts, which costs a command that only asks a running node a third of its time.
  #join(rest: Uint8Array): Uint8Array {
    if (this.#begunBytes === 0) return rest;
    const whole = new Uint8Array(this.#begunBytes + rest.length);
    let at = 0;
    for (const part of [...this.#begun, rest]) {
      whole.set(part, at);
      at += part.length;
    }
    this.#begun = [];
    this.#begunBytes = 0;
    return whole;
  }
}
