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
  type Ranges,
  subtract,
  union,
} from "../../core/log/ranges.ts";
import { EMPTY_PREFIX } from "../../core/log/state.ts";
import { TILE_HASHES, tileSpan } from "../../core/log/tiles.ts";
import { perfectNodes, rootOf } from "../../core/log/tree.ts";
import type { LogState } from "../../core/log/types.ts";
import type { Store } from "../../core/sync/ports.ts";
import { entryKey, logStateKey, logWitnessKey, nodeKey, tileKey } from "./keys.ts";
import type { DatabaseBatch } from "./level-database.ts";
import { encodeLogState, encodeWitness } from "./log-state-codec.ts";
import type { OpenedStore } from "./opened-store.ts";
import { withCheck } from "./row-check.ts";
import { TreeCheck } from "./tree-check.ts";

type Options = Parameters<Store["verify"]>[0];
type Outcome = Awaited<ReturnType<Store["verify"]>>;

/** Entries between two calls of `onProgress`. */
const PROGRESS_STEP = 4096;

interface Subject {
  readonly opened: OpenedStore;
  readonly logNumber: number;
  readonly state: LogState;
}

interface Finding {
  readonly entries: number;
  readonly bad: Ranges;
}

export async function verifyLog(
  opened: OpenedStore,
  { log, forgetBad, onProgress, pace }: Options,
): Promise<Outcome> {
  const state = opened.durable.get(log);
  const logNumber = opened.logNumberOf(log);
  if (state === undefined || logNumber === undefined) return { entries: 0, bad: NO_RANGES };
  const subject = { opened, logNumber, state };
  const check = new TreeCheck({ database: opened.database, logNumber, state });
  const doubtful = new Set<number>();
  let entries = 0;
  let told = 0;
  for (const { index, held } of heldTiles(state.held)) {
    const found = await verifyTile(subject, check, index, held);
    if (found.bad.length > 0) doubtful.add(index);
    entries += found.entries;
    if (entries - told < PROGRESS_STEP) continue;
    onProgress((told = entries));
    await pace?.();
  }
  if (entries > told || entries === 0) onProgress(entries);
  for (const index of check.repairedLeafTiles()) doubtful.add(index);
  if (doubtful.size === 0) return { entries, bad: NO_RANGES };
  // Rows of the trees move while commits go on, so what seems wrong is looked at again without them.
  const bad = await opened.queue.alone((write) => settle(subject, doubtful, forgetBad ? write : null));
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

async function verifyTile(
  { opened, logNumber }: Subject,
  check: TreeCheck,
  index: number,
  held: Ranges,
): Promise<Finding> {
  const found = await opened.entries.readable(logNumber, tileSpan({ level: 0, index }));
  const leaves = leavesOf(found.map(({ entry }) => entry));
  const ofEntries = new Map(found.map(({ position }, at) => [position, leaves[at]!]));
  return { entries: countOf(held), bad: badIn(held, ofEntries, await check.leaves(index, ofEntries)) };
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
  const unreadable: number[] = [];
  const unproved: number[] = [];
  const refuted: number[] = [];
  for (const { from, to } of held) {
    for (let position = from; position < to; position++) {
      const leaf = ofEntries.get(position);
      const expected = proved.get(position);
      if (leaf === undefined) unreadable.push(position);
      else if (expected === undefined) unproved.push(position);
      else if (!equalBytes(leaf, expected)) refuted.push(position);
    }
  }
  const certain = union(joined(unreadable), joined(refuted));
  return unreadable.length > 0 ? certain : union(certain, joined(unproved));
}

/** Ascending positions as a set. */
function joined(positions: readonly number[]): Ranges {
  const ranges: { from: number; to: number }[] = [];
  for (const position of positions) {
    const last = ranges.at(-1);
    if (last?.to === position) last.to++;
    else ranges.push({ from: position, to: position + 1 });
  }
  return ranges;
}

/** The final word on tiles that seemed wrong; with `write`, what is bad is dropped and rows of the tree are written again. */
async function settle(
  { opened, logNumber, state: { head } }: Subject,
  doubtful: ReadonlySet<number>,
  write: ((batch: DatabaseBatch) => Promise<void>) | null,
): Promise<Ranges> {
  const state = opened.durable.get(head.log);
  if (state === undefined) return NO_RANGES;
  const check = new TreeCheck({ database: opened.database, logNumber, state });
  let bad: Ranges = NO_RANGES;
  for (const index of doubtful) {
    const held = intersect(state.held, [tileSpan({ level: 0, index })]);
    bad = union(bad, (await verifyTile({ opened, logNumber, state }, check, index, held)).bad);
  }
  if (write !== null) {
    await repairTrees({ opened, logNumber, state }, check, bad, write);
    if (bad.length > 0) await drop({ opened, logNumber, state }, bad, write);
  }
  return bad;
}

async function repairTrees(
  { opened, logNumber }: Subject,
  check: TreeCheck,
  bad: Ranges,
  write: (batch: DatabaseBatch) => Promise<void>,
): Promise<void> {
  const nodes = [...check.nodeRepairs, ...(await check.proofsAround(bad))];
  if (check.tileRepairs.length + nodes.length === 0) return;
  const batch = opened.database.batch();
  for (const { tile, bytes } of check.tileRepairs) putChecked(batch, tileKey(logNumber, tile), bytes);
  for (const [node, hash] of nodes) putChecked(batch, nodeKey(logNumber, node), hash);
  await write(batch);
  opened.memory.clear();
}

/** Bad positions are no longer held, and their rows are gone. */
async function drop(
  { opened, logNumber, state }: Subject,
  bad: Ranges,
  write: (batch: DatabaseBatch) => Promise<void>,
): Promise<void> {
  const left = await withoutBad(opened, logNumber, state, bad);
  const batch = opened.database.batch();
  for (const { from, to } of bad) {
    for (let position = from; position < to; position++) batch.del(entryKey(logNumber, position));
  }
  putChecked(batch, logStateKey(logNumber), encodeLogState(left));
  putChecked(batch, logWitnessKey(logNumber), encodeWitness(left));
  await write(batch);
  opened.replaceState(left);
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
