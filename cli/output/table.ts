/** Rows in columns as wide as their widest cell; the last column takes what is left of the line. */
import { cutTo, padTo, widthOf } from "./width.ts";

const GAP = "  ";
/** Of a column that is not the last, so that one long name does not push the rest away. */
const COLUMN_MAX = 40;

export function formatTable(
  rows: readonly (readonly string[])[],
  options: { readonly head?: readonly string[]; readonly columns: number },
): readonly string[] {
  const all = options.head === undefined ? rows : [options.head, ...rows];
  const widths: number[] = [];
  for (const row of all) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.min(COLUMN_MAX, Math.max(widths[column] ?? 0, widthOf(cell)));
    }
  }
  return all.map((row) => formatRow(row, widths, options.columns));
}

function formatRow(row: readonly string[], widths: readonly number[], columns: number): string {
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const lastWidth = Math.max(20, columns - before);
  return row
    .map((cell, column) =>
      column === widths.length - 1
        ? cutTo(cell, lastWidth)
        : padTo(cutTo(cell, widths[column] ?? 0), widths[column] ?? 0),
    )
    .join(GAP)
    .trimEnd();
}
