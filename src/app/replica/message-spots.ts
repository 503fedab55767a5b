/**
 * Where a message stands: every place that holds content of it. The one that stands, its edits and reactions, and further places.
 * Spec: docs/spec/purge.md, "Operation 18, tombstone" and "Writing". Tests: test/integration/app/purge-turn.test.ts.
 */
import type { LogId, MessageId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import { mark } from "../../core/inbox/marks.ts";
import { keysFrom, keysUpTo, type KeyRange, placeOfKey } from "../../core/inbox/row-keys.ts";
import { decodeMessageRow } from "../../core/inbox/rows.ts";
import {
  editBounds,
  messageRowKey,
  reactionBounds,
  readEditRow,
  readReactionRow,
} from "../../core/inbox/view.ts";
import type { Place, Row, RowKey } from "../../core/log/rows.ts";
import type { Store, StoredEntry } from "../../core/sync/ports.ts";
import { openEntry, type Opened } from "./sealing.ts";
import type { TurnContext } from "./turn-context.ts";

/** Entries read and opened at once: 64 MiB where all are as large as entries can be. */
const STEP = 256;
/** Of one message and one kind. What lies behind them is named once these are. */
const ROWS_MAX = 100_000;

export type OpenedOperation = Extract<Opened, { kind: "operation" }>;

export interface Spot {
  readonly place: Place;
  readonly log: LogId;
  /** What stands, an edit or a reaction, or what is known by its place only. */
  readonly kind: "standing" | "mark" | "further";
}

export function placeName(log: LogId, position: number): string {
  return `${log}/${position}`;
}

/**
 * The places of a message that are here and hold it: a tombstone that lies may claim that the message stands where others have theirs.
 */
export async function readOwnSpots(context: TurnContext, id: MessageId, row: Row): Promise<readonly Spot[]> {
  const spots = await readSpots(context.store, id, row);
  const [own] = await ownOf(context, [{ id, spots }], { mayBeEvicted: false });
  return own ?? [];
}

/**
 * Of each message those that hold what is of it: edits and reactions name it themselves. What was evicted is taken for what the rows say. All
 * are read together, since asking for each alone takes longer than reading.
 */
export async function ownOf(
  context: TurnContext,
  messages: readonly { readonly id: MessageId; readonly spots: readonly Spot[] }[],
  { mayBeEvicted }: { readonly mayBeEvicted: boolean },
): Promise<readonly (readonly Spot[])[]> {
  const all = messages.flatMap(({ id, spots }, at) => spots.map((spot) => ({ at, id, spot })));
  const own: Spot[][] = messages.map(() => []);
  for (let from = 0; from < all.length; from += STEP) {
    const some = all.slice(from, from + STEP);
    const stored = await readableAt(
      context,
      some.map(({ spot }) => spot.place),
    );
    for (const [n, { at, id, spot }] of some.entries()) {
      const isOwn = stored[n]?.entry.state === "absent" ? mayBeEvicted : isOf(context, id, stored[n]);
      if (isOwn) own[at]!.push(spot);
    }
  }
  return own;
}

function isOf(context: TurnContext, id: MessageId, stored: StoredEntry | undefined): boolean {
  const opened = stored === undefined ? null : openStored(context, stored);
  if (opened === null) return false;
  const { body } = opened.operation;
  return "message" in body ? body.message === id : opened.operation.id === id;
}

/** Null: it holds no operation, or none that can be opened here. */
export function openStored(
  { account, book, keys }: TurnContext,
  { log, position, entry }: StoredEntry,
): OpenedOperation | null {
  const owner = book.view.logs.get(log);
  const opened = owner && openEntry(entry, { account, log, position }, owner.device, keys);
  return opened?.kind === "operation" ? opened : null;
}

/** All places that hold content of a message, each once: none where only something that waits for it is here. */
export async function readSpots(
  store: Pick<Store, "rowRange" | "logOf">,
  id: MessageId,
  row: Row,
): Promise<readonly Spot[]> {
  const { content, before, marks } = decodeMessageRow(row);
  if (content === null) return [];
  const [edits, reactions, further] = await Promise.all([
    (marks & mark.edited) !== 0 ? readRange(store, editBounds(id)) : [],
    (marks & mark.reacted) !== 0 ? readRange(store, reactionBounds(id)) : [],
    readRange(store, furtherBounds(id)),
  ]);
  const found: readonly (readonly [Spot["kind"], Place])[] = [
    ["standing", content.place],
    ...edits.map((each) => ["mark", readEditRow(...each).place] as const),
    ...reactions.map(([, each]) => ["mark", readReactionRow(each).place] as const),
    ...further.map(([key]) => ["further", placeOfKey(key)] as const),
    // Where a tombstone says that another content stands: it is named where it is there.
    ...(before === null ? [] : [["further", before.place] as const]),
  ];
  const names = new Set<string>();
  return found.flatMap(([kind, place]): readonly Spot[] => {
    const log = store.logOf(place.logNumber);
    const name = log === undefined ? null : placeName(log, place.position);
    if (log === undefined || name === null || names.has(name)) return [];
    names.add(name);
    return [{ kind, place, log }];
  });
}

function furtherBounds(id: MessageId): KeyRange {
  const prefix = `y${messageRowKey(id).slice(1)}`;
  return { from: keysFrom(prefix), to: keysUpTo(prefix) };
}

function readRange(
  store: Pick<Store, "rowRange">,
  bounds: KeyRange,
): Promise<readonly (readonly [RowKey, Row])[]> {
  return store.rowRange({ ...bounds, reverse: false, limit: ROWS_MAX });
}

/** Without those that are damaged. */
export async function readableAt(
  context: TurnContext,
  places: readonly Place[],
): Promise<readonly (StoredEntry | undefined)[]> {
  try {
    return await context.store.entriesAt(places);
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    if (places.length === 1) return [undefined];
    const found: (StoredEntry | undefined)[] = [];
    for (const place of places) found.push(...(await readableAt(context, [place])));
    return found;
  }
}
