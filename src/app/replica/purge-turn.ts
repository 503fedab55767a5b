/**
 * The turn of a purge: the delete, the tombstones and the purge itself in one commit over the state log and the control log, so that after
 * a crash there is all of it or nothing. Spec: docs/spec/purge.md, "Writing". Tests: test/integration/app/purge-turn.test.ts.
 */
import { assert } from "../../core/base/errors.ts";
import { bytesToId } from "../../core/base/ids.ts";
import type { ControlId, ConversationId, MessageId } from "../../core/base/ids.ts";
import { controlIdOf } from "../../core/crypto/derive.ts";
import { compareNamed } from "../../core/inbox/tombstone-body.ts";
import {
  MESSAGES_PER_DELETE_MAX,
  NAMED_PER_TOMBSTONE_MAX,
  type Draft,
  type NamedMessage,
  type OperationBody,
} from "../../core/inbox/types.ts";
import { leavesOf } from "../../core/log/header.ts";
import type { BatchEntry, LogState } from "../../core/log/types.ts";
import type { LogOwner } from "../../core/membership/types.ts";
import { addControl, controlOwner, controlTurn } from "./control-turns.ts";
import {
  type AppendGround,
  currentIncarnation,
  makeAppend,
  readForAppend,
  requireWhole,
} from "./own-turns.ts";
import { type PlacesWanted, type PurgePlaces, readPlaces } from "./purge-places.ts";
import type { TurnContext } from "./turn-context.ts";
import type { Turn } from "./turn.ts";

const ID_BYTES = 16;

export interface PurgeWish extends PlacesWanted {
  /** The address of a conversation as it was given. Asked within the turn, so it must not wait for the writer. */
  readonly addressOf: (conversation: ConversationId) => Promise<string>;
}

/** What one turn has named. */
export interface Purged {
  /** Null where nothing of the messages was left to be named. */
  readonly id: ControlId | null;
  readonly entries: PurgePlaces["entries"];
  /** Messages of which something is named. */
  readonly targets: readonly MessageId[];
  /** The first of those wanted: of the others something is still to be named. */
  readonly done: readonly MessageId[];
}

export interface PurgeGround {
  readonly purged: Purged;
  /** Null where there is nothing to write. */
  readonly parts: {
    readonly append: AppendGround;
    readonly drafts: readonly Draft[];
    readonly control: {
      readonly owner: LogOwner;
      readonly state: LogState | undefined;
      readonly entry: BatchEntry;
    };
  } | null;
}

/**
 * Everything that the turn needs, read and prepared; nothing is signed yet. The control entry is there already, since the tombstones name
 * it: its id follows from log, position and leaf.
 *
 * @throws EngineError `STORE_DAMAGED` while control entries are lost here, `EPOCH_KEY_MISSING`, and what reading throws.
 */
export async function readForPurge(context: TurnContext, wish: PurgeWish): Promise<PurgeGround> {
  requireWhole(context, false);
  const { entries, claims, unbinned, targets, done } = await readPlaces(context, wish);
  if (entries.length === 0) return { purged: { id: null, entries, targets, done }, parts: null };

  const owner = controlOwner(context, currentIncarnation(context));
  const state = context.ledger.tips.get(owner.log);
  const entry = context.book.draft({ kind: "purge", entries });
  const [leaf] = leavesOf([entry]);
  assert(leaf !== undefined, "one entry has one leaf");
  const id = controlIdOf({ log: owner.log, position: state?.head.length ?? 0, leaf });
  const bodies = [...deletesOf(unbinned), ...(await tombstonesOf(id, claims, wish))];
  const drafts = bodies.map((body) => draftOf(context, body));
  const append = await readForAppend(context, drafts);
  return {
    purged: { id, entries, targets, done },
    parts: { append, drafts, control: { owner, state, entry } },
  };
}

/** Waits for nothing: what is signed here is what is submitted. Null where there is nothing to write. */
export function makePurge(context: TurnContext, { parts }: PurgeGround): Turn | null {
  if (parts === null) return null;
  const { append, drafts, control } = parts;
  const { turn } = makeAppend(context, drafts, append);
  const purge = controlTurn(context, [addControl(context, control)]);
  // Where what stands is in a log that has no number here, nothing can be said of it.
  if (turn === null) return purge;
  return {
    ...turn,
    commit: {
      ...turn.commit,
      logs: [...turn.commit.logs, ...purge.commit.logs],
      meta: new Map([...turn.commit.meta, ...purge.commit.meta]),
    },
    states: [...turn.states, ...purge.states],
    delta: {
      heads: [...turn.delta.heads, ...purge.delta.heads],
      ranges: new Map([...turn.delta.ranges, ...purge.delta.ranges]),
    },
    members: true,
  };
}

function deletesOf(messages: PurgePlaces["unbinned"]): readonly OperationBody[] {
  const byConversation = new Map<ConversationId, MessageId[]>();
  for (const { id, conversation } of messages) addTo(byConversation, conversation, id);
  return [...byConversation].flatMap(([conversation, ids]) =>
    inParts(ids, MESSAGES_PER_DELETE_MAX).map((some): OperationBody => ({
      kind: "delete",
      conversation,
      messages: some,
    })),
  );
}

/** As few as have room for these claims, at most 1,000 of one conversation in each. */
export async function tombstonesOf(
  purge: ControlId,
  claims: PurgePlaces["claims"],
  { addressOf }: Pick<PurgeWish, "addressOf">,
): Promise<readonly OperationBody[]> {
  const byConversation = new Map<ConversationId, NamedMessage[]>();
  for (const { conversation, named } of claims) addTo(byConversation, conversation, named);
  const bodies: OperationBody[] = [];
  for (const [conversation, all] of byConversation) {
    const given = claims.find((claim) => claim.conversation === conversation && claim.address !== null);
    const address = given?.address ?? (await addressOf(conversation));
    for (const named of inParts(all.toSorted(compareNamed), NAMED_PER_TOMBSTONE_MAX))
      bodies.push({ kind: "tombstone", purge, conversation: address, named });
  }
  return bodies;
}

function draftOf({ self, entropy }: TurnContext, body: OperationBody): Draft {
  return { id: bytesToId<MessageId>(entropy.bytes(ID_BYTES)), author: self, stamp: null, body };
}

function addTo<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function inParts<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const parts: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
