/** How texts are folded and taken apart, in many scripts. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { foldText } from "../../../src/core/search/fold-text.ts";
import { beginning, partsOf, WORD_UNITS_MAX } from "../../../src/core/search/parts.ts";

const words = (text: string): readonly string[] =>
  partsOf(foldText(text)).map(({ kind, text: part }) => (kind === "run" ? `[${part}]` : part));
const alike = (...texts: readonly string[]): void => {
  for (const text of texts) deepEqual(words(text), words(texts[0]!), text);
};

describe("Folding", () => {
  it("leaves out case and accents of Latin letters, also where no normal form does", () => {
    deepEqual(words("Größe ÉCOLE Æsir Øresund Łódź Đorđe œuvre"), [
      "grosse",
      "ecole",
      "aesir",
      "oresund",
      "lodz",
      "dorde",
      "oeuvre",
    ]);
    alike("Straße", "STRASSE", "strasse", "STRAẞE");
    alike("naïve", "naïve", "NAÏVE");
    alike("ﬁne", "fine");
  });

  it("makes one letter of all that Turkish writes as i, in both cases", () => {
    alike("İstanbul", "ISTANBUL", "istanbul", "ıstanbul");
    alike("KIRMIZI", "kırmızı", "kirmizi");
  });

  it("knows Greek at the end of a word and Cyrillic letters that have a mark of their own", () => {
    alike("ΟΔΟΣ", "οδος", "οδός");
    alike("Ёлка", "елка");
    deepEqual(words("Мой мои"), ["мой", "мои"]);
  });

  it("leaves out the vowel signs of Arabic and Hebrew, and reads their digits", () => {
    alike("مُحَمَّد", "محمد");
    alike("أحمد", "احمد");
    alike("شَلُوم", "شلوم");
    alike("שָׁלוֹם", "שלום");
    deepEqual(words("رقم ٣٤ و ۵۶"), ["رقم", "34", "و", "56"]);
  });

  it("keeps the marks that are letters to their readers", () => {
    deepEqual(words("हिन्दी में"), ["हिन्दी", "में"]);
    deepEqual(words("がっこう かつこう"), ["[がっこう]", "[かつこう]"]);
    deepEqual(words("한국어 문장"), ["한국어", "문장"]);
  });

  it("takes letters of another width for what they are", () => {
    alike("Ｋｉｎ１２", "kin12");
    alike("ﾗｰﾒﾝ", "ラーメン");
  });

  it("gives the same again for what is folded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const folded = foldText(text);
        deepEqual(
          partsOf(foldText(folded)).map((part) => part.text),
          partsOf(folded).map((part) => part.text),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("The parts of a text", () => {
  it("are words, numbers and what is made of both", () => {
    deepEqual(words("It's 10:30, call +49 30-123 re: v2.0b_x!"), [
      "it",
      "s",
      "10",
      "30",
      "call",
      "49",
      "30",
      "123",
      "re",
      "v2",
      "0b",
      "x",
    ]);
    deepEqual(words(" \t\n.,;"), []);
  });

  it("are whole runs in scripts without spaces, apart from what stands beside them", () => {
    deepEqual(words("我在北京大学。明天3月见iPhone手机"), [
      "[我在北京大学]",
      "[明天]",
      "3",
      "[月见]",
      "iphone",
      "[手机]",
    ]);
    deepEqual(words("東京でラーメンを食べた、人々"), ["[東京でラーメンを食べた]", "[人々]"]);
    deepEqual(words("ฉันรักกรุงเทพ ok"), ["[ฉันรักกรุงเทพ]", "ok"]);
  });

  it("are emoji one by one, without colour, and flags", () => {
    deepEqual(words("ok👍🏽👍❤️"), ["ok", "👍", "👍", "❤"]);
    deepEqual(words("👨‍👩‍👧 🇩🇪🇫🇷"), ["👨", "👩", "👧", "🇩🇪", "🇫🇷"]);
  });

  it("stop at a length, and never within a character", () => {
    equal(words("x".repeat(1_000))[0]!.length, WORD_UNITS_MAX);
    equal(beginning("a\u{10400}b", 2), "a");
    equal(beginning("a\u{10400}b", 3), "a\u{10400}");
    equal(beginning("ab", 5), "ab");
  });

  it("are the same for plain letters whatever stands elsewhere in the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
        // The long way round: one letter that is not ASCII.
        deepEqual(words(text), words(`${text} ж`).slice(0, -1));
      }),
    );
  });
});
