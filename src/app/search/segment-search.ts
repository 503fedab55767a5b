/** What one segment has for the asked tokens, the newest first. Rows of documents are read when the first of them is asked for. */
import { EngineError } from "../../core/base/errors.ts";
import type { Place } from "../../core/log/rows.ts";
import type { Segment } from "../../core/search/index-state.ts";
import { inAll } from "../../core/search/segment-maker.ts";
import {
  decodeDocuments,
  decodeLists,
  type Document,
  DOCUMENTS_PER_ROW,
  documentsKey,
  listsKey,
  rowOfToken,
} from "../../core/search/segment-rows.ts";
import type { IndexRows } from "./index-rows.ts";

export class SegmentSearch {
  readonly #rows: IndexRows;
  readonly #segment: Segment;
  readonly #numbers: readonly number[];
  readonly #beforeMs: number;
  #at = -1;
  #row = -1;
  #documents: readonly Document[] = [];
  #current: Document | null = null;

  private constructor(rows: IndexRows, segment: Segment, numbers: readonly number[], beforeMs: number) {
    this.#rows = rows;
    this.#segment = segment;
    this.#numbers = numbers;
    this.#beforeMs = beforeMs;
  }

  /** At the first document that has all tokens and is not newer than `beforeMs`. @throws EngineError `STORE_DAMAGED`. */
  static async open(input: {
    readonly rows: IndexRows;
    readonly segment: Segment;
    readonly tokens: readonly number[];
    readonly beforeMs: number;
  }): Promise<SegmentSearch> {
    const { rows, segment, tokens, beforeMs } = input;
    const wanted = [...new Set(tokens.map((token) => rowOfToken(token, segment.bits)))];
    const opened = await rows.opened(wanted.map((row) => listsKey(segment.number, row)));
    const lists = wanted.flatMap((row, at) => {
      const bytes = opened[at];
      if (bytes === undefined) throw rowGone();
      return decodeLists(
        bytes,
        tokens.filter((token) => rowOfToken(token, segment.bits) === row),
      );
    });
    const search = new SegmentSearch(rows, segment, inAll(lists), beforeMs);
    await search.advance();
    return search;
  }

  get segment(): number {
    return this.#segment.number;
  }

  /** Of the document that it stands at; null behind the last. */
  get ms(): number | null {
    return this.#current?.ms ?? null;
  }

  get place(): Place {
    return this.#current!.place;
  }

  /** To the next document. @throws EngineError `STORE_DAMAGED`. */
  async advance(): Promise<void> {
    do {
      const number = this.#numbers[++this.#at];
      this.#current = number === undefined ? null : await this.#document(number);
    } while (this.#current !== null && this.#current.ms > this.#beforeMs);
  }

  async #document(number: number): Promise<Document> {
    const row = Math.floor(number / DOCUMENTS_PER_ROW);
    if (row !== this.#row) {
      const [bytes] = await this.#rows.opened([documentsKey(this.#segment.number, row)]);
      if (bytes === undefined) throw rowGone();
      this.#documents = decodeDocuments(bytes);
      this.#row = row;
    }
    const document = this.#documents[number - row * DOCUMENTS_PER_ROW];
    if (document === undefined) throw rowGone();
    return document;
  }
}

function rowGone(): EngineError {
  return new EngineError("STORE_DAMAGED", "a row of the search index is gone");
}
