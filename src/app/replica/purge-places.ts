/**
 * What a purge must name: every place that holds content of its messages. The one that stands, their edits and reactions, and further places.
 * Read within the writer's turn, so that nothing comes in between. Spec: docs/spec/purge.md, "Writing".
 * Tests: test/integration/app/purge-turn.test.ts.
 */
import type { ConversationId, LogId, MessageId, TreeHash } from "../../core/base/ids.ts";
import { decodeMessageRow, flagsOf, type MessageContent } from "../../core/inbox/rows.ts";
import type { NamedMessage } from "../../core/inbox/types.ts";
import { messageRowKey } from "../../core/inbox/view.ts";
import type { BodyOf } from "../../core/membership/types.ts";
import type { StoredEntry } from "../../core/sync/ports.ts";
import {
  type OpenedOperation,
  openStored,
  ownOf,
  placeName,
  readableAt,
  readSpots,
  type Spot,
} from "./message-spots.ts";
import { readRows } from "./own-turns.ts";
import type { TurnContext } from "./turn-context.ts";

/** Of one purge: with 71 bytes for each and 64 parents the payload of an entry has room for 3,600. Readers take 4,096. */
export const ENTRIES_PER_PURGE_MAX = 3_500;
/** Messages and leaves that are asked for, and entries opened, at once: 64 MiB where all are as large as entries can be. */
const STEP = 256;

export type PurgeEntry = BodyOf<"purge">["entries"][number];

/** What holds content of a message itself, as a tombstone says it. */
export interface Claim {
  readonly conversation: ConversationId;
  /** As given in the operation; null where only the row says what it is. */
  readonly address: string | null;
  readonly named: NamedMessage;
}

export interface PurgePlaces {
  readonly entries: readonly PurgeEntry[];
  readonly claims: readonly Claim[];
  /** Messages of which something is named. */
  readonly targets: readonly MessageId[];
  /** Of these, those that are not in the bin yet. */
  readonly unbinned: readonly { readonly id: MessageId; readonly conversation: ConversationId }[];
  /** The first of those wanted: all that is here of them is named now, or was before. */
  readonly done: readonly MessageId[];
}

export interface PlacesWanted {
  readonly messages: readonly MessageId[];
  /** What is not to be named again, by `placeName`. */
  readonly named: ReadonlySet<string>;
  /** Only those that are in the bin at this moment. Default: no. */
  readonly binned?: boolean;
}

interface Target {
  readonly id: MessageId;
  readonly content: MessageContent;
  readonly isInBin: boolean;
  readonly spots: readonly Spot[];
}

/** As many of the messages, from the first on, as one purge has room for; of one that alone has more places than that, the first of them. */
export async function readPlaces(context: TurnContext, wanted: PlacesWanted): Promise<PurgePlaces> {
  const ids = wanted.messages.slice(0, ENTRIES_PER_PURGE_MAX);
  const targets: Target[] = [];
  const done: MessageId[] = [];
  let room = ENTRIES_PER_PURGE_MAX;
  for (let at = 0; at < ids.length && room > 0; at += STEP) {
    const some = ids.slice(at, at + STEP);
    const read = await readTargets(context, some, wanted);
    for (const id of some) {
      const target = read.get(id);
      const size = target?.spots.length ?? 0;
      if (target !== undefined && size > room) {
        if (targets.length === 0) targets.push({ ...target, spots: target.spots.slice(0, room) });
        room = 0;
        break;
      }
      if (target !== undefined && size > 0) targets.push(target);
      done.push(id);
      room -= size;
    }
  }
  return { ...(await nameThem(context, targets)), done };
}

async function nameThem(
  context: TurnContext,
  targets: readonly Target[],
): Promise<Omit<PurgePlaces, "done">> {
  const leaves = await readLeaves(context, targets);
  const entries = [...leaves.values()].toSorted(
    (a, b) => compareText(a.log, b.log) || a.position - b.position,
  );
  const isHere = ({ log, place }: Spot): boolean => leaves.has(placeName(log, place.position));
  const known = targets
    .map((target) => ({ ...target, spots: target.spots.filter(isHere) }))
    .filter(({ spots }) => spots.length > 0);
  return {
    entries,
    claims: [
      ...known.flatMap((target) => standingClaim(context, target)),
      ...(await furtherClaims(context, known)),
    ],
    targets: known.map(({ id }) => id),
    unbinned: known
      .filter(({ isInBin }) => !isInBin)
      .map(({ id, content: { conversation } }) => ({ id, conversation })),
  };
}

/** Not among them: of which only something that waits for the message is here. */
async function readTargets(
  context: TurnContext,
  ids: readonly MessageId[],
  wanted: PlacesWanted,
): Promise<ReadonlyMap<MessageId, Target>> {
  const rows = await readRows(context, ids.map(messageRowKey));
  const found = ids.flatMap((id) => {
    const row = rows.get(messageRowKey(id));
    if (row === undefined) return [];
    const { content, register } = decodeMessageRow(row);
    const isInBin = register?.deleted ?? false;
    return content === null || (wanted.binned === true && !isInBin) ? [] : [{ id, row, content, isInBin }];
  });
  const spots = await Promise.all(found.map(({ id, row }) => readSpots(context.store, id, row)));
  const unnamed = found.map((each, at) => ({
    ...each,
    spots: spots[at]!.filter(({ log, place }) => !wanted.named.has(placeName(log, place.position))),
  }));
  const own = await ownOf(context, unnamed, { mayBeEvicted: true });
  return new Map(
    found.map(({ id, content, isInBin }, at) => [id, { id, content, isInBin, spots: own[at]! }]),
  );
}

/** What is not here any more, or damaged, has none that could be shown: it is named when it has come back. */
async function readLeaves(
  context: TurnContext,
  targets: readonly Target[],
): Promise<ReadonlyMap<string, PurgeEntry>> {
  const byLog = new Map<LogId, number[]>();
  for (const { spots } of targets) {
    for (const { log, place } of spots) {
      const positions = byLog.get(log);
      if (positions === undefined) byLog.set(log, [place.position]);
      else positions.push(place.position);
    }
  }
  const entries = new Map<string, PurgeEntry>();
  for (const [log, positions] of byLog) {
    positions.sort((a, b) => a - b);
    for (let at = 0; at < positions.length; at += STEP) {
      const some = positions.slice(at, at + STEP);
      for (const [n, leaf] of (await leavesAt(context, log, some)).entries()) {
        const position = some[n]!;
        if (leaf !== undefined) entries.set(placeName(log, position), { log, position, leaf });
      }
    }
  }
  return entries;
}

async function leavesAt(
  { store }: TurnContext,
  log: LogId,
  positions: readonly number[],
): Promise<readonly (TreeHash | undefined)[]> {
  const nodes = positions.map((index) => ({ level: 0, index }));
  const all = await store.nodes(log, nodes);
  if (all !== undefined) return all;
  const found: (TreeHash | undefined)[] = [];
  for (const node of nodes) found.push((await store.nodes(log, [node]))?.[0]);
  return found;
}

/**
 * What stands, also where an earlier purge names it: the tombstone's stamp lies behind every late edit and reaction, so that the clock of the
 * conversation is the same on devices which never had these.
 */
export function standingClaim(
  { store }: TurnContext,
  { id, content }: Pick<Target, "id" | "content">,
): readonly Claim[] {
  const { conversation, hash, stamp, flags, place } = content;
  const log = store.logOf(place.logNumber);
  if (log === undefined) return [];
  const named = { message: id, contentHash: hash, stamp, flags, log, position: place.position };
  return [{ conversation, address: null, named }];
}

/** A further place says by itself only that something of the message is there: what it is, its operation says. */
async function furtherClaims(context: TurnContext, targets: readonly Target[]): Promise<readonly Claim[]> {
  const further = targets.flatMap(({ id, spots }) =>
    spots.filter(({ kind }) => kind === "further").map((spot) => ({ id, spot })),
  );
  const claims: Claim[] = [];
  for (let at = 0; at < further.length; at += STEP) {
    const some = further.slice(at, at + STEP);
    const stored = await readableAt(
      context,
      some.map(({ spot }) => spot.place),
    );
    for (const [n, { id }] of some.entries()) {
      const claim = claimIn(context, id, stored[n]);
      if (claim !== null) claims.push(claim);
    }
  }
  return claims;
}

function claimIn(context: TurnContext, id: MessageId, stored: StoredEntry | undefined): Claim | null {
  const opened = stored === undefined ? null : openStored(context, stored);
  if (stored === undefined || opened === null || opened.operation.id !== id) return null;
  return claimOf(context, stored, opened);
}

/** What a message says of itself; null of any other operation. */
export function claimOf(
  context: TurnContext,
  { log, position }: StoredEntry,
  { operation, contentHash }: OpenedOperation,
): Claim | null {
  const { id: message, body, stamp } = operation;
  const fold = context.fold();
  if (fold === null || (body.kind !== "message" && body.kind !== "later-message")) return null;
  return {
    conversation: fold.conversationOf(body.conversation),
    address: body.conversation,
    named: { message, contentHash, stamp, flags: flagsOf(body), log, position },
  };
}

/** Hex compares as its bytes do. */
function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
