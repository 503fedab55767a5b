/** What a start reads of the small values and the control entries, into the ledger and the book. Tests: test/integration/app/damaged-control.test.ts. */
import type { AccountId, LogId } from "../../core/base/ids.ts";
import { leavesOf } from "../../core/log/header.ts";
import { NO_RANGES, type Ranges } from "../../core/log/ranges.ts";
import { NOTHING, withPromise } from "../../core/sync/promises.ts";
import { ControlBook, decodeOwners } from "./control-book.ts";
import { decodeCounts, decodePlaces, type Ledger, NO_COUNTS, unitePlaces, withoutPlaces } from "./ledger.ts";
import { META } from "./meta-names.ts";
import type { StartMemory } from "./start-memory.ts";

/** What was counted as entries were folded, and which of them wait for a key. */
export async function loadFolded(ledger: Ledger, memory: StartMemory): Promise<void> {
  ledger.counts = (await memory.read(META.counts, decodeCounts)) ?? NO_COUNTS;
  ledger.locked = (await memory.read(META.locked, decodePlaces)) ?? new Map<LogId, Ranges>();
}

/** What is evicted, and who keeps what for whom. A member that was removed keeps nothing, and is kept nothing for. */
export async function loadPromises(ledger: Ledger, book: ControlBook, memory: StartMemory): Promise<void> {
  ledger.evicted = (await memory.read(META.evicted, decodePlaces)) ?? NOTHING;
  ledger.unfolded = (await memory.read(META.unfolded, decodePlaces)) ?? NOTHING;
  for (const device of book.view.devices.keys()) {
    const given = await memory.read(`${META.keptFor}${device}`, decodePlaces);
    const relied = await memory.read(`${META.keptBy}${device}`, decodePlaces);
    if (given !== undefined) ledger.given = withPromise(ledger.given, device, given);
    if (relied !== undefined) ledger.relied = withPromise(ledger.relied, device, relied);
  }
}

/** Fills the book and says in the ledger which control entries are lost. */
export async function loadBook(
  account: AccountId,
  ledger: Ledger,
  memory: StartMemory,
): Promise<ControlBook> {
  const book = new ControlBook(account);
  const owners =
    (await memory.read(META.controlLogs, decodeOwners)) ??
    (await memory.read(META.controlLogsCopy, decodeOwners)) ??
    [];
  const noted = (await memory.read(META.lost, decodePlaces)) ?? new Map<LogId, Ranges>();
  const unreadable = new Map<LogId, Ranges>();
  for (const owner of owners) {
    const state = ledger.tips.get(owner.log);
    if (state === undefined) continue;
    // Also where nothing of it can be read.
    book.add(owner, 0, [], []);
    const { found, missing } = await memory.entries(owner.log, state);
    for (const { position, entry } of found) book.add(owner, position, [entry], leavesOf([entry]));
    if (missing.length > 0) unreadable.set(owner.log, missing);
  }
  // A note may be older than what it speaks of: it was written before anything was forgotten.
  const stillLost = withoutPlaces(noted, (log) => ledger.tips.get(log)?.held ?? NO_RANGES);
  ledger.lost = unitePlaces(stillLost, unreadable);
  return book;
}
