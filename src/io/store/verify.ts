/**
 * Verifies what is held of a log: every entry is read and hashed to its leaf again, and the leaf must be the one that follows
 * from the head. What the database cannot read counts as bad, and reading goes on behind it.
 * Spec: docs/spec/storage.md, "Verifying". Tests: test/integration/store/verify.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { TreeHash } from "../../core/base/ids.ts";
import { leavesOf } from "../../core/log/header.ts";
import {
  countOf,
  intersect,
  NO_RANGES,
  prefixOf,
  type Range,
  type Ranges,
  rangeOf,
  subtract,
  union,
} from "../../core/log/ranges.ts";
import { EMPTY_PREFIX } from "../../core/log/state.ts";
import { TILE_HASHES, tileSpan } from "../../core/log/tiles.ts";
import { perfectNodes, rootOf } from "../../core/log/tree.ts";
import type { LogState } from "../../core/log/types.ts";
import type { Store } from "../../core/sync/ports.ts";
import type { WholeEntry } from "./entry-reader.ts";
import { entryKey, logStateKey, logWitnessKey, nodeKey, tileKey } from "./keys.ts";
import type { DatabaseBatch } from "./level-database.ts";
import { encodeLogState, encodeWitness } from "./log-state-codec.ts";
import type { OpenedStore } from "./opened-store.ts";
import { withCheck } from "./row-check.ts";
import { readable, TreeCheck } from "./tree-check.ts";

type Options = Parameters<Store["verify"]>[0];
type Outcome = Awaited<ReturnType<Store["verify"]>>;

/** Entries between two calls of `onProgress`. */
const PROGRESS_STEP = 4096;

interface Subject {
  readonly opened: OpenedStore;
  readonly logNumber: number;
  readonly state: LogState;
}

export async function verifyLog(
  opened: OpenedStore,
  { log, forgetBad, onProgress }: Options,
): Promise<Outcome> {
  const state = opened.durable.get(log);
  const logNumber = opened.logNumberOf(log);
  if (state === undefined || logNumber === undefined) return { entries: 0, bad: NO_RANGES };
  const subject = { opened, logNumber, state };
  const check = new TreeCheck({ database: opened.database, logNumber, state });
  let bad: Ranges = NO_RANGES;
  let entries = 0;
  let told = 0;
  for (const { index, held } of heldTiles(state.held)) {
    const ofEntries = await leavesIn(subject, index);
    const proved = await check.leaves(index, ofEntries);
    bad = union(bad, badIn(held, ofEntries, proved));
    entries += countOf(held);
    if (entries - told >= PROGRESS_STEP) onProgress((told = entries));
  }
  if (entries > told || entries === 0) onProgress(entries);
  if (forgetBad) await mend(subject, check, bad);
  return { entries, bad };
}

/** Tiles of leaves in which something is held, in order. */
function* heldTiles(held: Ranges): Generator<{ readonly index: number; readonly held: Ranges }> {
  let next = 0;
  for (const range of held) {
    const first = Math.max(next, Math.floor(range.from / TILE_HASHES));
    for (let index = first; index * TILE_HASHES < range.to; index++) {
      yield { index, held: intersect(held, [tileSpan({ level: 0, index })]) };
      next = index + 1;
    }
  }
}

/** Leaves made from the entries that can be read, by position. */
async function leavesIn(
  { opened, logNumber }: Subject,
  index: number,
): Promise<ReadonlyMap<number, TreeHash>> {
  const span = tileSpan({ level: 0, index });
  const found =
    (await readable(() => opened.entries.readable(logNumber, span))) ??
    (await readOneByOne(opened, logNumber, span));
  const leaves = leavesOf(found.map(({ entry }) => entry));
  return new Map(found.map(({ position }, at) => [position, leaves[at]!]));
}

/** Around a block that cannot be read. */
async function readOneByOne(
  opened: OpenedStore,
  logNumber: number,
  { from, to }: Range,
): Promise<readonly WholeEntry[]> {
  const found: WholeEntry[] = [];
  for (let position = from; position < to; position++) {
    const one = await readable(() =>
      opened.entries.readable(logNumber, { from: position, to: position + 1 }),
    );
    if (one !== undefined) found.push(...one);
  }
  return found;
}

/**
 * Positions whose entry cannot be read, or is not the one below the root. Where an entry of a tile that has no row cannot be read,
 * its neighbours can be neither proved nor refuted: their checks are right, so they stay, and are proved once it is back.
 */
function badIn(
  held: Ranges,
  ofEntries: ReadonlyMap<number, TreeHash>,
  proved: ReadonlyMap<number, TreeHash>,
): Ranges {
  let unreadable: Ranges = NO_RANGES;
  let unproved: Ranges = NO_RANGES;
  let refuted: Ranges = NO_RANGES;
  for (const { from, to } of held) {
    for (let position = from; position < to; position++) {
      const leaf = ofEntries.get(position);
      const expected = proved.get(position);
      const here = rangeOf(position, position + 1);
      if (leaf === undefined) unreadable = union(unreadable, here);
      else if (expected === undefined) unproved = union(unproved, here);
      else if (!equalBytes(leaf, expected)) refuted = union(refuted, here);
    }
  }
  const certain = union(unreadable, refuted);
  return unreadable.length > 0 ? certain : union(certain, unproved);
}

/** Drops what is bad from what is held, and writes damaged rows of the tree again, in one batch. */
async function mend({ opened, logNumber, state }: Subject, check: TreeCheck, bad: Ranges): Promise<void> {
  const { log } = state.head;
  const proofs = await check.proofsAround(bad);
  return opened.queue.alone(async (write) => {
    const batch = opened.database.batch();
    for (const { tile, bytes } of check.tileRepairs) putChecked(batch, tileKey(logNumber, tile), bytes);
    for (const [node, hash] of [...check.nodeRepairs, ...proofs])
      putChecked(batch, nodeKey(logNumber, node), hash);
    await write(batch);
    opened.memory.clear();
    if (bad.length === 0) return;
    // Commits since have added to what is held; what is bad they cannot have brought, since it counted as held.
    const mended = await withoutBad(opened, logNumber, opened.durable.get(log) ?? state, bad);
    const dropping = opened.database.batch();
    for (const { from, to } of bad) {
      for (let position = from; position < to; position++) dropping.del(entryKey(logNumber, position));
    }
    putChecked(dropping, logStateKey(logNumber), encodeLogState(mended));
    putChecked(dropping, logWitnessKey(logNumber), encodeWitness(mended));
    await write(dropping);
    opened.replaceState(mended);
  });
}

async function withoutBad(
  opened: OpenedStore,
  logNumber: number,
  state: LogState,
  bad: Ranges,
): Promise<LogState> {
  const held = subtract(state.held, bad);
  const length = prefixOf(held);
  if (length === state.prefix.length) return { ...state, held };
  const peaks = await opened.tree.nodes(logNumber, state, perfectNodes(0, length));
  const prefix = peaks === undefined ? EMPTY_PREFIX : { length, root: rootOf(peaks, length) };
  return { ...state, held, prefix };
}

function putChecked(batch: DatabaseBatch, key: Uint8Array, body: Uint8Array): void {
  batch.put(key, withCheck(key, body));
}
