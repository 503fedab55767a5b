/**
 * Terms: the strings under which an index lists a message, and those that a query asks for.
 * Spec: docs/spec/search.md, "Terms". Tests: test/unit/search/query.test.ts.
 */
import type { ConversationId } from "../base/ids.ts";
import { beginning } from "./parts.ts";

/** Beginnings that are listed, in UTF-16 units, the longest last. What lies between costs a few looks and no row. */
const BEGINNINGS: readonly number[] = [1, 2, 3, 4, 6, 8];

export function conversationTerm(conversation: ConversationId): string {
  return `@${conversation}`;
}

export function wordTerm(word: string): string {
  return `=${word}`;
}

/** Of the longest beginning that is listed. */
export function beginningTerm(start: string): string {
  const units = BEGINNINGS.findLast((each) => each <= start.length) ?? 1;
  return `^${beginning(start, units)}`;
}

/** All terms of a word. */
export function termsOfWord(word: string): readonly string[] {
  const terms = [wordTerm(word)];
  let last = "";
  for (const units of BEGINNINGS) {
    if (units > word.length) break;
    const start = beginning(word, units);
    if (start !== last) terms.push(`^${start}`);
    last = start;
  }
  return terms;
}

/** All terms of a run. */
export function termsOfRun(run: string): readonly string[] {
  const characters = Array.from(run);
  const terms = new Set<string>();
  for (const [at, character] of characters.entries()) {
    terms.add(`~${character}`);
    if (at > 0) terms.add(`~${characters[at - 1]!}${character}`);
  }
  return [...terms];
}

/** What a message has that has the run somewhere. */
export function termsToFindRun(run: string): readonly string[] {
  const characters = Array.from(run);
  if (characters.length === 1) return [`~${run}`];
  return [...new Set(characters.slice(1).map((character, at) => `~${characters[at]!}${character}`))];
}
