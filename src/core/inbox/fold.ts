/**
 * The fold: operations, in any order, as often as they come and in any batches, into the rows of the stored view.
 * Two pure steps around one read; what one turn does with the rows is in fold-turn.ts, reading them in view.ts.
 * Rules: docs/spec/inbox.md, "Fold". Tests: test/unit/inbox/fold.test.ts, threats L8, L12, L13 and L14.
 */
import { conversationIdOf } from "../crypto/derive.ts";
import type { RowKey } from "../log/rows.ts";
import { normaliseAddress } from "./address.ts";
import { FoldTurn, type ConversationRef } from "./fold-turn.ts";
import { TOTALS_KEY, conversationRowKey, deviceNameRowKey, messageRowKey } from "./row-keys.ts";
import type { Draft, Fold, Operation, PlacedOperation } from "./types.ts";

/** Addresses whose conversation is remembered, so that a message does not cost a keyed hash: about 1 MB. */
const ADDRESSES_REMEMBERED_MAX = 4_096;

/** @param account The index key names conversations by their addresses. */
export function createFold(account: { readonly indexKey: Uint8Array }): Fold {
  const refs = new Map<string, ConversationRef>();

  const refOf = (address: string): ConversationRef => {
    const known = refs.get(address);
    if (known !== undefined) return known;
    const id = conversationIdOf(account.indexKey, normaliseAddress(address));
    const ref = { id, key: conversationRowKey(id) };
    if (refs.size >= ADDRESSES_REMEMBERED_MAX) refs.clear();
    refs.set(address, ref);
    return ref;
  };

  return {
    conversationOf: (address) => refOf(address).id,
    keys: (operations) => rowKeysOf(operations, refOf),
    apply: (rows, operations) => {
      const turn = new FoldTurn(rows);
      for (const placed of operations) applyOne(turn, placed, refOf);
      return turn.finish();
    },
  };
}

type RefOf = (address: string) => ConversationRef;

function rowKeysOf(operations: readonly (Draft | Operation)[], refOf: RefOf): readonly RowKey[] {
  const keys = new Set<RowKey>();
  for (const { id, body } of operations) {
    switch (body.kind) {
      case "message":
        keys.add(TOTALS_KEY).add(refOf(body.conversation).key).add(messageRowKey(id));
        break;
      case "delete":
      case "restore":
        keys.add(TOTALS_KEY).add(conversationRowKey(body.conversation));
        for (const message of body.messages) keys.add(messageRowKey(message));
        break;
      case "read":
      case "unread":
      case "title":
        keys.add(conversationRowKey(body.conversation));
        break;
      case "device-name":
        keys.add(deviceNameRowKey(body.device));
        break;
      case "unknown":
        break;
    }
  }
  return [...keys];
}

function applyOne(turn: FoldTurn, placed: PlacedOperation, refOf: RefOf): void {
  const { body } = placed.operation;
  switch (body.kind) {
    case "message":
      return turn.addMessage(placed, body, refOf(body.conversation));
    case "delete":
    case "restore":
      return turn.moveToBin(placed, body);
    case "read":
    case "unread":
      return turn.markRead(placed, body);
    case "title":
      return turn.setTitle(placed, body.conversation);
    case "device-name":
      return turn.nameDevice(placed, body.device);
    case "unknown":
      return; // Kept and counted by the log; folded after an upgrade, which raises VIEW_VERSION.
  }
}
