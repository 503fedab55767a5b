/** One line at the bottom of a terminal that says how far something has come, how fast, and how long it will still take. */
import { count, span } from "./times.ts";
import { cutTo } from "./width.ts";

/** What is over sooner needs no bar. */
const SHOWN_AFTER_MS = 1_000;
const CELLS = 24;
const CLEAR_LINE = "\r\u001b[2K";

export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total: number | null;
}

export class ProgressBar {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  readonly #nowMs: () => number;
  #what = "";
  #beganMs = 0;
  #beganDone = 0;
  #shown = false;

  constructor(terminal: {
    readonly write: (text: string) => void;
    readonly columns: () => number;
    readonly nowMs: () => number;
  }) {
    this.#write = terminal.write;
    this.#columns = terminal.columns;
    this.#nowMs = terminal.nowMs;
  }

  update(progress: Progress): void {
    const nowMs = this.#nowMs();
    if (progress.what !== this.#what || progress.done < this.#beganDone) {
      this.#what = progress.what;
      this.#beganMs = nowMs;
      this.#beganDone = progress.done;
    }
    const seconds = (nowMs - this.#beganMs) / 1_000;
    if (!this.#shown && seconds * 1_000 < SHOWN_AFTER_MS && progress.total !== null) return;
    this.#shown = true;
    const line = formatProgress(progress, { seconds, since: this.#beganDone });
    this.#write(`${CLEAR_LINE}${cutTo(line, this.#columns() - 1)}`);
  }

  /** Makes room for other lines, or ends. */
  clear(): void {
    if (this.#shown) this.#write(CLEAR_LINE);
    this.#shown = false;
  }
}

/** `since`: what was done when the clock began. */
export function formatProgress(
  { what, done, total }: Progress,
  pace: { readonly seconds: number; readonly since: number },
): string {
  const show = what === "import" ? bytes : count;
  if (total === null) return done === 0 ? `${what} …` : `${what} ${show(done)}`;
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(part * CELLS);
  const bar = "█".repeat(filled) + "░".repeat(CELLS - filled);
  const rate = pace.seconds > 0 ? (done - pace.since) / pace.seconds : 0;
  const left = rate > 0 && done < total ? `  ${span((total - done) / rate)} left` : "";
  const speed = rate > 0 ? `  ${show(rate)}/s` : "";
  return `${what} ${bar} ${Math.floor(part * 100)} %  ${show(done)} of ${show(total)}${speed}${left}`;
}

function bytes(value: number): string {
  if (value < 1_000) return `${Math.round(value)} B`;
  if (value < 1_000_000) return `${(value / 1_000).toFixed(0)} kB`;
  if (value < 1_000_000_000) return `${(value / 1_000_000).toFixed(1)} MB`;
  return `${(value / 1_000_000_000).toFixed(2)} GB`;
}
