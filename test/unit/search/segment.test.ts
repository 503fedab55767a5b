/** Rows of segments: what is written is read, what is changed is refused, and what a maker lists is all that was added. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { hexToBytes } from "../../../src/core/base/bytes.ts";
import { searchKeyOf, searchTokenOf } from "../../../src/core/crypto/derive.ts";
import { inAll, SegmentMaker, type Text } from "../../../src/core/search/segment-maker.ts";
import {
  decodeDocuments,
  decodeLists,
  type Document,
  DOCUMENTS_MAX,
  documentsKey,
  encodeDocuments,
  encodeLists,
  keysOfSegment,
  listsKey,
  openRow,
  rowOfToken,
  sealRow,
  TOKEN_LIMIT,
  type TokenList,
} from "../../../src/core/search/segment-rows.ts";
import { conversationTerm } from "../../../src/core/search/terms.ts";
import type { ConversationId } from "../../../src/core/base/ids.ts";
import { assertCode } from "../../support/assert-code.ts";

const indexKey = new Uint8Array(32).fill(7);
const key = searchKeyOf(indexKey);
const nonce = new Uint8Array(24).fill(9);
const here = "ab".repeat(16) as ConversationId;

const documents: fc.Arbitrary<readonly Document[]> = fc
  .array(
    fc.record({
      ms: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      place: fc.record({
        logNumber: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        position: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      }),
    }),
    { maxLength: 40 },
  )
  .map((all) => all.toSorted((a, b) => b.ms - a.ms));

const ascending = (limit: number, most: number): fc.Arbitrary<number[]> =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: limit - 1 }), { minLength: 1, maxLength: most })
    .map((all) => all.toSorted((a, b) => a - b));

const lists: fc.Arbitrary<readonly TokenList[]> = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: TOKEN_LIMIT - 1 }), ascending(DOCUMENTS_MAX, 30)), {
    selector: ([token]) => token,
    maxLength: 20,
  })
  .map((all) => all.toSorted(([a], [b]) => a - b).map(([token, each]) => ({ token, documents: each })));

describe("Rows of a segment", () => {
  it("give back the documents that were written", () => {
    fc.assert(fc.property(documents, (all) => equalDocuments(decodeDocuments(encodeDocuments(all)), all)));
  });

  it("give back the lists that are asked for, and none for a token that is not there", () => {
    fc.assert(
      fc.property(lists, (all) => {
        const tokens = all.map(({ token }) => token).toReversed();
        const bytes = encodeLists(all);
        deepEqual(decodeLists(bytes, tokens), all.map((list) => list.documents).toReversed());
        const absent = all.some(({ token }) => token === 5) ? [] : [[]];
        if (absent.length > 0) deepEqual(decodeLists(bytes, [5]), absent);
      }),
    );
  });

  it("open under their own key of the table only, unchanged", () => {
    const name = listsKey(3, 5);
    const plaintext = Uint8Array.of(1, 2, 3);
    const row = sealRow({ key, nonce, rowKey: name, plaintext });
    deepEqual(openRow(key, name, row), plaintext);
    for (const other of [listsKey(3, 6), listsKey(4, 5), documentsKey(3, 5)])
      assertCode(() => openRow(key, other, row), "STORE_DAMAGED");
    for (let at = 0; at < row.length; at++) {
      const changed = row.slice();
      changed[at]! ^= 1;
      assertCode(() => openRow(key, name, changed), "STORE_DAMAGED");
    }
  });

  it("are refused where they are not what this version writes", () => {
    for (const bytes of ["", "02", "0101", "010100", "01010500", "0181"]) {
      assertCode(() => decodeLists(hexToBytes(bytes), [1]), "STORE_DAMAGED");
      assertCode(() => decodeDocuments(hexToBytes(bytes)), "STORE_DAMAGED");
    }
    // Documents that do not ascend, and one beyond the last.
    assertCode(() => decodeLists(hexToBytes("0101" + "05" + "02" + "0300"), [5]), "STORE_DAMAGED");
    assertCode(() => decodeLists(hexToBytes("0101" + "05" + "03" + "808001"), [5]), "STORE_DAMAGED");
    // Two tokens alike.
    assertCode(() => decodeLists(hexToBytes("0102" + "050103" + "000103"), [5]), "STORE_DAMAGED");
  });
});

describe("The maker of a segment", () => {
  const text = (ms: number, words: string): Text => ({
    ms,
    place: { logNumber: 1, position: ms },
    conversation: here,
    text: words,
  });

  /** Documents that have all of these terms, read out of the rows. */
  const listed = (maker: SegmentMaker, terms: readonly string[]): readonly number[] => {
    const rows = new Map(
      [...maker.rows(4)].flatMap((row) => (row === null ? [] : [[row.key, row.plaintext] as const])),
    );
    deepEqual(
      [...rows.keys()],
      keysOfSegment({ number: 4, bits: maker.bits(), documents: maker.documents.length }),
    );
    return inAll(
      terms.map((term) => {
        const token = searchTokenOf(indexKey, term);
        return decodeLists(rows.get(listsKey(4, rowOfToken(token, maker.bits())))!, [token])[0]!;
      }),
    );
  };

  it("lists each document under each of its terms, once", () => {
    const maker = new SegmentMaker(indexKey);
    for (const [at, words] of ["train train 北京", "Training", "the train", "", "👍"].entries())
      maker.add(text(100 - at, words));
    deepEqual(listed(maker, ["=train"]), [0, 2]);
    deepEqual(listed(maker, ["^trai"]), [0, 1, 2]);
    deepEqual(listed(maker, ["=train", "~北京"]), [0]);
    deepEqual(listed(maker, ["=👍"]), [4]);
    deepEqual(listed(maker, ["=absent"]), []);
    deepEqual(listed(maker, [conversationTerm(here)]), [0, 1, 2, 3, 4]);
  });

  it("spreads many lists over rows of near 4 KiB", () => {
    const maker = new SegmentMaker(indexKey);
    for (let at = 0; at < 3_000; at++) maker.add(text(10_000 - at, `w${at} common x${at % 50}`));
    ok(maker.bits() >= 3);
    const sizes = [...maker.rows(4)].flatMap((row) =>
      row?.key.startsWith("xb") === true ? [row.plaintext.length] : [],
    );
    equal(sizes.length, 2 ** maker.bits());
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    ok(mean > 1_500 && mean < 8_000, `${mean} bytes`);
    deepEqual(listed(maker, ["=w2999", "=common"]), [2_999]);
    equal(listed(maker, ["=common"]).length, 3_000);
    deepEqual(
      decodeDocuments([...maker.rows(4)].find((row) => row?.key === documentsKey(4, 1))!.plaintext)[0],
      {
        ms: 10_000 - 512,
        place: { logNumber: 1, position: 10_000 - 512 },
      },
    );
  });
});

function equalDocuments(a: readonly Document[], b: readonly Document[]): void {
  const plain = (all: readonly Document[]): unknown =>
    all.map(({ ms, place }) => [ms, place.logNumber, place.position]);
  deepEqual(plain(a), plain(b));
}
