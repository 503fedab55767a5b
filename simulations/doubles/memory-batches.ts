/**
 * Batches as a memory store serves them: entry after entry into the batch until it is full.
 * Tests: test/unit/doubles/memory-store.test.ts.
 */
import { encodeBatch } from "../../src/core/log/batch.ts";
import { intersect, type Range, rangeOf } from "../../src/core/log/ranges.ts";
import { perfectNodes } from "../../src/core/log/tree.ts";
import { BATCH_ENTRIES_MAX } from "../../src/core/log/types.ts";
import type { BatchSource, EncodedBatch } from "../../src/core/sync/ports.ts";
import type { MemoryLog, MemoryState } from "./memory-disk.ts";

type Want = Parameters<BatchSource["batches"]>[0];

export function* serveBatches(
  state: MemoryState,
  want: Want,
  isServable: (position: number) => boolean,
): Generator<EncodedBatch> {
  const log = state.logs.get(want.head.log);
  if (log === undefined) return;
  for (const range of want.ranges) {
    const held = intersect(intersect(log.state.held, [range]), rangeOf(0, want.head.length));
    const cuts = held.flatMap((part) => cutPart(log, part, want, isServable));
    for (const cut of want.newestFirst ? cuts.toReversed() : cuts) {
      const batch = encodeCut(state, log, want, cut);
      if (batch !== undefined) yield batch;
    }
  }
}

function cutPart(
  log: MemoryLog,
  part: Range,
  want: Want,
  isServable: (position: number) => boolean,
): Range[] {
  const cuts: { from: number; to: number }[] = [];
  let bytes = 0;
  for (let position = part.from; position < part.to; position++) {
    const entry = log.entries.get(position);
    if (entry === undefined || !isServable(position)) continue;
    bytes += entry.bytes.length;
    const last = cuts.at(-1);
    const fits = last?.to === position && bytes <= want.bytesMax && position - last.from < BATCH_ENTRIES_MAX;
    if (fits) {
      last.to = position + 1;
    } else {
      cuts.push({ from: position, to: position + 1 });
      bytes = entry.bytes.length;
    }
  }
  return cuts;
}

function encodeCut(
  state: MemoryState,
  log: MemoryLog,
  { head }: Want,
  { from, to }: Range,
): EncodedBatch | undefined {
  const left = state.nodes(head.log, perfectNodes(0, from));
  const right = state.nodes(head.log, perfectNodes(to, head.length));
  if (left === undefined || right === undefined) return undefined;
  const entries = Array.from({ length: to - from }, (_, at) => log.entries.get(from + at)!);
  return { bytes: encodeBatch({ head, from, entries, left, right }), log: head.log, from, to };
}
