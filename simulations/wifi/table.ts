/** What was seen, row by row, and how it is printed. Tests: test/unit/wifi/table.test.ts. */

export type Result = "ok" | "FAILED" | "skipped";

export interface Row {
  readonly scenario: number;
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
  readonly result: Result;
}

/** Collects rows of one scenario. What was checked before something broke stays. */
export class Report {
  readonly rows: Row[] = [];
  readonly #scenario: number;
  readonly #tell: (row: Row) => void;

  constructor(scenario: number, tell: (row: Row) => void) {
    this.#scenario = scenario;
    this.#tell = tell;
  }

  check(what: string, expected: string, seen: string, isOk: boolean): void {
    this.#add({ what, expected, seen, result: isOk ? "ok" : "FAILED" });
  }

  /** The same value everywhere. */
  checkEqual(what: string, values: readonly (string | number | boolean)[]): void {
    const different = [...new Set(values.map(String))];
    const [first] = different;
    const seen = different.length === 1 ? `${values.length} × ${first}` : different.join(" ≠ ");
    this.check(what, "all equal", seen, values.length > 0 && different.length === 1);
  }

  /** A duration in ms; undefined: it did not happen. */
  checkWithin(what: string, limitMs: number, tookMs: number | undefined): void {
    const seen = tookMs === undefined ? "not at all" : formatMs(tookMs);
    this.check(what, `within ${formatMs(limitMs)}`, seen, tookMs !== undefined && tookMs <= limitMs);
  }

  skip(what: string, why: string): void {
    this.#add({ what, expected: "", seen: why, result: "skipped" });
  }

  #add(row: Omit<Row, "scenario">): void {
    const whole = { scenario: this.#scenario, ...row };
    this.rows.push(whole);
    this.#tell(whole);
  }
}

export function formatMs(ms: number): string {
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 10_000) return `${Math.round(ms)} ms`;
  return ms < 600_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

const COLUMN_MAX = 64;

export function formatTable(rows: readonly Row[]): string {
  const cells = [
    ["", "what", "expected", "seen", ""],
    ...rows.map((row) => [String(row.scenario), row.what, row.expected, row.seen, row.result]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.min(COLUMN_MAX, Math.max(...cells.map((row) => widthOf(row[column]!)))),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat(Math.max(0, widths[column]! - widthOf(cell))))
      .join("  ")
      .trimEnd(),
  );
  return [lines[0]!, "-".repeat(Math.max(...lines.map((line) => line.length))), ...lines.slice(1)].join("\n");
}

/** Characters, not UTF-16 units. */
function widthOf(cell: string): number {
  return Array.from(cell).length;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countRows(rows: readonly Row[]): Counts {
  const count = (result: Result): number => rows.filter((row) => row.result === result).length;
  return { passed: count("ok"), failed: count("FAILED"), skipped: count("skipped") };
}

/** The last line, which .ci/run reads. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}
