/** A QR in half blocks, dark on light whatever the terminal's colours are. */

export async function qrLines(text: string): Promise<readonly string[]> {
  const { renderUnicodeCompact } = await import("uqr");
  // Two lines of cells each, with the quiet zone that scanners need. Light cells are drawn, so it fits the usual dark terminal.
  return renderUnicodeCompact(text, { border: 2 })
    .split("\n")
    .map((line) => `  ${line}`);
}
