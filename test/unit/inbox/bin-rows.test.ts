/** Rows that remember since when a message is in the bin: bytes and back, and the order in which they are due. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  BIN_MS,
  binRowKey,
  binRowKeys,
  binRowsOf,
  type BinRecord,
  decodeBinRow,
  dueBounds,
  dueRowKey,
  encodeBinRow,
  found,
  isRecordOf,
  messageOfDueKey,
  RECORD_MS,
  strangeBounds,
  rowsOfRecord,
  withRecordsOf,
} from "../../../src/core/inbox/bin-rows.ts";
import { compareOrder } from "../../../src/core/inbox/stamp.ts";
import { createFold } from "../../../src/core/inbox/fold.ts";
import { messageRowKey } from "../../../src/core/inbox/row-keys.ts";
import { assertCode } from "../../support/assert-code.ts";
import { deviceOf, idOf, NOW_MS, operationOf, orderAt, placedAt } from "../../support/operations.ts";

const WEEK_MS = 7 * 86_400_000;
const fold = createFold({ indexKey: new Uint8Array(32) });
const ms = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const record = fc
  .record({ at: ms, id: fc.nat(1_000), sinceMs: ms, dueMs: ms })
  .map(({ at, id, ...times }): BinRecord => ({ order: orderAt(at, id), ...times }));

describe("Records of the bin", () => {
  it("are read as they were written, and nothing else is read", () => {
    fc.assert(
      fc.property(record, (each) => {
        const row = encodeBinRow(each);
        deepEqual(decodeBinRow(row), each);
        assertCode(() => decodeBinRow(row.subarray(0, row.length - 1)), "STORE_DAMAGED");
        assertCode(() => decodeBinRow(Uint8Array.of(...row, 0)), "STORE_DAMAGED");
      }),
    );
  });

  it("are found by when they are due", () => {
    fc.assert(
      fc.property(record, ms, fc.nat(1_000), (each, nowMs, n) => {
        const key = dueRowKey(each, messageRowKey(idOf(n)));
        equal(messageOfDueKey(key), idOf(n));
        const { from, to } = dueBounds(nowMs);
        equal(from <= key && key < to, each.dueMs <= nowMs && each.dueMs < 2 ** 48 - 1);
      }),
    );
  });

  it("L12: begin with a look where none has found them, or another clock wrote them, and else stay", () => {
    const isStrange = (each: BinRecord): boolean => {
      const key = dueRowKey(each, messageRowKey(idOf(1)));
      return strangeBounds(NOW_MS).some(({ from, to }) => from <= key && key < to);
    };
    const each = { order: orderAt(1, 1), sinceMs: NOW_MS - 1, dueMs: NOW_MS - 1 + RECORD_MS };
    equal(found(each, NOW_MS), null);
    equal(isStrange(each), false);
    const beyond = { ...each, dueMs: NOW_MS + RECORD_MS + 1 };
    equal(isStrange(beyond), true);
    deepEqual(found(beyond, NOW_MS), { ...each, sinceMs: NOW_MS, dueMs: NOW_MS + BIN_MS + WEEK_MS });
    const fresh = { ...each, sinceMs: 0, dueMs: BIN_MS };
    equal(isStrange(fresh), true);
    deepEqual(found(fresh, NOW_MS), { ...each, sinceMs: NOW_MS, dueMs: NOW_MS + BIN_MS });
  });

  it("are made of deletes that stand, and of no others", () => {
    const self = deviceOf(1);
    const conversation = fold.conversationOf("+4930123");
    const bin = (kind: "delete" | "restore", id: number, at: number): ReturnType<typeof placedAt> =>
      placedAt(id, operationOf({ kind, conversation, messages: [idOf(1)] }, { id, ms: at }), NOW_MS + 5);
    const last = bin("delete", 4, NOW_MS + 2);
    const operations = [bin("delete", 2, NOW_MS), bin("restore", 3, NOW_MS + 1), last];
    const { puts } = fold.apply(new Map(), operations);
    const made = binRowsOf(operations, { puts, self });
    equal(made.size, 2);
    const kept = decodeBinRow([...made.values()].find((row) => row.length > 1)!);
    const isOwn = last.operation.author === self;
    const staysMs = BIN_MS + (isOwn ? 0 : WEEK_MS);
    deepEqual(kept, {
      order: { stamp: last.operation.stamp, id: idOf(4) },
      sinceMs: 0,
      dueMs: staysMs,
    });
    deepEqual(found(kept, NOW_MS), { ...kept, sinceMs: NOW_MS, dueMs: NOW_MS + staysMs });
    ok(isRecordOf(kept, { order: kept.order, deleted: true }));
    equal(isRecordOf(kept, { order: kept.order, deleted: false }), false);
    equal(isRecordOf(kept, null), false);
    equal(binRowsOf(operations, { puts: new Map(), self }).size, 0, "where the fold put nothing");
  });

  it("are taken over from another view where they are of the same delete, and only there", () => {
    fc.assert(
      fc.property(record, record, fc.boolean(), (made, other, isSame) => {
        const before = isSame ? { ...other, order: made.order } : other;
        fc.pre(isSame || compareOrder(made.order, other.order) !== 0);
        const puts = new Map([...rowsOfRecord(made, idOf(1)), ...rowsOfRecord(made, idOf(2))]);
        const old = new Map([...rowsOfRecord(before, idOf(1)), ...rowsOfRecord(before, idOf(3))]);
        const kept = new Map([...old].filter(([key]) => key.startsWith("b")));
        const expected = new Map([
          ...rowsOfRecord(isSame ? before : made, idOf(1)),
          ...rowsOfRecord(made, idOf(2)),
        ]);
        deepEqual(binRowKeys(puts), [binRowKey(messageRowKey(idOf(1))), binRowKey(messageRowKey(idOf(2)))]);
        deepEqual(withRecordsOf(kept, puts), expected);
      }),
    );
  });
});
