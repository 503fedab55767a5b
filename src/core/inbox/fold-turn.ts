/**
 * One turn of the fold: rows read before, operations applied to them one by one, rows to write after. An operation sees what
 * the ones before it in the turn have written. Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold.test.ts.
 */
import { compareBytes, equalBytes } from "../base/bytes.ts";
import type { ConversationId, DeviceId } from "../base/ids.ts";
import type { Row, RowKey } from "../log/rows.ts";
import {
  decodeDeviceRow,
  earlierOrder,
  encodeDeviceRow,
  firstPlaced,
  lastPlaced,
  lastWord,
  laterOrder,
  laterStamp,
  type Placed,
} from "./registers.ts";
import { conversationRowKey, deviceNameRowKey, messageOfKey, messageRowKey } from "./row-keys.ts";
import {
  comparePlaces,
  flagsOf,
  messageFlag,
  type DeleteRegister,
  type MessageContent,
  type MessageRow,
} from "./rows.ts";
import { compareStamps } from "./stamp.ts";
import { TurnRows } from "./turn-rows.ts";
import type { OperationBody, OrderKey, PlacedOperation } from "./types.ts";

/** A conversation and the key of its row. */
export interface ConversationRef {
  readonly id: ConversationId;
  readonly key: RowKey;
}

type Body<Kind extends OperationBody["kind"]> = Extract<OperationBody, { kind: Kind }>;
export class FoldTurn {
  readonly #rows: TurnRows;

  constructor(rows: ReadonlyMap<RowKey, Row>) {
    this.#rows = new TurnRows(rows);
  }

  addMessage(placed: PlacedOperation, body: Body<"message">, ref: ConversationRef): void {
    const { operation, contentHash, place } = placed;
    this.#joinMessage(placed, body, ref);
    const key = messageRowKey(operation.id);
    const content: MessageContent = {
      hash: contentHash,
      conversation: ref.id,
      stamp: operation.stamp,
      flags: flagsOf(body),
      place,
    };
    const standing = this.#rows.message(key);
    if (standing.content !== null) return this.#meet(key, { standing, content: standing.content }, content);
    this.#rows.putMessage(key, { ...standing, content });
    this.#rows.totals.messages++;
    if (standing.register?.deleted === true) this.#rows.totals.deleted++;
    else this.#rows.changes.push({ kind: "message", conversation: ref.id, id: operation.id, place });
  }

  /** A delete or restore, for messages that are here and for those that are still to come. */
  moveToBin({ operation }: PlacedOperation, body: Body<"delete" | "restore">): void {
    const conversation = this.#rows.conversation(conversationRowKey(body.conversation));
    conversation.clock = laterStamp(conversation.clock, operation.stamp);
    const word: DeleteRegister = {
      order: { stamp: operation.stamp, id: operation.id },
      deleted: body.kind === "delete",
    };
    for (const id of body.messages) {
      const key = messageRowKey(id);
      const message = this.#rows.message(key);
      const { content, register } = message;
      const last = lastWord(register, word, ({ deleted }) => deleted);
      if (last === register) continue;
      const wasDeleted = register?.deleted ?? false;
      this.#rows.putMessage(key, { ...message, register: last });
      if (content === null || wasDeleted === last.deleted) continue;
      this.#rows.totals.deleted += last.deleted ? 1 : -1;
      const change = last.deleted ? "deleted" : "restored";
      this.#rows.changes.push({ kind: "message-changed", conversation: content.conversation, id, change });
    }
  }

  markRead({ operation }: PlacedOperation, body: Body<"read" | "unread">): void {
    const conversation = this.#rows.conversation(conversationRowKey(body.conversation));
    const { readUpTo, unread } = conversation;
    conversation.clock = laterStamp(conversation.clock, operation.stamp);
    if (body.kind === "read") {
      // What is written here after a mark stands behind the mark, even where the mark names a time that nobody saw.
      conversation.clock = laterStamp(conversation.clock, body.upTo.stamp);
      conversation.readUpTo = laterOrder(readUpTo, body.upTo);
    }
    const word = { order: { stamp: operation.stamp, id: operation.id }, unread: body.kind === "unread" };
    conversation.unread = lastWord(unread, word, (register) => register.unread);
    const isMarked = unread?.unread ?? false;
    if (conversation.readUpTo !== readUpTo || conversation.unread.unread !== isMarked) {
      this.#rows.changes.push({ kind: "read", conversation: body.conversation });
    }
  }

  setTitle(placed: PlacedOperation, id: ConversationId): void {
    const conversation = this.#rows.conversation(conversationRowKey(id));
    const { title } = conversation;
    conversation.clock = laterStamp(conversation.clock, placed.operation.stamp);
    conversation.title = lastPlaced(title, placedOf(placed));
    if (isOther(title, conversation.title))
      this.#rows.changes.push({ kind: "conversation", conversation: id });
  }

  nameDevice(placed: PlacedOperation, device: DeviceId): void {
    const key = deviceNameRowKey(device);
    const known = this.#rows.read(key);
    const name = known === undefined ? null : decodeDeviceRow(known);
    const last = lastPlaced(name, placedOf(placed));
    if (last === name) return;
    this.#rows.put(key, encodeDeviceRow(last));
    if (isOther(name, last)) this.#rows.changes.push({ kind: "device-name", device });
  }

  finish(): ReturnType<TurnRows["finish"]> {
    return this.#rows.finish();
  }

  /** What every message says about its conversation, whether or not it comes to stand for its id. */
  #joinMessage(placed: PlacedOperation, body: Body<"message">, ref: ConversationRef): void {
    const { stamp, id } = placed.operation;
    const conversation = this.#rows.conversation(ref.key);
    if (!body.takenIn) conversation.clock = laterStamp(conversation.clock, stamp);
    conversation.sortMs = Math.max(conversation.sortMs, Math.min(stamp.ms, placed.takenInMs));
    const order: OrderKey = { stamp, id };
    if (body.direction === "in" && !body.readAtSource) {
      const { candidates } = conversation;
      conversation.candidates = {
        first: earlierOrder(candidates?.first ?? null, order),
        last: laterOrder(candidates?.last ?? null, order),
      };
    }
    const { name } = conversation;
    conversation.name = firstPlaced(name, { order, hash: placed.contentHash, place: placed.place });
    if (name !== null) return;
    this.#rows.totals.conversations++;
    this.#rows.changes.push({ kind: "conversation", conversation: ref.id });
  }

  /** Another operation claims an id that has content. */
  #meet(
    key: RowKey,
    { standing, content }: { readonly standing: MessageRow; readonly content: MessageContent },
    claim: MessageContent,
  ): void {
    if (equalBytes(content.hash, claim.hash)) {
      // The same operation at two places: re-appended, or taken in from a log that begins anew. One place is kept.
      if (comparePlaces(claim.place, content.place) < 0)
        this.#rows.putMessage(key, { ...standing, content: claim });
      return;
    }
    const { changes } = this.#rows;
    const bothTakenIn = (content.flags & claim.flags & messageFlag.takenIn) !== 0;
    if (!bothTakenIn) changes.push({ kind: "conflict", id: messageOfKey(key) });
    if (compareClaims(content, claim) < 0) return;
    this.#rows.takeOutOfOrder(key, standing);
    this.#rows.putMessage(key, { ...standing, content: claim });
    changes.push({ kind: "conversation", conversation: claim.conversation });
    if (content.conversation !== claim.conversation)
      changes.push({ kind: "conversation", conversation: content.conversation });
  }
}

/**
 * Negative where `a` stands against `b`, which claims the same id: what was written here before what was taken in, so that
 * there is one order of all claims; of two that were taken in the smaller (stamp, hash); else the smaller hash.
 */
function compareClaims(a: MessageContent, b: MessageContent): number {
  const takenIn = a.flags & messageFlag.takenIn;
  const byClass = takenIn - (b.flags & messageFlag.takenIn);
  if (byClass !== 0) return byClass;
  return (takenIn === 0 ? 0 : compareStamps(a.stamp, b.stamp)) || compareBytes(a.hash, b.hash);
}

function placedOf({ operation, contentHash, place }: PlacedOperation): Placed {
  return { order: { stamp: operation.stamp, id: operation.id }, hash: contentHash, place };
}

/** True where another text stands now, not only another place of the same. */
function isOther(before: Placed | null, now: Placed): boolean {
  return before === null || !equalBytes(before.hash, now.hash);
}
