/**
 * What was said of a message after it was written: edits, unsend, reactions. Read only where its marks say that there is any.
 * Which rows: src/core/inbox/view.ts. Tests: test/integration/app/inbox.test.ts.
 */
import type { DeviceId, MessageId } from "../../core/base/ids.ts";
import type { Fold, Operation, OperationBody, OrderKey } from "../../core/inbox/types.ts";
import {
  editBounds,
  editRowKey,
  messageRowKey,
  type Naming,
  type OrderedMessage,
  reactionBounds,
  readEditRow,
  readNamingRow,
  readReactionRow,
  unsendRowKey,
} from "../../core/inbox/view.ts";
import { compareOrder } from "../../core/inbox/stamp.ts";
import type { Replica } from "../replica/replica.ts";
import type { EntryOpener } from "./entry-opener.ts";

const EDITS_MAX = 100_000;
const REACTIONS_MAX = 100_000;

export interface ReadEdit {
  readonly order: OrderKey;
  readonly author: DeviceId;
  readonly text: string;
}

export interface ReadReaction {
  readonly order: OrderKey;
  readonly author: DeviceId;
  /** Null: me. */
  readonly sender: string | null;
  readonly emoji: string;
  readonly removed: boolean;
}

/** What is shown of it. */
export interface ReadMarks {
  /** The last edit that counts. */
  readonly edit: ReadEdit | null;
  readonly unsentAt: OrderKey | null;
  /** Those that are there, in their order. */
  readonly reactions: readonly ReadReaction[];
}

export const NO_MARKS: ReadMarks = { edit: null, unsentAt: null, reactions: [] };

export class MarksReader {
  readonly #replica: Replica;
  readonly #opener: EntryOpener;

  constructor(replica: Replica, opener: EntryOpener) {
    this.#replica = replica;
    this.#opener = opener;
  }

  /** Reads no row for a message without marks. */
  async of(message: OrderedMessage): Promise<ReadMarks> {
    const { id, edited, unsent, reacted } = message;
    if (!edited && !unsent && !reacted) return NO_MARKS;
    const [last] = edited ? await this.#edits(id, { limit: 1 }) : [];
    return {
      edit: last ?? null,
      unsentAt: unsent ? ((await this.unsend(id))?.order ?? null) : null,
      reactions: reacted ? (await this.reactions(id)).filter(({ removed }) => !removed) : [],
    };
  }

  /** All edits in their order, also those that do not count. */
  async edits(id: MessageId): Promise<readonly ReadEdit[]> {
    return (await this.#edits(id, { limit: EDITS_MAX })).toReversed();
  }

  /** The last word of somebody with an emoji; null where there was none. */
  async reaction(
    fold: Fold,
    body: Extract<OperationBody, { kind: "reaction" }>,
  ): Promise<{ readonly order: OrderKey; readonly removed: boolean } | null> {
    const [row] = await this.#replica.view.rows([fold.reactionKey(body)]);
    return row === undefined ? null : readReactionRow(row);
  }

  async hasEdit(id: MessageId, order: OrderKey): Promise<boolean> {
    const [row] = await this.#replica.view.rows([editRowKey(messageRowKey(id), order)]);
    return row !== undefined;
  }

  /** All in their order, also those that were removed. */
  async reactions(id: MessageId): Promise<readonly ReadReaction[]> {
    const rows = await this.#replica.view.rowRange({
      ...reactionBounds(id),
      reverse: false,
      limit: REACTIONS_MAX,
    });
    const namings = rows.map(([, row]) => readReactionRow(row));
    const read = await this.#open(namings, "reaction");
    return read
      .map(({ order, author, body: { sender, emoji, removed } }) => ({
        order,
        author,
        sender,
        emoji,
        removed,
      }))
      .toSorted((a, b) => compareOrder(a.order, b.order));
  }

  /** The first unsend of it, whether or not it counts. */
  async unsend(
    id: MessageId,
  ): Promise<{ readonly order: OrderKey; readonly author: DeviceId | null } | null> {
    const [row] = await this.#replica.view.rows([unsendRowKey(messageRowKey(id))]);
    if (row === undefined) return null;
    const { order, place } = readNamingRow(row);
    const [operation] = await this.#opener.operationsAt([place]);
    return { order, author: operation?.author ?? null };
  }

  /** The last ones first. */
  async #edits(id: MessageId, { limit }: { readonly limit: number }): Promise<readonly ReadEdit[]> {
    const rows = await this.#replica.view.rowRange({ ...editBounds(id), reverse: true, limit });
    const read = await this.#open(
      rows.map(([key, row]) => readEditRow(key, row)),
      "edit",
    );
    return read.map(({ order, author, body: { text } }) => ({ order, author, text }));
  }

  async #open<Kind extends OperationBody["kind"]>(
    namings: readonly Naming[],
    kind: Kind,
  ): Promise<
    readonly {
      readonly order: OrderKey;
      readonly author: DeviceId;
      readonly body: Extract<OperationBody, { kind: Kind }>;
    }[]
  > {
    const operations = await this.#opener.operationsAt(namings.map(({ place }) => place));
    return namings.flatMap(({ order }, at) => {
      const operation = operations[at] ?? null;
      return operation !== null && isOf(operation, kind)
        ? [{ order, author: operation.author, body: operation.body }]
        : [];
    });
  }
}

function isOf<Kind extends OperationBody["kind"]>(
  operation: Operation,
  kind: Kind,
): operation is Operation & { readonly body: Extract<OperationBody, { kind: Kind }> } {
  return operation.body.kind === kind;
}
