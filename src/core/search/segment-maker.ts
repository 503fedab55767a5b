/**
 * Makes the rows of a segment out of its documents: add them, the newest first, then take the rows one after the other. Both can be done
 * in pieces, so that nothing else waits for long. Spec: docs/spec/search.md. Tests: test/unit/search/segment.test.ts.
 */
import type { ConversationId } from "../base/ids.ts";
import { searchTokenOf } from "../crypto/derive.ts";
import type { RowKey } from "../log/rows.ts";
import { foldText } from "./fold-text.ts";
import { partsOf } from "./parts.ts";
import {
  BITS_MAX,
  type Document,
  DOCUMENTS_PER_ROW,
  documentsKey,
  encodeDocuments,
  encodeLists,
  listsKey,
  rowOfToken,
  type TokenList,
} from "./segment-rows.ts";
import { conversationTerm, termsOfRun, termsOfWord } from "./terms.ts";

const ROW_BYTES_TARGET = 4_096;
/** About what a token takes beside its list. */
const TOKEN_BYTES = 6;

/** A message as it is now. */
export interface Text extends Document {
  readonly conversation: ConversationId;
  readonly text: string;
}

export interface PlainRow {
  readonly key: RowKey;
  readonly plaintext: Uint8Array;
}

export class SegmentMaker {
  readonly #indexKey: Uint8Array;
  readonly #documents: Document[] = [];
  /** A word is said again and again: its lists are looked up once. */
  readonly #listsOfPart = new Map<string, readonly number[][]>();
  readonly #listOfTerm = new Map<string, number[]>();
  #entries = 0;

  constructor(indexKey: Uint8Array) {
    this.#indexKey = indexKey;
  }

  get documents(): readonly Document[] {
    return this.#documents;
  }

  /** Not newer than the one before. */
  add({ ms, place, conversation, text }: Text): void {
    const number = this.#documents.length;
    this.#documents.push({ ms, place });
    this.#list([this.#listOf(conversationTerm(conversation), number)], number);
    for (const { kind, text: part } of partsOf(foldText(text))) {
      const name = `${kind === "word" ? "=" : "~"}${part}`;
      let lists = this.#listsOfPart.get(name);
      if (lists === undefined) {
        const terms = kind === "word" ? termsOfWord(part) : termsOfRun(part);
        lists = terms.map((term) => this.#listOf(term, number));
        // Runs are sentences: they seldom come again.
        if (kind === "word") this.#listsOfPart.set(name, lists);
      }
      this.#list(lists, number);
    }
  }

  /** How many bits tell the rows of lists apart. */
  bits(): number {
    const bytes = this.#entries + this.#listOfTerm.size * TOKEN_BYTES;
    return Math.min(BITS_MAX, Math.max(0, Math.ceil(Math.log2(bytes / ROW_BYTES_TARGET))));
  }

  /** All rows of a segment of this number. Nothing may be added while they are taken; a null stands where one may rest. */
  *rows(segment: number): Generator<PlainRow | null> {
    for (let at = 0; at < this.#documents.length; at += DOCUMENTS_PER_ROW) {
      yield {
        key: documentsKey(segment, at / DOCUMENTS_PER_ROW),
        plaintext: encodeDocuments(this.#documents.slice(at, at + DOCUMENTS_PER_ROW)),
      };
    }
    const bits = this.bits();
    const rows: TokenList[][] = Array.from({ length: 2 ** bits }, () => []);
    let made = 0;
    for (const [term, documents] of this.#listOfTerm) {
      const token = searchTokenOf(this.#indexKey, term);
      rows[rowOfToken(token, bits)]!.push({ token, documents });
      if (++made % 128 === 0) yield null;
    }
    for (const [row, lists] of rows.entries())
      yield { key: listsKey(segment, row), plaintext: encodeLists(withoutTwins(lists)) };
  }

  /** A new list begins with the document: most terms have no other, and an empty list would grow to seventeen places at once. */
  #listOf(term: string, number: number): number[] {
    let list = this.#listOfTerm.get(term);
    if (list === undefined) {
      list = [number];
      this.#listOfTerm.set(term, list);
      this.#entries++;
    }
    return list;
  }

  #list(lists: readonly number[][], number: number): void {
    for (const list of lists) {
      if (list.at(-1) === number) continue;
      list.push(number);
      this.#entries++;
    }
  }
}

/** Ascending; two terms that have one token have one list. */
function withoutTwins(lists: readonly TokenList[]): readonly TokenList[] {
  const sorted = lists.toSorted((a, b) => a.token - b.token);
  const single: TokenList[] = [];
  for (const list of sorted) {
    const last = single.at(-1);
    if (last?.token !== list.token) single.push(list);
    else {
      const both = new Set([...last.documents, ...list.documents]);
      single[single.length - 1] = { token: list.token, documents: [...both].sort((a, b) => a - b) };
    }
  }
  return single;
}

/** Documents that stand in all lists, ascending. */
export function inAll(lists: readonly (readonly number[])[]): readonly number[] {
  const [first = [], ...others] = lists.toSorted((a, b) => a.length - b.length);
  let rest = first;
  for (const other of others) {
    let at = 0;
    rest = rest.filter((document) => {
      while (at < other.length && other[at]! < document) at++;
      return other[at] === document;
    });
  }
  return rest;
}
