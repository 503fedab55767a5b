/**
 * The fold: operations, in any order, as often as they come and in any batches, into the rows of the stored view.
 * Two pure steps around one read; what each kind does to the rows is in fold-messages.ts, fold-marks.ts,
 * fold-conversations.ts and fold-tombstones.ts, reading them in view.ts. Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold*.test.ts, threats L8, L12, L13 and L14.
 */
import { conversationIdOf, reactionKeyOf, settingKeyOf } from "../crypto/derive.ts";
import { EngineError } from "../base/errors.ts";
import type { RowKey } from "../log/rows.ts";
import { normaliseAddress } from "./address.ts";
import { addSetting, markRead, nameDevice, setProperty } from "./fold-conversations.ts";
import { addDelivery, addEdit, addReaction, addUnsend } from "./fold-marks.ts";
import type { ConversationRef } from "./fold-claims.ts";
import { addMessage, moveToBin } from "./fold-messages.ts";
import { addTombstone } from "./fold-tombstones.ts";
import {
  TOTALS_KEY,
  conversationRowKey,
  deviceNameRowKey,
  editRowKey,
  messageRowKey,
  purgedRowKey,
  reactionRowKey,
  settingRowKey,
  unsendRowKey,
} from "./row-keys.ts";
import { ScratchWriter } from "./scratch-writer.ts";
import { TurnRows } from "./turn-rows.ts";
import {
  ADDRESS_BYTES_MAX,
  EMOJI_BYTES_MAX,
  type Draft,
  type Fold,
  type Operation,
  type OperationBody,
  type PlacedOperation,
} from "./types.ts";

/** Addresses whose conversation is remembered, so that a message does not cost a keyed hash: about 1 MB. */
const ADDRESSES_REMEMBERED_MAX = 4_096;

type ReactionBody = Extract<OperationBody, { kind: "reaction" }>;

/** Holds a sender and an emoji. Normalising composes, which at most triples a text. */
const writer = new ScratchWriter(3 * (3 * ADDRESS_BYTES_MAX + EMOJI_BYTES_MAX) + 16);

/** @param account The index key names conversations by their addresses. */
export function createFold(account: { readonly indexKey: Uint8Array }): Fold {
  const keys = new KeyedRows(account.indexKey);
  return {
    conversationOf: (address) => keys.ref(address).id,
    reactionKey: (body) => keys.reaction(body),
    clockKey: (body) => clockKeyOf(body, keys),
    keys: (operations) => rowKeysOf(operations, keys),
    apply: (rows, operations) => {
      const turn = new TurnRows(rows);
      for (const placed of operations) applyOne(turn, placed, keys);
      return turn.finish();
    },
  };
}

/** Row keys that hide behind a keyed hash what they name. */
class KeyedRows {
  readonly #indexKey: Uint8Array;
  readonly #refs = new Map<string, ConversationRef>();

  constructor(indexKey: Uint8Array) {
    this.#indexKey = indexKey;
  }

  ref(address: string): ConversationRef {
    const known = this.#refs.get(address);
    if (known !== undefined) return known;
    const id = conversationIdOf(this.#indexKey, normaliseAddress(address));
    const ref = { id, key: conversationRowKey(id) };
    if (this.#refs.size >= ADDRESSES_REMEMBERED_MAX) this.#refs.clear();
    this.#refs.set(address, ref);
    return ref;
  }

  /** One row per message, sender and emoji. */
  reaction({ message, sender, emoji }: ReactionBody): RowKey {
    writer.begin().u8(sender === null ? 0 : 1);
    if (sender !== null) writer.text(normaliseAddress(sender), 3 * ADDRESS_BYTES_MAX);
    writer.text(emoji, EMOJI_BYTES_MAX);
    return reactionRowKey(messageRowKey(message), reactionKeyOf(this.#indexKey, writer.written()));
  }

  setting(name: string): RowKey {
    return settingRowKey(settingKeyOf(this.#indexKey, name));
  }
}

function rowKeysOf(operations: readonly (Draft | Operation)[], keyed: KeyedRows): readonly RowKey[] {
  const keys = new Set<RowKey>();
  for (const { id, stamp, body } of operations) {
    switch (body.kind) {
      case "message":
      case "later-message":
        keys.add(TOTALS_KEY).add(keyed.ref(body.conversation).key).add(messageRowKey(id));
        break;
      case "delete":
      case "restore":
        keys.add(TOTALS_KEY).add(conversationRowKey(body.conversation));
        for (const message of body.messages) keys.add(messageRowKey(message));
        break;
      case "edit":
      case "unsend":
      case "reaction":
      case "delivery": {
        const key = messageRowKey(body.message);
        keys.add(conversationRowKey(body.conversation)).add(key);
        // What is written now has an id that was never seen; only what kept its stamp can stand here already.
        if (body.kind === "edit" && stamp !== null) keys.add(editRowKey(key, { stamp, id }));
        if (body.kind === "unsend") keys.add(unsendRowKey(key));
        if (body.kind === "reaction") keys.add(keyed.reaction(body));
        break;
      }
      case "tombstone":
        keys.add(TOTALS_KEY).add(keyed.ref(body.conversation).key);
        for (const { message } of body.named) {
          const key = messageRowKey(message);
          keys.add(key).add(purgedRowKey(key, body.purge));
        }
        break;
      case "unknown":
        break;
      default:
        keys.add(clockKeyOf(body, keyed));
    }
  }
  return [...keys];
}

function clockKeyOf(body: OperationBody, keyed: KeyedRows): RowKey {
  switch (body.kind) {
    case "message":
    case "later-message":
    case "tombstone":
      return keyed.ref(body.conversation).key;
    case "device-name":
      return deviceNameRowKey(body.device);
    case "setting":
      return keyed.setting(body.name);
    case "unknown":
      throw new EngineError("UNEXPECTED", "an unknown operation is never written here");
    default:
      return conversationRowKey(body.conversation);
  }
}

function applyOne(rows: TurnRows, placed: PlacedOperation, keyed: KeyedRows): void {
  const { body } = placed.operation;
  switch (body.kind) {
    case "message":
    case "later-message":
      return addMessage(rows, placed, body, keyed.ref(body.conversation));
    case "delete":
    case "restore":
      return moveToBin(rows, placed, body);
    case "read":
    case "unread":
      return markRead(rows, placed, body);
    case "edit":
      return addEdit(rows, placed, body);
    case "unsend":
      return addUnsend(rows, placed, body);
    case "reaction":
      return addReaction(rows, placed, body, keyed.reaction(body));
    case "delivery":
      return addDelivery(rows, placed, body);
    case "device-name":
      return nameDevice(rows, placed, body);
    case "setting":
      return addSetting(rows, placed, keyed.setting(body.name));
    case "tombstone":
      return addTombstone(rows, placed, body, keyed.ref(body.conversation));
    case "unknown":
      return; // Kept and counted by the log; folded after an upgrade, which raises VIEW_VERSION.
    default:
      return setProperty(rows, placed, body);
  }
}
