/** What a benchmark is given and what it gives. Types only. */

/** One figure: a median with its extremes over the runs. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly values: readonly number[];
}

export interface BenchOptions {
  readonly n: number | undefined;
  readonly runs: number;
  /** Options of Node for each measured process. */
  readonly nodeOptions: readonly string[];
}
