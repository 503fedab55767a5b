import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { compareBytes, hex } from "../../../src/core/base/bytes.ts";
import type { RowKey } from "../../../src/core/log/rows.ts";
import { tileOf } from "../../../src/core/log/tiles.ts";
import {
  entryKey,
  kindKey,
  kindNumberOf,
  logIdKey,
  logNumberOf,
  nodeKey,
  nodeOfKey,
  nodesOfTile,
  positionOf,
  rowKey,
  rowKeyOf,
  rowSpan,
  tileKey,
} from "../../../src/io/store/keys.ts";

/** Plain objects, as `deepEqual` compares prototypes too. */
const record = <Model>(model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> }): fc.Arbitrary<Model> =>
  fc.record(model, { noNullPrototype: true });

const position = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const logNumber = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const node = fc
  .integer({ min: 0, max: 47 })
  .chain((level) =>
    record({ level: fc.constant(level), index: fc.integer({ min: 0, max: 2 ** (48 - level) - 1 }) }),
  );

describe("keys of the store", () => {
  it("are those of docs/spec/storage.md", () => {
    equal(hex(entryKey(3, 258)), "6500000003000000000102");
    equal(hex(logIdKey(0x01020304)), "6901020304");
    equal(hex(kindKey(258)), "6b0102");
    equal(hex(tileKey(3, { level: 1, index: 2 })), "740000000301000000000002");
    equal(hex(nodeKey(3, { level: 10, index: 65 })), "6e00000003010000000000010201");
    equal(hex(rowKey("m\x00\xff" as RowKey)), "726d00ff");
    equal(hex(rowKey("m\x00\xff" as RowKey, 1)), "736d00ff");
    equal(hex(rowKey("xs" as RowKey, 1)), "727873");
  });

  it("sort entries by log and position", () => {
    fc.assert(
      fc.property(logNumber, position, logNumber, position, (logA, a, logB, b) => {
        const expected = logA === logB ? a - b : logA - logB;
        equal(Math.sign(compareBytes(entryKey(logA, a), entryKey(logB, b))), Math.sign(expected));
      }),
    );
  });

  it("give back what they were made of", () => {
    fc.assert(
      fc.property(logNumber, position, node, (log, at, made) => {
        equal(positionOf(entryKey(log, at)), at);
        equal(logNumberOf(logIdKey(log)), log);
        deepEqual(nodeOfKey(nodeKey(log, made)), made);
      }),
    );
    const kinds = [0, 255, 256, 40_000, 65_534, 65_535, 65_536, 65_537, 2 ** 24, 2 ** 26 - 1];
    deepEqual(
      kinds.map((number) => kindNumberOf(kindKey(number))),
      kinds,
    );
    deepEqual(kinds.map(kindKey).toSorted(compareBytes).map(kindNumberOf), kinds);
  });

  it("keep the nodes of one tile together, and apart from all others", () => {
    fc.assert(
      fc.property(logNumber, node, node, (log, a, b) => {
        const { from, to } = nodesOfTile(log, tileOf(a));
        const isInside = (key: Uint8Array): boolean =>
          compareBytes(from, key) <= 0 && compareBytes(key, to) < 0;
        equal(isInside(nodeKey(log, a)), true);
        const [tileA, tileB] = [tileOf(a), tileOf(b)];
        equal(isInside(nodeKey(log, b)), tileA.level === tileB.level && tileA.index === tileB.index);
        equal(isInside(nodeKey((log + 1) % 2 ** 32, a)), false);
      }),
    );
  });

  it("sort rows of the view as their names do", () => {
    const name = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    });
    fc.assert(
      fc.property(name, name, (a, b) => {
        const expected = a < b ? -1 : a > b ? 1 : 0;
        equal(Math.sign(compareBytes(rowKey(a as RowKey), rowKey(b as RowKey))), expected);
        equal(rowKeyOf(rowKey(a as RowKey)), a);
        equal(
          compareBytes(rowSpan.from, rowKey(a as RowKey)) <= 0 &&
            compareBytes(rowKey(a as RowKey), rowSpan.to) < 0,
          true,
        );
      }),
    );
  });

  it("refuse a row name that is too long to be one", () => {
    throws(() => rowKey("x".repeat(257) as RowKey), RangeError);
  });
});
