/**
 * Texts and names of other people, made fit for a terminal: nothing in them moves the cursor, changes colours, or turns the reading
 * direction of what stands beside them (threat U10). Tests: test/unit/cli/printable.test.ts.
 */

/**
 * C0 but tab and line feed, delete, C1; marks, embeddings, overrides and isolates of direction; line and paragraph separators; invisible
 * characters that hide in names; tags. Each class of one character: no text makes this slow.
 */
const DANGEROUS =
  /(?![\t\n])\p{Cc}|\p{Cs}|[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
/** Letters that are read from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";

/** For one line: a name, an address, a title, the beginning of a text. */
export function printableLine(text: string): string {
  return isolated(visible(text.replaceAll("\r\n", "\n")).replaceAll("\n", "⏎").replaceAll("\t", " "));
}

/** The lines of a text; what follows the first is for the caller to indent, so that no text looks like another message. */
export function printableLines(text: string): readonly string[] {
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => isolated(visible(line).replaceAll("\t", "    ")));
}

/** JSON that a terminal may show: the same value, with nothing raw that a terminal obeys. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(DANGEROUS, escapeForJson);
}

function visible(text: string): string {
  return text.replace(DANGEROUS, (character) => {
    const point = character.codePointAt(0) ?? 0;
    // The control pictures of Unicode show C0 and delete.
    if (point < 0x20) return String.fromCodePoint(0x2400 + point);
    if (point === 0x7f) return "\u2421";
    return `<${point.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

function isolated(line: string): string {
  return RIGHT_TO_LEFT.test(line) ? `${FIRST_STRONG_ISOLATE}${line}${POP_ISOLATE}` : line;
}

function escapeForJson(character: string): string {
  let escaped = "";
  for (let at = 0; at < character.length; at++) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
