/** The recovery phrase, as people copy it: numbered, four words a line. */
import type { Style } from "./style.ts";

const WORDS_A_LINE = 4;
const WORD_COLUMNS = 14;

export function phraseLines(phrase: string, style: Style): readonly string[] {
  const words = phrase
    .split(" ")
    .map((word, at) => `${String(at + 1).padStart(2)} ${word}`.padEnd(WORD_COLUMNS));
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += WORDS_A_LINE) {
    lines.push(`  ${words.slice(at, at + WORDS_A_LINE).join("")}`.trimEnd());
  }
  return [
    style.bold("The recovery phrase. Write it down on paper: it is shown this once and kept nowhere."),
    "With it you come back to your account when all your devices are lost; so can anybody else who has it.",
    "",
    ...lines,
  ];
}
