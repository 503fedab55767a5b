/**
 * Which messages came to be purged, and which did not stay so: known where a tombstone and its purge are both here, whichever came first, and
 * as long as nobody stops the purge. For events. Tests: test/integration/app/purging.test.ts.
 */
import type { ControlId, ConversationId, MessageId } from "../../core/base/ids.ts";
import { namedBounds, namedOfKey } from "../../core/inbox/purges.ts";
import { messageRowKey, readMessageRow } from "../../core/inbox/view.ts";
import type { Replica } from "../replica/replica.ts";
import type { Published } from "../replica/turn.ts";

/** Tombstones name as many in one purge at most, and purges are read one by one. */
const MESSAGES_MAX = 100_000;

export interface PurgeChange {
  readonly kind: "message-changed";
  readonly conversation: ConversationId;
  readonly id: MessageId;
  /** `deleted`: its purge was stopped, so it is in the bin. */
  readonly change: "purged" | "deleted";
}

/** What one turn made of purges: of each purge whether it hides messages now, and those that the turn itself names. */
export interface PurgeNews {
  readonly named: ReadonlySet<MessageId>;
  readonly begun: readonly ControlId[];
  readonly stopped: readonly ControlId[];
}

export class PurgesSeen {
  readonly #replica: Replica;
  #hiding: ReadonlySet<ControlId>;

  constructor(replica: Replica) {
    this.#replica = replica;
    this.#hiding = replica.purged.hiding;
  }

  /** Called once for each turn, in their order. */
  of({ members, operations }: Pick<Published, "members" | "operations">): PurgeNews {
    const before = this.#hiding;
    if (members) this.#hiding = this.#replica.purged.hiding;
    const named = new Set<MessageId>();
    const here = new Set<ControlId>();
    for (const { operation } of operations) {
      const { body } = operation;
      if (body.kind !== "tombstone" || !this.#hiding.has(body.purge)) continue;
      here.add(body.purge);
      for (const { message } of body.named) named.add(message);
    }
    const begun = members ? [...this.#hiding].filter((id) => !before.has(id) && !here.has(id)) : [];
    const stopped = members ? [...before].filter((id) => !this.#hiding.has(id)) : [];
    return { named, begun, stopped };
  }

  async changes({ named, begun, stopped }: PurgeNews): Promise<readonly PurgeChange[]> {
    const purged = [...named, ...(await this.#messagesOf(begun))];
    return [
      ...(await this.#changed(purged, "purged")),
      ...(await this.#changed(await this.#messagesOf(stopped), "deleted")),
    ];
  }

  async #messagesOf(purges: readonly ControlId[]): Promise<readonly MessageId[]> {
    const found: MessageId[] = [];
    for (const purge of purges) {
      const range = { ...namedBounds(purge), reverse: false, limit: MESSAGES_MAX };
      for (const [key] of await this.#replica.view.rowRange(range)) found.push(namedOfKey(key).message);
    }
    return found;
  }

  async #changed(ids: readonly MessageId[], change: PurgeChange["change"]): Promise<readonly PurgeChange[]> {
    const rows = await this.#replica.view.rows(ids.map(messageRowKey));
    return ids.flatMap((id, at): readonly PurgeChange[] => {
      const row = rows[at];
      const message = row === undefined ? null : readMessageRow(id, row);
      if (message === null) return [];
      return [{ kind: "message-changed", conversation: message.conversation, id, change }];
    });
  }
}
