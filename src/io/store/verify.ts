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
import { inverted } from "./entry-reader.ts";
import { entryCopyKey, entryKey, logStateKey, logWitnessKey, nodeKey, tileKey } from "./keys.ts";
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
  /** Its entries have two rows. */
  readonly twice: boolean;
}

interface Settled {
  readonly bad: Ranges;
  /** One of their two rows is not what it should be. */
  readonly worn: Ranges;
}

interface Finding extends Settled {
  readonly entries: number;
}

export async function verifyLog(
  opened: OpenedStore,
  { log, forgetBad, twice = false, onProgress, pace }: Options,
): Promise<Outcome> {
  const state = opened.durable.get(log);
  const logNumber = opened.logNumberOf(log);
  if (state === undefined || logNumber === undefined) return { entries: 0, bad: NO_RANGES, worn: NO_RANGES };
  const subject = { opened, logNumber, state, twice };
  const check = new TreeCheck({ database: opened.database, logNumber, state });
  const doubtful = new Set<number>();
  let entries = 0;
  let told = 0;
  for (const { index, held } of heldTiles(state.held)) {
    const found = await verifyTile(subject, check, index, held);
    if (found.bad.length + found.worn.length > 0) doubtful.add(index);
    entries += found.entries;
    if (entries - told < PROGRESS_STEP) continue;
    onProgress((told = entries));
    await pace?.();
  }
  if (entries > told || entries === 0) onProgress(entries);
  for (const index of check.repairedLeafTiles()) doubtful.add(index);
  if (doubtful.size === 0) return { entries, bad: NO_RANGES, worn: NO_RANGES };
  // Rows of the trees move while commits go on, so what seems wrong is looked at again without them.
  const settled = await opened.queue.alone((write) => settle(subject, doubtful, forgetBad ? write : null));
  return { entries, ...settled };
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
  { opened, logNumber, twice }: Subject,
  check: TreeCheck,
  index: number,
  held: Ranges,
): Promise<Finding> {
  const found = await opened.entries.readable(logNumber, tileSpan({ level: 0, index }));
  const leaves = leavesOf(found.map(({ entry }) => entry));
  const ofEntries = new Map(found.map(({ position }, at) => [position, leaves[at]!]));
  const bad = badIn(held, ofEntries, await check.leaves(index, ofEntries));
  const worn = twice ? await wornIn(opened, logNumber, subtract(held, bad)) : NO_RANGES;
  return { entries: countOf(held), bad, worn };
}

async function wornIn(opened: OpenedStore, logNumber: number, ranges: Ranges): Promise<Ranges> {
  const rows = await opened.entries.rowsOf(logNumber, ranges);
  return joined(
    rows
      .filter(({ first, second }) => first === undefined || second === undefined)
      .map(({ position }) => position),
  );
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

/** The final word on tiles that seemed wrong; with `write`, what is bad is dropped, and rows of the tree and of worn entries are written again. */
async function settle(
  before: Subject,
  doubtful: ReadonlySet<number>,
  write: ((batch: DatabaseBatch) => Promise<void>) | null,
): Promise<Settled> {
  const { opened, logNumber } = before;
  const state = opened.durable.get(before.state.head.log);
  if (state === undefined) return { bad: NO_RANGES, worn: NO_RANGES };
  const subject: Subject = { ...before, state };
  const check = new TreeCheck({ database: opened.database, logNumber, state });
  let bad: Ranges = NO_RANGES;
  let worn: Ranges = NO_RANGES;
  for (const index of doubtful) {
    const held = intersect(state.held, [tileSpan({ level: 0, index })]);
    const found = await verifyTile(subject, check, index, held);
    bad = union(bad, found.bad);
    worn = union(worn, found.worn);
  }
  if (write !== null) {
    await repairTrees(subject, check, bad, write);
    if (worn.length > 0) await writeAgain(subject, worn, write);
    if (bad.length > 0) await drop(subject, bad, write);
  }
  return { bad, worn };
}

/** Both rows of each, from the one that is whole. */
async function writeAgain(
  { opened, logNumber }: Subject,
  worn: Ranges,
  write: (batch: DatabaseBatch) => Promise<void>,
): Promise<void> {
  const batch = opened.database.batch();
  for (const { position, first, second } of await opened.entries.rowsOf(logNumber, worn)) {
    const body = first ?? second;
    if (body === undefined) continue;
    putChecked(batch, entryKey(logNumber, position), body);
    putChecked(batch, entryCopyKey(logNumber, position), inverted(body));
  }
  await write(batch);
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
    for (let position = from; position < to; position++) {
      batch.del(entryKey(logNumber, position));
      batch.del(entryCopyKey(logNumber, position));
    }
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
