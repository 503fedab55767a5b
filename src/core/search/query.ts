/**
 * A query: what a person typed, taken apart; which terms find it; whether a text answers it.
 * Spec: docs/spec/search.md, "Words". Tests: test/unit/search/query.test.ts.
 */
import { EngineError } from "../base/errors.ts";
import { foldText } from "./fold-text.ts";
import { partsOf } from "./parts.ts";
import { beginningTerm, termsToFindRun, wordTerm } from "./terms.ts";

export const QUERY_CHARACTERS_MAX = 1_024;
const QUERY_PARTS_MAX = 32;

interface Asked {
  readonly kind: "word" | "beginning" | "run";
  readonly text: string;
}

export interface Query {
  readonly asked: readonly Asked[];
}

/** @throws EngineError `SEARCH_QUERY_INVALID` where there is nothing to look for, or too much. */
export function parseQuery(text: string): Query {
  if (text.length > QUERY_CHARACTERS_MAX)
    throw invalid(`a search has at most ${QUERY_CHARACTERS_MAX} characters`, "Search for fewer words.");
  const folded = foldText(text);
  const asked = new Map<string, Asked>();
  for (const { kind, text: part, to } of partsOf(folded)) {
    const whole: Asked = { kind: kind === "word" && folded[to] === "*" ? "beginning" : kind, text: part };
    asked.set(`${whole.kind} ${part}`, whole);
  }
  if (asked.size === 0)
    throw invalid(
      "there is no word to search for",
      "Give letters, digits or emoji; `kin*` finds what begins with kin.",
    );
  if (asked.size > QUERY_PARTS_MAX)
    throw invalid(`a search has at most ${QUERY_PARTS_MAX} words`, "Search for fewer words.");
  return { asked: [...asked.values()] };
}

/** A message that answers the query has all of these. */
export function termsToFind({ asked }: Query): readonly string[] {
  const terms = asked.flatMap(({ kind, text }) => {
    if (kind === "run") return termsToFindRun(text);
    return [kind === "word" ? wordTerm(text) : beginningTerm(text)];
  });
  return [...new Set(terms)];
}

export function answers({ asked }: Query, text: string): boolean {
  const parts = partsOf(foldText(text));
  return asked.every((wanted) =>
    parts.some((part) => {
      switch (wanted.kind) {
        case "run":
          return part.kind === "run" && part.text.includes(wanted.text);
        case "beginning":
          return part.kind === "word" && part.text.startsWith(wanted.text);
        case "word":
          return part.kind === "word" && part.text === wanted.text;
      }
    }),
  );
}

function invalid(message: string, remedy: string): EngineError {
  return new EngineError("SEARCH_QUERY_INVALID", message, { remedy });
}
