/**
 * Which messages are purged here, for everything that reads messages: those that a tombstone names and whose purge counts and is not void.
 * Reads nothing where no tombstone names a message. Spec: docs/spec/purge.md, "What is purged".
 * Tests: test/integration/app/purged-messages.test.ts.
 */
import type { AccountId, ControlId, ConversationId, MessageId } from "../../core/base/ids.ts";
import {
  hidingPurges,
  isPurged,
  namedBounds,
  namedOfKey,
  purgedBounds,
  purgesAfter,
  tombstoneOf,
} from "../../core/inbox/purges.ts";
import type { Fold } from "../../core/inbox/types.ts";
import type { OrderedMessage, Totals } from "../../core/inbox/view.ts";
import type { RowKey } from "../../core/log/rows.ts";
import type { MemberView } from "../../core/membership/types.ts";
import type { KeyRing } from "./key-ring.ts";
import { openEntry } from "./sealing.ts";
import type { Published } from "./turn.ts";
import type { Store } from "../../core/sync/ports.ts";

/** Purges that name one message: one, and one for each time that a copy, an edit or a reaction came later. */
const PURGES_MAX = 10_000;
const NAMED_STEP = 10_000;
/** Messages looked up together. */
const TOGETHER = 200;

/** What is read of a replica. */
interface Source {
  readonly account: AccountId;
  readonly members: MemberView;
  readonly keys: KeyRing;
  /** Null until the index key is here. */
  readonly fold: Fold | null;
  readonly view: Pick<Store, "rows" | "rowRange">;
  readonly viewsBuilt: number;
  readonly ports: { readonly store: Store };
  readonly subscribe: (listener: (published: Pick<Published, "operations">) => void) => () => void;
}

type Mentioned = Pick<OrderedMessage, "id" | "named">;

export class PurgedMessages {
  readonly #replica: Source;
  #view: MemberView | null = null;
  #hiding: ReadonlySet<ControlId> = new Set();
  /** How many messages are named and yet not purged; null until it is asked for, and again when it may be another. */
  #spared: Promise<number> | null = null;
  #sparedOf: readonly unknown[] = [];

  constructor(replica: Source) {
    this.#replica = replica;
    replica.subscribe(({ operations }) => {
      // Another purge may name what was named before.
      if (this.#spared !== null && operations.some(({ operation }) => operation.body.kind === "tombstone"))
        this.#spared = null;
    });
  }

  /** The purges that hide what they name. The same set for as long as none of them changes. */
  get hiding(): ReadonlySet<ControlId> {
    const { members } = this.#replica;
    if (members !== this.#view) {
      const hiding = hidingPurges(members.purges);
      const isSame = hiding.size === this.#hiding.size && [...hiding].every((id) => this.#hiding.has(id));
      if (!isSame) this.#hiding = hiding;
      this.#view = members;
    }
    return this.#hiding;
  }

  /** These without those that are purged. */
  async without<Message extends Mentioned>(messages: readonly Message[]): Promise<readonly Message[]> {
    const named = messages.filter((message) => message.named);
    if (named.length === 0) return messages;
    const purged = await this.among(named.map(({ id }) => id));
    return messages.filter(({ id }) => !purged.has(id));
  }

  /** Those of the ids that are purged. Reads rows for each: meant for messages that a tombstone names. */
  async among(ids: readonly MessageId[]): Promise<ReadonlySet<MessageId>> {
    const purged = new Set<MessageId>();
    const { hiding } = this;
    if (hiding.size === 0) return purged;
    for (let at = 0; at < ids.length; at += TOGETHER) {
      const some = ids.slice(at, at + TOGETHER);
      const are = await Promise.all(some.map((id) => this.#isPurged(id, hiding)));
      for (const [n, id] of some.entries()) if (are[n] === true) purged.add(id);
    }
    return purged;
  }

  /** How many messages there are for people: those in the bin included, those that are purged not. */
  async count({ messages, purged }: Totals): Promise<number> {
    return purged === 0 ? messages : messages - purged + (await this.#countSpared(purged));
  }

  /** The address of a conversation, as a tombstone of the message that names it gives it; null where there is none. */
  async address(conversation: ConversationId, id: MessageId): Promise<string | null> {
    const { account, members, keys, fold, ports } = this.#replica;
    const rows = await this.#purgedRows(id);
    for (const stored of await ports.store.entriesAt(rows.map(([, row]) => tombstoneOf(row)))) {
      const owner = stored === undefined ? undefined : members.logs.get(stored.log);
      if (stored === undefined || owner === undefined) continue;
      const place = { account, log: stored.log, position: stored.position };
      const opened = openEntry(stored.entry, place, owner.device, keys);
      if (opened.kind !== "operation" || opened.operation.body.kind !== "tombstone") continue;
      const { conversation: address } = opened.operation.body;
      if (fold?.conversationOf(address) === conversation) return address;
    }
    return null;
  }

  async #isPurged(id: MessageId, hiding: ReadonlySet<ControlId>): Promise<boolean> {
    return isPurged(await this.#purgedRows(id), hiding);
  }

  #purgedRows(id: MessageId): Promise<readonly (readonly [RowKey, Uint8Array])[]> {
    return this.#replica.view.rowRange({ ...purgedBounds(id), reverse: false, limit: PURGES_MAX });
  }

  /** Kept until another purge hides, a tombstone comes, or the view was built again. */
  #countSpared(purged: number): Promise<number> {
    const of = [this.hiding, purged, this.#replica.viewsBuilt];
    if (this.#spared === null || of.some((each, at) => each !== this.#sparedOf[at])) {
      const counting = this.#spareds();
      this.#sparedOf = of;
      this.#spared = counting;
      // What could not be read is counted at the next time.
      counting.catch(() => {
        if (this.#spared === counting) this.#spared = null;
      });
    }
    return this.#spared;
  }

  /** Messages that are named by purges that are void or unknown here, and by no other. */
  async #spareds(): Promise<number> {
    const { hiding } = this;
    const spared = new Set<MessageId>();
    for (let after: ControlId | null = null; ;) {
      const [first] = await this.#replica.view.rowRange({ ...purgesAfter(after), reverse: false, limit: 1 });
      if (first === undefined) return spared.size;
      after = namedOfKey(first[0]).purge;
      if (hiding.has(after)) continue;
      for await (const ids of this.#namedBy(after)) {
        const purged = await this.among(ids);
        for (const id of ids) if (!purged.has(id)) spared.add(id);
      }
    }
  }

  async *#namedBy(purge: ControlId): AsyncGenerator<readonly MessageId[], void, undefined> {
    const { from, to } = namedBounds(purge);
    for (let begin = from; ;) {
      const range = { from: begin, to, reverse: false, limit: NAMED_STEP };
      const rows = await this.#replica.view.rowRange(range);
      yield rows.map(([key]) => namedOfKey(key).message);
      const last = rows.at(-1);
      if (last === undefined || rows.length < NAMED_STEP) return;
      begin = `${last[0]}\x00` as RowKey;
    }
  }
}
