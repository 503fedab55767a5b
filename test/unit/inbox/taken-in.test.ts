/** Ids of what is taken in, and how repeats are counted. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { hexToBytes } from "../../../src/core/base/bytes.ts";
import type { MessageId } from "../../../src/core/base/ids.ts";
import {
  OrdinalCounter,
  TakenInIds,
  takenInId,
  type TakenInFields,
} from "../../../src/core/inbox/taken-in.ts";
import { vectorPath } from "../../support/paths.ts";

interface Vectors {
  readonly indexKey: string;
  readonly vectors: readonly {
    readonly comment: string;
    readonly fields: Omit<TakenInFields, "indexKey" | "attachmentHashes"> & {
      readonly attachmentHashes: readonly string[];
    };
    readonly id: string;
  }[];
}

const { indexKey: keyHex, vectors } = JSON.parse(
  readFileSync(vectorPath("inbox/taken-in.json"), "utf8"),
) as Vectors;
const indexKey = hexToBytes(keyHex);
const fieldsOf = ({ fields }: Vectors["vectors"][number]): TakenInFields => ({
  ...fields,
  indexKey,
  attachmentHashes: fields.attachmentHashes.map(hexToBytes),
});
const sms = {
  service: "sms",
  address: "+4930123",
  box: "in",
  timeMs: 1,
  text: "hi",
  attachmentHashes: [],
} as const;

describe("ids of what is taken in", () => {
  for (const vector of vectors) {
    it(`follow from the content: ${vector.comment}`, () => {
      equal(takenInId(fieldsOf(vector)), vector.id);
    });
  }

  it("differ in every field, and between accounts", () => {
    const ids = vectors
      .filter(({ comment }) => comment !== "its address as people write it")
      .map((vector) => takenInId(fieldsOf(vector)));
    equal(new Set(ids).size, ids.length);
    const first = fieldsOf(vectors[0]!);
    notEqual(takenInId(first), takenInId({ ...first, indexKey: new Uint8Array(32) }));
  });

  it("give true repeats an id each, and a second import the same ones", () => {
    const message = fc.record({ text: fc.constantFrom("a", "b"), timeMs: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const take = (some: typeof messages): readonly MessageId[] => {
          const ids = new TakenInIds(indexKey);
          return some.map((fields) => ids.next({ ...sms, ...fields }));
        };
        const once = take(messages);
        equal(new Set(once).size, messages.length);
        deepEqual(take(messages), once);
        // A backup in another order holds the same messages.
        deepEqual(take(messages.toReversed()).toSorted(), once.toSorted());
      }),
    );
  });

  it("take a part of a backup for a part of the whole", () => {
    const some = [1, 1, 2, 2, 2].map((timeMs) => ({ ...sms, timeMs }));
    const all = new TakenInIds(indexKey);
    const whole = some.map((fields) => all.next(fields));
    const rest = new TakenInIds(indexKey);
    ok(some.slice(2).every((fields) => whole.includes(rest.next(fields))));
  });
});

describe("the counter of repeats", () => {
  it("counts as a map would, over many ids", () => {
    const counter = new OrdinalCounter();
    const counts = new Map<string, number>();
    let seed = 1;
    for (let n = 0; n < 60_000; n++) {
      seed = (seed * 48_271) % 0x7fffffff;
      // Every id comes five times on average; the words at the front decide, so they must differ.
      const id = ((seed % 12_000) * 2_654_435_761)
        .toString(16)
        .padStart(16, "0")
        .padEnd(32, "5") as MessageId;
      const before = counts.get(id) ?? 0;
      equal(counter.next(id), before);
      counts.set(id, before + 1);
    }
  });

  it("tells ids apart that differ in one half of what is kept", () => {
    const counter = new OrdinalCounter();
    const ids = ["0".repeat(32), `${"0".repeat(15)}4${"0".repeat(16)}`, `1${"0".repeat(31)}`, "f".repeat(32)];
    for (let round = 0; round < 6; round++) {
      for (const id of ids) equal(counter.next(id as MessageId), round);
    }
  });

  it("keeps ten to fifteen bytes a message", () => {
    const counter = new OrdinalCounter();
    const count = 300_000;
    for (let n = 0; n < count; n++) {
      // Spread as hashes are: multiples of the golden ratio.
      const front = Math.floor(((n * 0.618_033_988_749_895) % 1) * 2 ** 32)
        .toString(16)
        .padStart(8, "0");
      const back = Math.floor(((n * 0.754_877_666_246_693) % 1) * 2 ** 32)
        .toString(16)
        .padStart(8, "0");
      equal(counter.next(`${front}${back}${"0".repeat(16)}` as MessageId), 0);
    }
    const each = counter.bytes / count;
    ok(each >= 10 && each <= 15.5, `${each} bytes each`);
  });
});
