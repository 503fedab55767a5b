/**
 * Texts as search compares them: without case, accents and forms that only look different. What a mark means differs between
 * scripts, so only those are left out that readers leave out themselves. Spec: docs/spec/search.md, "Words".
 * Tests: test/unit/search/parts.test.ts.
 */

const ASCII_ONLY = /^[\0-\x7f]*$/;

/**
 * Latin, Greek and Cyrillic accents; the vowel signs of Arabic and Hebrew, tatweel and the soft hyphen. The breve makes another letter of и and у.
 * Run on NFKD, where each mark stands behind its letter.
 */
const LEFT_OUT =
  /([иуИУ])\u0306|[\u0300-\u036f\u064b-\u065f\u0670\u0640\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u00ad]/g;

/** Letters that no normal form takes apart. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ["ß", "ss"],
  ["æ", "ae"],
  ["œ", "oe"],
  ["ø", "o"],
  ["đ", "d"],
  ["ð", "d"],
  ["ł", "l"],
  ["ħ", "h"],
  ["þ", "th"],
  ["ı", "i"],
  ["ς", "σ"],
]);
const FOLDED = /[ßæœøđðłħþıς\u0660-\u0669\u06f0-\u06f9]/g;
const ARABIC_ZERO = 0x0660;
const PERSIAN_ZERO = 0x06f0;

export function foldText(text: string): string {
  if (ASCII_ONLY.test(text)) return text.toLowerCase();
  return text
    .normalize("NFKD")
    .replace(LEFT_OUT, (_, letter: string | undefined) => (letter === undefined ? "" : `${letter}\u0306`))
    .normalize("NFKC")
    .toLowerCase()
    .replace(FOLDED, foldLetter);
}

function foldLetter(letter: string): string {
  const folded = LETTERS.get(letter);
  if (folded !== undefined) return folded;
  const code = letter.charCodeAt(0);
  return String(code - (code >= PERSIAN_ZERO ? PERSIAN_ZERO : ARABIC_ZERO));
}
