/**
 * Serves batches: reads what is held in steps, cuts it so that batches begin and end at multiples of 256 where that fits, and puts
 * the proof beside it. Only what is durable is served: a peer that knew an entry which a crash took would call this device a clone.
 * What is damaged or cannot be proved is left out.
 * Tests: test/contracts/store.contract.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import { BATCH_KINDS_MAX, encodeBatch } from "../../core/log/batch.ts";
import { intersect, type Range, rangeOf } from "../../core/log/ranges.ts";
import { TILE_HASHES } from "../../core/log/tiles.ts";
import { perfectNodes, rootOf } from "../../core/log/tree.ts";
import { BATCH_ENTRIES_MAX, type BatchEntry, type Head, type LogState } from "../../core/log/types.ts";
import type { BatchSource, EncodedBatch } from "../../core/sync/ports.ts";
import type { EntryReader } from "./entry-reader.ts";
import type { TreeReader } from "./tree-reader.ts";

type Want = Parameters<BatchSource["batches"]>[0];

interface Sources {
  readonly logNumber: number;
  /** What is durable of the log. */
  readonly state: LogState;
  readonly entries: EntryReader;
  readonly tree: TreeReader;
}

/** Entries of positions that follow each other. */
interface Run {
  readonly from: number;
  readonly entries: readonly BatchEntry[];
}

/** Entries read at once: a batch of typical messages. */
const STEP = 512;

export async function* readBatches(sources: Sources, want: Want): AsyncGenerator<EncodedBatch> {
  const { head, ranges, newestFirst } = want;
  if (!(await isKnownHead(sources, head))) return;
  const below = rangeOf(0, head.length);
  for (const range of ranges) {
    const parts = intersect(intersect(sources.state.held, [range]), below);
    for (const part of newestFirst ? parts.toReversed() : parts) {
      for await (const run of readRuns(sources, part, want)) {
        yield* proveParts(sources, run, want);
      }
    }
  }
}

/** The stored head, or a shorter one of the same tree as far as that can be told here. */
async function isKnownHead({ logNumber, state, tree }: Sources, head: Head): Promise<boolean> {
  if (head.length > state.head.length) return false;
  if (head.length === state.head.length) return equalBytes(head.root, state.head.root);
  const peaks = await tree.nodes(logNumber, state, perfectNodes(0, head.length));
  return peaks === undefined || equalBytes(rootOf(peaks, head.length), head.root);
}

/** Where a run cannot be proved as a whole its parts may be: a damaged neighbour hides no more than its own subtree. */
async function* proveParts(sources: Sources, run: Run, want: Want): AsyncGenerator<EncodedBatch> {
  const batch = await prove(sources, want.head, run);
  if (batch !== undefined) {
    yield batch;
    return;
  }
  if (run.entries.length < 2) return;
  const middle = largestBorderIn(run.from, run.from + run.entries.length) - run.from;
  const first = { from: run.from, entries: run.entries.slice(0, middle) };
  const second = { from: run.from + middle, entries: run.entries.slice(middle) };
  for (const part of want.newestFirst ? [second, first] : [first, second])
    yield* proveParts(sources, part, want);
}

/** The position inside `[from, to)`, and not at its beginning, at which the largest subtree begins. */
function largestBorderIn(from: number, to: number): number {
  let size = 1;
  while (Math.ceil((from + 1) / (size * 2)) * size * 2 < to) size *= 2;
  return Math.ceil((from + 1) / size) * size;
}

async function prove(
  { logNumber, state, tree }: Sources,
  head: Head,
  { from, entries }: Run,
): Promise<EncodedBatch | undefined> {
  const to = from + entries.length;
  const leftNodes = perfectNodes(0, from);
  const proof = await tree.nodes(logNumber, state, [...leftNodes, ...perfectNodes(to, head.length)]);
  if (proof === undefined) return undefined;
  const left = proof.slice(0, leftNodes.length);
  const right = proof.slice(leftNodes.length);
  return { bytes: encodeBatch({ head, from, entries, left, right }), log: head.log, from, to };
}

/** A part that is held as runs that each fit a batch, from the end where that is newest first. */
async function* readRuns({ logNumber, entries }: Sources, part: Range, want: Want): AsyncGenerator<Run> {
  let { from, to } = part;
  /** Read and not served yet, ascending, and touching what is still to be read. */
  let waiting: Run[] = [];
  while (from < to || waiting.length > 0) {
    while (from < to && !isEnough(waiting, want.bytesMax)) {
      const step = want.newestFirst
        ? { from: Math.max(from, to - STEP), to }
        : { from, to: Math.min(to, from + STEP) };
      const runs = joinRuns(await entries.range(logNumber, step));
      waiting = want.newestFirst ? touching(runs, waiting) : touching(waiting, runs);
      if (want.newestFirst) to = step.from;
      else from = step.to;
    }
    const run = want.newestFirst ? waiting.pop() : waiting.shift();
    if (run === undefined) continue;
    const { cut, rest } = cutRun(run, want);
    if (rest !== undefined && want.newestFirst) waiting.push(rest);
    else if (rest !== undefined) waiting.unshift(rest);
    yield cut;
  }
}

/** More than one run, or more than one batch: the first cut no longer depends on what follows. */
function isEnough(waiting: readonly Run[], bytesMax: number): boolean {
  if (waiting.length > 1) return true;
  const entries = waiting[0]?.entries ?? [];
  if (entries.length > BATCH_ENTRIES_MAX) return true;
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes.length;
  return bytes > bytesMax;
}

function joinRuns(
  read: readonly { readonly position: number; readonly entry: BatchEntry | undefined }[],
): Run[] {
  const runs: { from: number; entries: BatchEntry[] }[] = [];
  for (const { position, entry } of read) {
    if (entry === undefined) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.from + last.entries.length === position) last.entries.push(entry);
    else runs.push({ from: position, entries: [entry] });
  }
  return runs;
}

/** Both lists as one; where they touch, the runs become one. */
function touching(before: readonly Run[], after: readonly Run[]): Run[] {
  const last = before.at(-1);
  const first = after[0];
  if (last === undefined || first === undefined || last.from + last.entries.length !== first.from) {
    return [...before, ...after];
  }
  const joined = { from: last.from, entries: [...last.entries, ...first.entries] };
  return [...before.slice(0, -1), joined, ...after.slice(1)];
}

/** The first, or last, part that fits one batch; it ends at a multiple of 256 where it cannot take all. */
function cutRun({ from, entries }: Run, want: Want): { readonly cut: Run; readonly rest: Run | undefined } {
  const count = countThatFit(want.newestFirst ? entries.toReversed() : entries, want.bytesMax);
  if (count === entries.length) return { cut: { from, entries }, rest: undefined };
  if (want.newestFirst) {
    const end = from + entries.length;
    const aligned = Math.ceil((end - count) / TILE_HASHES) * TILE_HASHES;
    const start = (aligned < end ? aligned : end - count) - from;
    return {
      cut: { from: from + start, entries: entries.slice(start) },
      rest: { from, entries: entries.slice(0, start) },
    };
  }
  const aligned = Math.floor((from + count) / TILE_HASHES) * TILE_HASHES;
  const size = aligned > from ? aligned - from : count;
  return {
    cut: { from, entries: entries.slice(0, size) },
    rest: { from: from + size, entries: entries.slice(size) },
  };
}

/** At least one. */
function countThatFit(entries: readonly BatchEntry[], bytesMax: number): number {
  const kinds = new Set<BatchEntry["kind"]>();
  let bytes = 0;
  let count = 0;
  for (const entry of entries) {
    bytes += entry.bytes.length;
    kinds.add(entry.kind);
    if (count > 0 && (bytes > bytesMax || kinds.size > BATCH_KINDS_MAX || count >= BATCH_ENTRIES_MAX)) break;
    count++;
  }
  return count;
}
