/** Bugs in the search index: src/core/search, src/app/search. */
import type { Mutant } from "../mutant.ts";

const index = "test/integration/app/search.test.ts";

export const searchMutants: readonly Mutant[] = [
  {
    id: "search-unnamed-left",
    file: "src/app/search/index-building.ts",
    find: "if (this.#mayHaveUnnamed) await this.#rows.clearUnnamed(read);",
    put: "",
    bug: "what a crash left of a half-built segment stays for good",
    breaks: "I11",
    by: { kind: "tests", files: [index] },
  },
  {
    id: "search-cleared-named",
    file: "src/app/replica/writer.ts",
    find: "stands = await this.#stand(grounds);",
    put: "stands = (await this.#stand(grounds)) || true;",
    bug: "a segment is put into the state that was there before the view was cleared",
    breaks: "I6",
    by: { kind: "tests", files: [index] },
  },
  {
    id: "search-old-text",
    file: "src/app/search/searching.ts",
    find: "if (isWanted(message, search) && answers(search.query, text)) found.set(id, message);",
    put: "if (isWanted(message, search) && text !== null) found.set(id, message);",
    bug: "a message is found by what it said before it was edited",
    breaks: "I8",
    by: { kind: "tests", files: [index] },
  },
  {
    id: "search-bin-shown",
    file: "src/app/search/searching.ts",
    find: "if (message.deleted || message.unsent) return false;",
    put: "if (message.unsent) return false;",
    bug: "what was thrown away is found",
    breaks: "I8",
    by: { kind: "tests", files: [index] },
  },
  {
    id: "search-row-anywhere",
    file: "src/core/crypto/derive.ts",
    find: "return labelled(labels.searchRow, key);",
    put: "return labelled(labels.searchRow, key.subarray(0, 1));",
    bug: "a row of one segment is taken for one of another",
    breaks: "I10",
    by: { kind: "tests", files: ["test/unit/search/segment.test.ts"] },
  },
  {
    id: "search-pages-skip",
    file: "src/app/search/searching.ts",
    find: "if (isEnough && merge.lastMs !== nextMs) return cut(found, search.limit, nextMs);",
    put: "if (isEnough) return cut(found, search.limit, null);",
    bug: "a search that opened too much says that there is no more",
    breaks: "I8",
    by: { kind: "tests", files: [index] },
  },
];
