/**
 * Takes a folded text apart: words, runs of scripts that are written without spaces, signs. Knows no language: where a word of a
 * run ends is not asked, so no dictionary can answer otherwise another day.
 * Spec: docs/spec/search.md, "Words". Tests: test/unit/search/parts.test.ts.
 */

/** A sign is a word of one character. `at` and `to`: where it stands. */
export interface Part {
  readonly kind: "word" | "run";
  readonly text: string;
  readonly to: number;
}

/** A longer word is known by its beginning of this length. */
export const WORD_UNITS_MAX = 64;

const ASCII_ONLY = /^[\0-\x7f]*$/;
const ASCII_WORD = /[a-z0-9]+/g;

const WITHOUT_SPACES =
  "\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Bopo}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}\u30fc";
/** The first group is a run, the second a word, the third a sign. Punctuation of those scripts has no letter in it. */
const PART = new RegExp(
  `((?:(?![\\p{P}\\p{S}\\p{Z}])[${WITHOUT_SPACES}])+)` +
    `|((?:(?![${WITHOUT_SPACES}])[\\p{L}\\p{N}])(?:(?![${WITHOUT_SPACES}])[\\p{L}\\p{N}\\p{M}])*)` +
    `|(\\p{RI}{2}|\\p{Extended_Pictographic})`,
  "gu",
);

/** In the order in which they stand; `folded` by fold-text.ts. */
export function partsOf(folded: string): readonly Part[] {
  const parts: Part[] = [];
  if (ASCII_ONLY.test(folded)) {
    for (const match of folded.matchAll(ASCII_WORD)) {
      parts.push({
        kind: "word",
        text: beginning(match[0], WORD_UNITS_MAX),
        to: match.index + match[0].length,
      });
    }
    return parts;
  }
  for (const match of folded.matchAll(PART)) {
    const [whole, run] = match;
    const to = match.index + whole.length;
    parts.push(
      run === undefined
        ? { kind: "word", text: beginning(whole, WORD_UNITS_MAX), to }
        : { kind: "run", text: run, to },
    );
  }
  return parts;
}

/** The first `units` UTF-16 units; one less where that would cut a character in two. */
export function beginning(text: string, units: number): string {
  if (text.length <= units) return text;
  const last = text.charCodeAt(units - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? units - 1 : units);
}
