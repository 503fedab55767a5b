/**
 * What a purge is about to erase here although none of its tombstones says what it was: its author left between the two. Read before anything is
 * erased, since only the payloads tell. A tombstone that lies hides nothing of it: what stands at a place its operation says.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/missing-tombstones.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { ControlId, MessageId } from "../../core/base/ids.ts";
import { mark } from "../../core/inbox/marks.ts";
import { hidingPurges, isPurged, namedBounds, namedOfKey, purgedBounds } from "../../core/inbox/purges.ts";
import { purgedRowKey } from "../../core/inbox/row-keys.ts";
import { decodeMessageRow } from "../../core/inbox/rows.ts";
import { messageRowKey } from "../../core/inbox/view.ts";
import { leavesOf } from "../../core/log/header.ts";
import { contains } from "../../core/log/ranges.ts";
import type { PurgeView } from "../../core/membership/types.ts";
import { openStored, placeName, readableAt } from "./message-spots.ts";
import { type Claim, claimOf, standingClaim } from "./purge-places.ts";
import type { TurnContext } from "./turn-context.ts";

/** Messages that a purge's tombstones name, as many as are looked up; of a purge that honest devices write there are no more. */
const NAMED_MAX = 4_096;
/** Purges of one message that are looked at. */
const PURGES_MAX = 1_000;
/** Entries opened in one turn: 16 MiB where all are as large as entries can be. */
export const UNTOLD_STEP = 64;

type Entries = PurgeView["entries"];

/**
 * What has to be opened: the places of the purge without those where a message stands that its tombstones name. Of an honest purge whose
 * tombstones are here these are edits, reactions and copies.
 */
export async function readUnnamed(
  { store, ledger }: TurnContext,
  { id, entries }: Pick<PurgeView, "id" | "entries">,
): Promise<Entries> {
  const rows = await store.rowRange({ ...namedBounds(id), reverse: false, limit: NAMED_MAX });
  const messages = await store.rows(rows.map(([key]) => messageRowKey(namedOfKey(key).message)));
  const named = new Set<string>();
  for (const row of messages) {
    const message = row === undefined ? null : decodeMessageRow(row);
    // What only a tombstone says to stand there may be something else.
    if (message === null || message.content === null || message.told) continue;
    const { place } = message.content;
    const log = store.logOf(place.logNumber);
    if (log !== undefined) named.add(placeName(log, place.position));
  }
  return entries.filter(({ log, position }) => {
    const held = ledger.tips.get(log)?.held;
    return held !== undefined && contains(held, position) && !named.has(placeName(log, position));
  });
}

/** What tombstones of the purge should say of at most `UNTOLD_STEP` of these places; nothing of what cannot be opened here. */
export async function readUntold(
  context: TurnContext,
  purge: ControlId,
  some: Entries,
): Promise<readonly Claim[]> {
  const { store } = context;
  const places = some.map(({ log, position }) => ({ logNumber: store.numberOf(log), position }));
  const claims: Claim[] = [];
  const marked = new Set<MessageId>();
  for (const [at, stored] of (await readableAt(context, places)).entries()) {
    if (stored === undefined || !equalBytes(leavesOf([stored.entry])[0]!, some[at]!.leaf)) continue;
    const opened = openStored(context, stored);
    const claim = opened && claimOf(context, stored, opened);
    if (claim !== null) claims.push(claim);
    else if (opened?.operation.body.kind === "edit" || opened?.operation.body.kind === "reaction")
      marked.add(opened.operation.body.message);
  }
  const ids = [...new Set([...claims.map(({ named }) => named.message), ...marked])];
  const rows = await store.rows(ids.map((id) => purgedRowKey(messageRowKey(id), purge)));
  const untold = new Set(ids.filter((_, at) => rows[at] === undefined));
  return [
    ...claims.filter(({ named }) => untold.has(named.message)),
    ...(await lateClaims(
      context,
      [...marked].filter((id) => untold.has(id)),
    )),
  ];
}

/**
 * Of messages that were purged before and whose late edit or reaction goes now: the clock of the conversation is to lie behind it on
 * every device. One that is not purged is not hidden for the sake of its edit.
 */
async function lateClaims(context: TurnContext, ids: readonly MessageId[]): Promise<readonly Claim[]> {
  const { store, book } = context;
  const hiding = hidingPurges(book.view.purges);
  const rows = await store.rows(ids.map(messageRowKey));
  const claims: Claim[] = [];
  for (const [at, id] of ids.entries()) {
    const row = rows[at];
    if (row === undefined) continue;
    const { content, marks } = decodeMessageRow(row);
    if (content === null || (marks & mark.purged) === 0) continue;
    const purged = await store.rowRange({ ...purgedBounds(id), reverse: false, limit: PURGES_MAX });
    if (isPurged(purged, hiding)) claims.push(...standingClaim(context, { id, content }));
  }
  return claims;
}
