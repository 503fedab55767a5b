import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryRows } from "../../../simulations/doubles/memory-rows.ts";
import type { Row, RowKey } from "../../../src/core/log/rows.ts";

const key = fc
  .string({ unit: fc.constantFrom("a", "b", "\u00ff"), maxLength: 3 })
  .map((text) => text as RowKey);
const change = fc.record({ kind: fc.constantFrom("set", "set", "delete", "clear", "range"), key });
const bounds = fc.record({
  from: key,
  to: key,
  reverse: fc.boolean(),
  limit: fc.oneof(fc.nat(5), fc.constant(Number.POSITIVE_INFINITY)),
});

describe("rows in memory", () => {
  it("gives the range that a look at all rows finds, whatever was changed and asked for before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), bounds, (changes, asked) => {
        const rows = new MemoryRows();
        const plain = new Map<RowKey, Row>();
        for (const [at, { kind, key: changed }] of changes.entries()) {
          if (kind === "range") rows.range(asked);
          else if (kind === "clear" && at % 5 === 0) for (const each of [rows, plain]) each.clear();
          else if (kind === "delete") for (const each of [rows, plain]) each.delete(changed);
          else for (const each of [rows, plain]) each.set(changed, Uint8Array.of(at));
        }
        const found = [...plain].filter(([each]) => asked.from <= each && each < asked.to);
        found.sort(([a], [b]) => (a < b === asked.reverse ? 1 : -1));
        assert.deepEqual(rows.range(asked), found.slice(0, asked.limit));
        assert.deepEqual(
          rows.inOrder(),
          [...plain].toSorted(([a], [b]) => (a < b ? -1 : 1)),
        );
      }),
    );
  });

  it("is another version after each change, and after nothing else", () => {
    const rows = new MemoryRows();
    const seen = new Set<object>();
    const isNew = (): boolean => {
      const before = seen.size;
      seen.add(rows.version);
      return seen.size > before;
    };
    const [a, b] = ["a", "b"] as RowKey[];
    assert.ok(isNew());
    rows.set(a!, Uint8Array.of(1));
    assert.ok(isNew());
    rows.set(a!, Uint8Array.of(2));
    assert.ok(isNew());
    rows.range({ from: "", to: "z", reverse: false, limit: 1 });
    rows.delete(b!);
    assert.ok(!isNew());
    rows.delete(a!);
    assert.ok(isNew());
    rows.clear();
    assert.ok(isNew());
  });
});
