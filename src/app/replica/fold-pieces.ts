/**
 * Entries to rows of the view: opened once, folded together. What cannot be opened is counted, or waits for its key.
 * Tests: test/integration/app, simulations.
 */
import type { LogId } from "../../core/base/ids.ts";
import { assert } from "../../core/base/errors.ts";
import { withNamedPlaces } from "../../core/inbox/fold-tombstones.ts";
import type { Change, PlacedOperation } from "../../core/inbox/types.ts";
import { NO_RANGES, type Ranges, rangeOf, union } from "../../core/log/ranges.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import type { BatchEntry } from "../../core/log/types.ts";
import type { LogOwner } from "../../core/membership/types.ts";
import { type Counts, encodeCounts, encodePlaces } from "./ledger.ts";
import { META } from "./meta-names.ts";
import { readRows, withBinRows } from "./own-turns.ts";
import { openEntry } from "./sealing.ts";
import type { TurnContext } from "./turn-context.ts";

/** Entries of one log that are opened and folded together, with the place of the first. */
export interface Piece {
  readonly owner: LogOwner;
  readonly from: number;
  readonly entries: readonly BatchEntry[];
}

export interface Folded {
  readonly puts: ReadonlyMap<RowKey, Row>;
  readonly dels: ReadonlySet<RowKey>;
  readonly changes: readonly Change[];
  readonly operations: readonly PlacedOperation[];
  readonly meta: ReadonlyMap<string, Uint8Array>;
  /** Counts and what is locked, as they are once this is to be written. */
  readonly apply: () => void;
}

export const NOTHING_FOLDED: Folded = {
  puts: new Map(),
  dels: new Set(),
  changes: [],
  operations: [],
  meta: new Map(),
  apply: () => undefined,
};

/** What is folded with, and into. */
export interface FoldContext extends Pick<TurnContext, "account" | "self" | "clock" | "keys" | "fold"> {
  readonly store: Pick<TurnContext["store"], "rows" | "numberOf">;
  readonly ledger: { counts: Counts; locked: Map<LogId, Ranges> };
}

/** Opens and folds. Also how the stored view is built again. Changes nothing before `apply`. */
export async function foldPieces(
  context: FoldContext,
  pieces: readonly Piece[],
  lockedBefore: ReadonlyMap<LogId, Ranges> = context.ledger.locked,
  takenInMs: number = context.clock.wallMs(),
): Promise<Folded> {
  const { ledger } = context;
  const operations: PlacedOperation[] = [];
  const locked = new Map(lockedBefore);
  const counts = { ...ledger.counts };
  let isAnother = lockedBefore !== ledger.locked;
  for (const piece of pieces) {
    const waiting = openPiece(context, { piece, takenInMs, operations, counts });
    const { log } = piece.owner;
    if (waiting.length === 0) continue;
    isAnother = true;
    locked.set(log, union(locked.get(log) ?? NO_RANGES, waiting));
  }
  const meta = new Map<string, Uint8Array>([[META.counts, encodeCounts(counts)]]);
  // Only where it is another: a member can make it long, and every turn would write it.
  if (isAnother) meta.set(META.locked, encodePlaces(locked));
  const apply = (): void => {
    ledger.counts = counts;
    ledger.locked = locked;
  };
  const fold = context.fold();
  if (fold === null || operations.length === 0) {
    assert(operations.length === 0, "what opens can be folded: the index key comes with the first epoch key");
    return { ...NOTHING_FOLDED, meta, apply };
  }
  const rows = await readRows(context, fold.keys(operations.map((placed) => placed.operation)));
  const { puts, dels, changes } = withBinRows(context, fold.apply(rows, operations), operations);
  return { puts, dels, changes, operations, meta, apply };
}

/** Adds what can be read to `operations`, and what cannot to `counts`; returns what waits for a key. */
function openPiece(
  context: FoldContext,
  parts: {
    readonly piece: Piece;
    readonly takenInMs: number;
    readonly operations: PlacedOperation[];
    readonly counts: { -readonly [Name in keyof Counts]: Counts[Name] };
  },
): Ranges {
  const { piece, takenInMs, operations, counts } = parts;
  const { owner, from, entries } = piece;
  const logNumber = context.store.numberOf(owner.log);
  let waiting: Ranges = NO_RANGES;
  for (let offset = 0; offset < entries.length; offset++) {
    const position = from + offset;
    const place = { account: context.account, log: owner.log, position };
    const opened = openEntry(entries[offset]!, place, owner.device, context.keys);
    if (opened.kind === "operation") {
      const { operation, contentHash } = opened;
      // Its place is known and its content is not.
      if (operation.body.kind === "later-message") counts.unknown++;
      const placed = { operation, contentHash, place: { logNumber, position }, takenInMs };
      operations.push(withNamedPlaces(placed, context.store.numberOf));
    } else if (opened.kind === "locked") waiting = union(waiting, rangeOf(position, position + 1));
    else if (opened.kind === "unknown") counts.unknown++;
    else if (opened.kind === "unreadable") counts.unreadable++;
  }
  return waiting;
}
