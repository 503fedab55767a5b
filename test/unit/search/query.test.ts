/** What a query asks for, which terms find it, and which texts answer it. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { foldText } from "../../../src/core/search/fold-text.ts";
import { partsOf } from "../../../src/core/search/parts.ts";
import { answers, parseQuery, QUERY_CHARACTERS_MAX, termsToFind } from "../../../src/core/search/query.ts";
import { termsOfRun, termsOfWord } from "../../../src/core/search/terms.ts";
import { assertCode } from "../../support/assert-code.ts";

const asked = (text: string): readonly string[] =>
  parseQuery(text).asked.map((each) => `${each.kind} ${each.text}`);
const finds = (query: string, text: string): boolean => answers(parseQuery(query), text);

describe("A query", () => {
  it("asks for words, beginnings and runs, each once", () => {
    deepEqual(asked("Train train BERL* 北京 👍"), ["word train", "beginning berl", "run 北京", "word 👍"]);
    deepEqual(asked("kin *"), ["word kin"]);
  });

  it("is refused where it names nothing, or too much", () => {
    for (const text of ["", "  ", "*", ".,!?", "x".repeat(QUERY_CHARACTERS_MAX + 1)])
      assertCode(() => parseQuery(text), "SEARCH_QUERY_INVALID");
    const many = (count: number): string => Array.from({ length: count }, (_, n) => `w${n}`).join(" ");
    equal(parseQuery(many(32)).asked.length, 32);
    assertCode(() => parseQuery(many(33)), "SEARCH_QUERY_INVALID");
    assertCode(() => parseQuery(many(10_000)), "SEARCH_QUERY_INVALID");
  });

  it("is answered by a text that has all of it, in any order", () => {
    ok(finds("berlin train", "The train to Berlin"));
    ok(!finds("berlin train", "The train to Bern"));
    ok(!finds("ber", "Berlin"));
    ok(finds("ber*", "Berlin"));
    ok(finds("berlin*", "Berlin"));
    ok(!finds("berlins*", "Berlin"));
    ok(finds("strasse", "Hauptstraße 5, Straße"));
    ok(finds("大学", "我在北京大学"));
    ok(!finds("北学", "我在北京大学"));
    ok(finds("見", "明日見る"));
    ok(finds("กรุงเทพ", "ฉันรักกรุงเทพมาก"));
    ok(finds("👍", "ok👍🏽"));
  });

  it("is found by terms that every text that answers it has", () => {
    const letter = fc.constantFrom(
      "a",
      "b",
      "ä",
      "ß",
      "İ",
      "北",
      "京",
      "大",
      "が",
      "ก",
      "ุ",
      "👍",
      " ",
      "1",
      "*",
      "\u{10400}",
    );
    const text = fc.string({ unit: letter, maxLength: 24 });
    const query = fc.string({ unit: letter, minLength: 1, maxLength: 6 });
    let answered = 0;
    fc.assert(
      fc.property(text, query, (written, typed) => {
        if (partsOf(foldText(typed)).length === 0 || !finds(typed, written)) return;
        answered++;
        const terms = new Set(
          partsOf(foldText(written)).flatMap((part) =>
            part.kind === "run" ? termsOfRun(part.text) : termsOfWord(part.text),
          ),
        );
        for (const term of termsToFind(parseQuery(typed))) ok(terms.has(term), term);
      }),
      { numRuns: 5_000 },
    );
    ok(answered > 100, `${answered} of the texts answered`);
  });

  it("is found by terms for a beginning of any length", () => {
    const word = "abcdefghijklmnop";
    for (let length = 1; length <= word.length; length++) {
      const terms = termsToFind(parseQuery(`${word.slice(0, length)}*`));
      equal(terms.length, 1);
      ok(termsOfWord(word).includes(terms[0]!), terms[0]);
    }
  });
});
