/** A QR in half blocks, light cells drawn: so it is dark on light on the usual dark terminal. */

/** Nothing where the terminal is too narrow: a QR with broken lines helps nobody. */
export async function qrLines(text: string, columns: number): Promise<readonly string[]> {
  const { renderUnicodeCompact } = await import("uqr");
  // With the quiet zone that scanners need.
  const lines = renderUnicodeCompact(text, { border: 2 })
    .split("\n")
    .map((line) => `  ${line}`);
  return lines.every((line) => line.length <= columns) ? lines : [];
}
