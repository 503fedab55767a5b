/** Rows in memory, folded turn by turn as the writer does it, and read back through the view. */
import { deepEqual } from "node:assert/strict";
import type { ConversationId } from "../../src/core/base/ids.ts";
import type { Row, RowKey } from "../../src/core/log/rows.ts";
import type { Change, Fold, PlacedOperation } from "../../src/core/inbox/types.ts";
import {
  type KeyRange,
  keysFrom,
  keysUpTo,
  messageOfKey,
  placeOfKey,
  purgeOfKey,
} from "../../src/core/inbox/row-keys.ts";
import {
  TOTALS_KEY,
  conversationBounds,
  deviceBounds,
  editBounds,
  isUnread,
  messageBounds,
  orderRange,
  reactionBounds,
  readConversationRow,
  readDeviceRow,
  readEditRow,
  readMessageRow,
  readNamingRow,
  readOrderRow,
  readReactionRow,
  readTotals,
  settingBounds,
  unreadBounds,
  unsendRowKey,
  type ConversationState,
} from "../../src/core/inbox/view.ts";
import { viewDigest } from "../../src/core/inbox/view-digest.ts";
import { orderWords, placeWords, stampWords, type ReferenceView } from "./reference-fold.ts";
import { keyToId } from "../../src/core/inbox/id-codec.ts";

const rangeOfPrefix = (prefix: string): KeyRange => ({ from: keysFrom(prefix), to: keysUpTo(prefix) });

export class FoldedRows {
  readonly rows = new Map<RowKey, Row>();
  readonly changes: Change[] = [];
  readonly #fold: Fold;

  constructor(fold: Fold) {
    this.#fold = fold;
  }

  /** One turn. */
  take(operations: readonly PlacedOperation[]): readonly Change[] {
    const read = new Map<RowKey, Row>();
    for (const key of this.#fold.keys(operations.map(({ operation }) => operation))) {
      const row = this.rows.get(key);
      if (row !== undefined) read.set(key, row);
    }
    const { puts, dels, changes } = this.#fold.apply(read, operations);
    deepEqual(
      [...dels].filter((key) => puts.has(key)),
      [],
      "a row is put or deleted, never both",
    );
    for (const key of dels) this.rows.delete(key);
    for (const [key, row] of puts) this.rows.set(key, row);
    this.changes.push(...changes);
    return changes;
  }

  range({ from, to }: KeyRange): readonly (readonly [RowKey, Row])[] {
    return [...this.rows].filter(([key]) => key >= from && key < to).toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  conversation(id: ConversationId): ConversationState {
    return this.conversations().find(({ conversation }) => conversation === id)!;
  }

  conversations(): readonly ConversationState[] {
    return this.range(conversationBounds()).map(([key, row]) => readConversationRow(key, row));
  }

  totals(): ReturnType<typeof readTotals> {
    return readTotals(this.rows.get(TOTALS_KEY));
  }

  /** Every row, in the order of the keys: equal views have equal bytes. */
  bytes(): readonly (readonly [string, string])[] {
    return [...this.rows]
      .map(
        ([key, row]) =>
          [Buffer.from(key, "latin1").toString("hex"), Buffer.from(row).toString("hex")] as const,
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  digest(): string {
    return viewDigest([...this.rows].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** What the rows say, in the words of the reference. */
  view(): ReferenceView {
    const messages: Record<string, ReferenceView["messages"][keyof ReferenceView["messages"]]> = {};
    for (const [key, row] of this.range(messageBounds())) {
      const message = readMessageRow(keyToId(key, 1, 17), row);
      if (message === null) continue;
      messages[message.id] = {
        position: message.place.position,
        deleted: message.deleted,
        conversation: message.conversation,
        order: orderWords(message.order),
        later: message.later,
        edits: message.edited
          ? this.range(editBounds(message.id)).map(([k, r]) => readEditRow(k, r).place.position)
          : [],
        unsentAt: message.unsent ? orderWords(readNamingRow(this.rows.get(unsendRowKey(key))!).order) : null,
        reactions: message.reacted
          ? this.range(reactionBounds(message.id))
              .map(([, r]) => readReactionRow(r))
              .filter(({ removed }) => !removed)
              .map(({ place }) => place.position)
              .toSorted((a, b) => a - b)
          : [],
        delivery: message.delivery,
        purges: this.range(rangeOfPrefix(`p${key.slice(1)}`)).map(([each]) => purgeOfKey(each)),
      };
    }
    const conversations: Record<string, ReferenceView["conversations"][ConversationId]> = {};
    for (const state of this.conversations()) conversations[state.conversation] = this.#describe(state);
    const deviceNames: Record<string, number> = {};
    for (const [key, row] of this.range(deviceBounds())) {
      const { device, place } = readDeviceRow(key, row);
      deviceNames[device] = place.position;
    }
    const settings = this.range(settingBounds())
      .map(([, row]) => readNamingRow(row).place.position)
      .toSorted((a, b) => a - b);
    return { messages, conversations, deviceNames, settings, further: this.further() };
  }

  /** By message, in words that sort as the places do. */
  further(): ReferenceView["further"] {
    const further: Record<string, string[]> = {};
    for (const [key] of this.range(rangeOfPrefix("y")))
      (further[messageOfKey(key)] ??= []).push(placeWords({ place: placeOfKey(key) }));
    return Object.fromEntries(Object.entries(further).map(([id, places]) => [id, places.toSorted()]));
  }

  #describe(state: ConversationState): ReferenceView["conversations"][ConversationId] {
    const { name, title, sortMs, clock, readUpTo, markedUnread, pin, mute, archive, draft } = state;
    const inOrder = this.range(orderRange(state.conversation)).map(([key, row]) => readOrderRow(key, row));
    const bounds = unreadBounds(state);
    const perhaps = bounds === null ? [] : this.range(bounds).map(([key, row]) => readOrderRow(key, row));
    return {
      name: name?.place.position ?? null,
      title: title?.place.position ?? null,
      pinned: pin?.on === true ? pin.rank : null,
      mutedUntilMs: mute?.untilMs ?? 0,
      archived: archive?.on ?? false,
      draft: draft === null || draft.isEmpty ? null : draft.place.position,
      participants: state.participants?.place.position ?? null,
      sortMs,
      clock: clock === null ? null : stampWords(clock),
      readUpTo: readUpTo === null ? null : orderWords(readUpTo),
      markedUnread,
      messages: inOrder.map(({ id }) => id),
      unread: perhaps.filter((message) => isUnread(message, state)).map(({ id }) => id),
    };
  }
}
