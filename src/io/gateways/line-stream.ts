/**
 * Bytes in pieces to lines. A line that is longer than it may be is dropped as it comes and never stands in memory (threat
 * U11). Tests: test/unit/gateways/jsonl.test.ts.
 */

const LINE_FEED = 0x0a;

/** A line without its break; null bytes: it was too long. */
export interface Line {
  readonly bytes: Uint8Array | null;
  readonly number: number;
}

export class LineStream {
  readonly #bytesMax: number;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #number = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that end within this piece. */
  push(bytes: Uint8Array): readonly Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let to = bytes.indexOf(LINE_FEED); to !== -1; to = bytes.indexOf(LINE_FEED, from)) {
      this.#keep(bytes.subarray(from, to));
      lines.push(this.#take());
      from = to + 1;
    }
    this.#keep(bytes.subarray(from));
    return lines;
  }

  /** A line at the end that has no break: it was cut off. */
  end(): Line | null {
    return this.#size === 0 ? null : this.#take();
  }

  #keep(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#size > this.#bytesMax) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  #take(): Line {
    const bytes = this.#size > this.#bytesMax ? null : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    this.#number++;
    return { bytes, number: this.#number };
  }
}
