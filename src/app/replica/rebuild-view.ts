/**
 * The stored view built again at once, in the area that serves, while nothing else is written and readers wait: where it is damaged, not
 * whole, or of a version that cannot serve meanwhile. Otherwise view-building.ts. Tests: test/integration/app/damage.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { NO_RANGES, type Ranges, setOf, union } from "../../core/log/ranges.ts";
import type { Commit } from "../../core/sync/ports.ts";
import { foldPieces } from "./fold-pieces.ts";
import { encodePlaces, NO_COUNTS } from "./ledger.ts";
import { META, VIEW_UNFINISHED } from "./meta-names.ts";
import { readableEntries } from "./readable-entries.ts";
import type { TurnContext } from "./turn-context.ts";

/** Entries folded in one step. */
const STEP = 1_000;

/** Of a view of this version, beside which none is built. */
export function viewMeta(version: number): Map<string, Uint8Array> {
  return new Map([[META.viewVersion, Uint8Array.of(version)]]);
}

export async function rebuildView(context: TurnContext, version: number): Promise<void> {
  const { store, ledger } = context;
  const commitMeta = (meta: Commit["meta"]): Promise<void> =>
    store.commit({ logs: [], puts: new Map(), dels: new Set(), meta });
  // Broken off in the middle, it begins again at the next start. What was built beside it goes with it.
  await commitMeta(new Map([...viewMeta(VIEW_UNFINISHED), [META.viewBuilding, null]]));
  await store.clearRows();
  ledger.counts = NO_COUNTS;
  const evicted = new Map<LogId, Ranges>();
  for (const [log, state] of ledger.tips) {
    const absent = await refold(context, log, state.head.length);
    if (absent.length > 0) evicted.set(log, absent);
  }
  // Their rows are missing now, and come with their payloads.
  ledger.evicted = evicted;
  ledger.unfolded = evicted;
  const places = encodePlaces(evicted);
  await commitMeta(new Map([[META.evicted, places], [META.unfolded, places], ...viewMeta(version)]));
  ledger.isFoundAgain = false;
}

/** Which positions cannot be folded, since their payloads were evicted. */
async function refold(context: TurnContext, log: LogId, length: number): Promise<Ranges> {
  const { store, book } = context;
  const owner = book.view.logs.get(log);
  let absent: Ranges = NO_RANGES;
  if (owner === undefined || owner.logClass === "control") return absent;
  for (let from = 0; from < length; from += STEP) {
    const stored = await readableEntries(store, log, from, Math.min(length, from + STEP));
    const pieces = stored.map(({ position, entry }) => ({ owner, from: position, entries: [entry] }));
    const { puts, dels, meta, apply } = await foldPieces(context, pieces);
    apply();
    await store.commit({ logs: [], puts, dels, meta });
    const missing = stored.filter(({ entry }) => entry.state === "absent");
    absent = union(absent, setOf(missing.map(({ position }) => position)));
  }
  return absent;
}
