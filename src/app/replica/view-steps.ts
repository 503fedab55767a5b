/**
 * The turns by which a view is built beside the one that serves: rows of a step with how far it has come, and the change of areas. Each is made
 * from what the ledger says at its turn. Spec: docs/spec/storage.md, "A new version of the view". Tests: test/integration/app/view-building.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { binRowKeys, withRecordsOf } from "../../core/inbox/bin-rows.ts";
import { type Ranges, setOf } from "../../core/log/ranges.ts";
import type { Commit, StoredEntry } from "../../core/sync/ports.ts";
import { common, NOTHING, unite, without } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import { type FoldContext, foldPieces } from "./fold-pieces.ts";
import { encodeCounts, encodePlaces } from "./ledger.ts";
import { META } from "./meta-names.ts";
import { readRows } from "./own-turns.ts";
import { readableEntries } from "./readable-entries.ts";
import { viewMeta } from "./rebuild-view.ts";
import { quietTurn, type Turn } from "./turn.ts";
import type { TurnContext } from "./turn-context.ts";
import { encodeProgress, type FoldStep, type ToFold, type ViewProgress } from "./view-progress.ts";

/** @param found Noted as evicted, and found so. */
export function toFold(context: TurnContext, progress: ViewProgress | null, found: RangesByLog): ToFold {
  const { ledger, book } = context;
  const held = new Map<LogId, Ranges>();
  for (const [log, state] of ledger.tips) {
    const owner = book.view.logs.get(log);
    if (owner !== undefined && owner.logClass !== "control") held.set(log, state.held);
  }
  // What came back is not noted any more, and is folded.
  const absent = common(found, ledger.evicted);
  return { held, done: progress?.done ?? NOTHING, locked: ledger.locked, absent };
}

/** Fewer than the step names where some cannot be read. */
export async function readStep(
  context: TurnContext,
  { log, ranges }: FoldStep,
): Promise<readonly StoredEntry[]> {
  const stored: StoredEntry[] = [];
  for (const { from, to } of ranges) stored.push(...(await readableEntries(context.store, log, from, to)));
  return stored;
}

/** A turn, and how far the view has come with it. */
export interface ViewStep {
  readonly turn: Turn;
  readonly progress: ViewProgress;
  /** Without a payload, so not folded. */
  readonly absent: RangesByLog;
}

/** Nothing is folded: what is under construction begins, or goes on. */
export function notedTurn(progress: ViewProgress, commit: Partial<Commit> = {}): Turn {
  const meta = new Map([...(commit.meta ?? []), [META.viewBuilding, encodeProgress(progress)] as const]);
  return quietTurn({ ...commit, meta });
}

export async function foldStep(
  context: TurnContext,
  before: ViewProgress,
  { log, ranges }: FoldStep,
  stored: readonly StoredEntry[],
): Promise<ViewStep> {
  const { store, book, ledger } = context;
  const { area } = before;
  const owner = book.view.logs.get(log)!;
  const pieces = stored.map(({ position, entry }) => ({ owner, from: position, entries: [entry] }));
  // Counts of its own, and what waits for a key apart from what was known to.
  const own: FoldContext["ledger"] = { counts: before.counts, locked: new Map<LogId, Ranges>() };
  const rows: FoldContext["store"]["rows"] = (keys) => store.rows(keys, area);
  const into = { ...context, store: { numberOf: store.numberOf, rows }, ledger: own };
  const folded = await foldPieces(into, pieces);
  folded.apply();
  const old = await readRows(context, binRowKeys(folded.puts));
  const absent = absentIn(log, stored);
  const locked = unite(ledger.locked, own.locked);
  const evicted = unite(ledger.evicted, absent);
  const folds = without(new Map([[log, ranges]]), unite(absent, own.locked));
  const progress = { ...before, counts: own.counts, done: unite(before.done, folds) };
  const meta = new Map<string, Uint8Array>();
  if (own.locked.size > 0) meta.set(META.locked, encodePlaces(locked));
  if (without(absent, ledger.evicted).size > 0) meta.set(META.evicted, encodePlaces(evicted));
  const puts = old.size === 0 ? folded.puts : withRecordsOf(old, folded.puts);
  const apply = (): void => {
    ledger.locked = new Map(locked);
    ledger.evicted = evicted;
  };
  return {
    turn: { ...notedTurn(progress, { area, puts, dels: folded.dels, meta }), apply },
    progress,
    absent,
  };
}

/** From it on the new view serves. */
export function changeOver({ ledger }: TurnContext, { version, area, counts, done }: ViewProgress): Turn {
  // Their rows are missing in the new view, and come with their payloads.
  const unfolded = without(ledger.evicted, done);
  const meta = new Map<string, Uint8Array | null>([
    ...viewMeta(version),
    [META.viewBuilding, null],
    [META.counts, encodeCounts(counts)],
    [META.unfolded, encodePlaces(unfolded)],
  ]);
  const apply = (): void => {
    ledger.counts = counts;
    ledger.unfolded = unfolded;
  };
  return { ...quietTurn({ serves: area, meta }), apply };
}

function absentIn(log: LogId, stored: readonly StoredEntry[]): RangesByLog {
  const positions = stored.flatMap(({ position, entry }) => (entry.state === "absent" ? [position] : []));
  return positions.length === 0 ? NOTHING : new Map([[log, setOf(positions)]]);
}
