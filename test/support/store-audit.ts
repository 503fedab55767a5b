/** Compares a store in which a GrowingLog grew with what it must hold. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { equalBytes } from "../../src/core/base/bytes.ts";
import { verifyHead } from "../../src/core/log/head.ts";
import { rangeOf } from "../../src/core/log/ranges.ts";
import type { Row } from "../../src/core/log/rows.ts";
import type { StoredEntry } from "../../src/core/sync/ports.ts";
import { openLevelStore } from "../../src/io/store/level-store.ts";
import { growingLogId, grownEntry, grownRow, grownRowKey, LENGTH_ROW, lengthRow } from "./growing-log.ts";
import { testAuthorship } from "./logs.ts";
import { rowKey } from "./store-steps.ts";

const STEP = 1000;

/** Plain comparisons: there are many. */
function requireGrown(position: number, stored: StoredEntry | undefined, row: Row | undefined): void {
  const { kind, bytes } = grownEntry(position);
  const isRight =
    stored?.position === position &&
    stored.entry.state === "present" &&
    stored.entry.kind.flags === kind.flags &&
    equalBytes(stored.entry.bytes, bytes) &&
    row !== undefined &&
    equalBytes(row, grownRow(position));
  ok(isRight, `the entry or the row of ${position} is not what was written`);
}

/** Everything up to the head is there and right, and the head is not below `lengthMin`. Returns the length. */
export async function auditGrown(path: string, lengthMin: number): Promise<number> {
  const store = await openLevelStore({ path });
  try {
    equal(store.isSuspect(), false);
    const [known] = await store.logs();
    const length = known?.state.head.length ?? 0;
    ok(length >= lengthMin, `${lengthMin} were acknowledged, ${length} are there`);
    if (known === undefined) return 0;
    ok(verifyHead(known.state.head, testAuthorship));
    deepEqual(known.state.held, rangeOf(0, length));
    deepEqual(known.state.prefix, { length, root: known.state.head.root });
    for (let from = 0; from < length; from += STEP) {
      const to = Math.min(length, from + STEP);
      const positions = Array.from({ length: to - from }, (_, at) => from + at);
      const entries = await store.entries(growingLogId, from, to);
      const rows = await store.rows(positions.map((position) => rowKey(grownRowKey(position))));
      for (const position of positions)
        requireGrown(position, entries[position - from], rows[position - from]);
    }
    deepEqual(await store.rows([rowKey(LENGTH_ROW), rowKey(grownRowKey(length))]), [
      lengthRow(length),
      undefined,
    ]);
    const found = await store.verify({ log: growingLogId, forgetBad: false, onProgress: () => undefined });
    deepEqual(found, { entries: length, bad: [], worn: [] });
    return length;
  } finally {
    await store.close();
  }
}
