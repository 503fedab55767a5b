/** Fuzzed: rows of the search index, opened, and what people type to search. Format: docs/spec/search.md. */
import { equalBytes, utf8 } from "../../../src/core/base/bytes.ts";
import { foldText } from "../../../src/core/search/fold-text.ts";
import {
  decodeIndexState,
  encodeIndexState,
  pendingOf,
  sizeOfCoverage,
} from "../../../src/core/search/index-state.ts";
import { partsOf, WORD_UNITS_MAX } from "../../../src/core/search/parts.ts";
import { answers, parseQuery, termsToFind } from "../../../src/core/search/query.ts";
import {
  decodeDocuments,
  decodeLists,
  encodeDocuments,
  encodeLists,
} from "../../../src/core/search/segment-rows.ts";
import { type Decoder, promise } from "../decoder.ts";
import { looseText } from "./membership.ts";

const placeAt = (position: number): { readonly logNumber: number; readonly position: number } => ({
  logNumber: 3,
  position,
});

const state: Decoder = {
  name: "search-state",
  group: "store",
  codes: ["STORE_DAMAGED"],
  samples: () =>
    [0, 1, 3].map((count) =>
      encodeIndexState({
        next: 2_000_000_000,
        segments: Array.from({ length: count }, (_, number) => ({
          number: 1_000 + number,
          bits: 8,
          again: number === 1,
          documents: 16_384,
          newestMs: 1_700_000_000_000,
          oldestMs: 1_600_000_000_000,
          coverage: new Map([
            [number, [{ from: 0, to: 5 }]],
            [
              9,
              [
                { from: 7, to: 300 },
                { from: 70_000, to: 80_000 },
              ],
            ],
          ]),
        })),
      }),
    ),
  read: (input) => {
    const read = decodeIndexState(input);
    promise(equalBytes(encodeIndexState(read), input), "a state has one encoding");
    for (const { coverage } of read.segments)
      promise(sizeOfCoverage(pendingOf(coverage, read)) === 0, "what a segment covers is not pending");
  },
};

const documents: Decoder = {
  name: "search-documents",
  group: "store",
  codes: ["STORE_DAMAGED"],
  samples: () => [
    encodeDocuments([]),
    encodeDocuments([
      { ms: 1_700_000_000_000, place: placeAt(5) },
      { ms: 1_700_000_000_000, place: placeAt(70_000) },
      { ms: 3, place: placeAt(0) },
    ]),
  ],
  read: (input) => {
    promise(equalBytes(encodeDocuments(decodeDocuments(input)), input), "documents have one encoding");
  },
};

const lists: Decoder = {
  name: "search-lists",
  group: "store",
  codes: ["STORE_DAMAGED"],
  samples: () => [
    encodeLists([]),
    encodeLists([
      { token: 7, documents: [0, 1, 9] },
      { token: 2 ** 39, documents: [16_383] },
    ]),
  ],
  read: (input) => {
    const tokens = [7, 5, 2 ** 39];
    const found = decodeLists(input, tokens);
    promise(found.length === tokens.length, "each token has its list");
    for (const list of found)
      promise(
        list.every((document, at) => document < 16_384 && (at === 0 || document > list[at - 1]!)),
        "documents ascend and are in range",
      );
  },
};

const query: Decoder = {
  name: "search-query",
  group: "inbox",
  codes: ["SEARCH_QUERY_INVALID"],
  words: ["\u0130", "\u00df", "\u200d", "\ufe0f", "\u{1f1e9}", "\u3099", "\u0e31", "\u5317", "*", "\ufdfa"],
  samples: () =>
    ["train ber*", "\u5317\u4eac\u5927\u5b66 3", "Gr\u00f6\u00dfe", "\u{1f44d}\u{1f3fd}"].map(utf8),
  read: (input) => {
    const text = looseText(input);
    for (const part of partsOf(foldText(text)))
      promise(
        part.text !== "" && (part.kind === "run" || part.text.length <= WORD_UNITS_MAX),
        "a part is not empty, a word not long",
      );
    const asked = parseQuery(text);
    promise(answers(asked, text), "what was typed answers itself");
    promise(
      termsToFind(asked).every((term) => term.length > 1),
      "every part of a query has a term",
    );
  },
};

export const searchDecoders: readonly Decoder[] = [state, documents, lists, query];
