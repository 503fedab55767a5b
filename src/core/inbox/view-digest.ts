/**
 * One hash of a whole view: equal on two devices exactly where they show the same, whatever numbers their logs bear and whenever they took
 * things in. For tests and simulations, which compare devices by it. Spec: docs/spec/inbox.md, "Digest of the view".
 * Tests: test/unit/inbox/view-digest.test.ts.
 */
import { assert } from "../base/errors.ts";
import { hex } from "../base/bytes.ts";
import { RunningHash } from "../crypto/running-hash.ts";
import type { Row, RowKey } from "../log/rows.ts";
import {
  decodeEditRow,
  decodePlacedRow,
  decodePurgedRow,
  decodeReactionRow,
  encodeEditRow,
  encodePlacedRow,
  encodePurgedRow,
  encodeReactionRow,
  type Placed,
} from "./placed.ts";
import { mark } from "./marks.ts";
import { conversationRowKey, messageKeyOf, orderRowKey } from "./row-keys.ts";
import { decodeConversationRow, encodeConversationRow } from "./registers.ts";
import {
  decodeMessageRow,
  decodeOrderRow,
  encodeMessageRow,
  encodeOrderRow,
  messageFlag,
  type MessageContent,
} from "./rows.ts";
import { putUint } from "./scratch-writer.ts";

/** Stands where a place is left out. */
const NOWHERE = { logNumber: 0, position: 0 };

/** Of a number before a key or a value. */
const SIZE_BYTES_MAX = 8;

/** 64 hex digits. `rows`: all of them, in the order of their keys. */
export function viewDigest(rows: Iterable<readonly [RowKey, Row]>): string {
  const all = withFirstClaims([...rows]);
  const purged = new Set(
    all.filter(([key, row]) => key.startsWith("m") && isPurged(decodeMessageRow(row))).map(([key]) => key),
  );
  const hash = new RunningHash();
  for (const [key, row] of all) {
    if (isLocal(key, purged)) continue;
    const value = withoutPlaces(key, row);
    const bytes = new Uint8Array(key.length + value.length + 2 * SIZE_BYTES_MAX);
    let at = putUint(bytes, 0, key.length);
    for (let character = 0; character < key.length; character++) bytes[at++] = key.charCodeAt(character);
    at = putUint(bytes, at, value.length);
    bytes.set(value, at);
    hash.add(bytes.subarray(0, at + value.length));
  }
  return hex(hash.finish());
}

/**
 * The rows as if of each message the first claim stood, whoever makes it: a device that has the payload knows what an operation says, and one
 * that never had it, or erased it, what tombstones say. Where these contradict each other people may see different things, not so by an honest
 * purge, which hides the message.
 */
function withFirstClaims(rows: readonly (readonly [RowKey, Row])[]): readonly (readonly [RowKey, Row])[] {
  const changed = new Map<RowKey, Row | null>();
  let last = "";
  for (const [key, row] of rows) {
    assert(last < key, "rows are digested in the order of their keys");
    last = key;
    if (!key.startsWith("m")) continue;
    const message = decodeMessageRow(row);
    const { content, before, marks, register } = message;
    if (content === null) continue;
    const first = before ?? content;
    changed.set(key, encodeMessageRow({ ...message, content: first, told: false, before: null }));
    if (before === null) continue;
    const deleted = register?.deleted === true ? messageFlag.deleted : 0;
    changed.set(orderKeyOf(key, content), null);
    changed.set(
      orderKeyOf(key, before),
      encodeOrderRow({ flags: before.flags | deleted, marks, place: before.place }),
    );
  }
  const all = new Map<RowKey, Row | null>([...rows, ...changed]);
  return [...all]
    .filter((each): each is [RowKey, Row] => each[1] !== null)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function orderKeyOf(key: RowKey, { conversation, stamp }: MessageContent): RowKey {
  return orderRowKey(conversationRowKey(conversation), stamp, key);
}

/** Marked by a tombstone, whatever became of its purge. */
function isPurged({ marks }: { readonly marks: number }): boolean {
  return (marks & mark.purged) !== 0;
}

/**
 * What was said of a purged message only some devices could read. Where else its content stands, and since when it is in the bin, is each
 * device's own.
 */
function isLocal(key: RowKey, purged: ReadonlySet<RowKey>): boolean {
  if ("yab".includes(key[0]!)) return true;
  return "eru".includes(key[0]!) && purged.has(messageKeyOf(key));
}

/** Such a mark stands alone in the digest: the others are of what only some devices could read. */
function marksOf(row: { readonly marks: number }): number {
  return isPurged(row) ? mark.purged : row.marks;
}

/** The row with what every device has its own way set to nothing. */
function withoutPlaces(key: RowKey, row: Row): Row {
  switch (key[0]) {
    case "m": {
      const message = decodeMessageRow(row);
      const { content } = message;
      return encodeMessageRow({
        ...message,
        marks: marksOf(message),
        content: content === null ? null : { ...content, place: NOWHERE },
      });
    }
    case "o": {
      const ordered = decodeOrderRow(row);
      return encodeOrderRow({ ...ordered, marks: marksOf(ordered), place: NOWHERE });
    }
    case "p":
      return encodePurgedRow({ ...decodePurgedRow(row), place: NOWHERE });
    case "e":
      return encodeEditRow(unplaced(decodeEditRow(key, row)));
    case "r":
      return encodeReactionRow(unplaced(decodeReactionRow(row)));
    case "c": {
      const conversation = decodeConversationRow(row);
      const { name, title, draft, participants } = conversation;
      return encodeConversationRow({
        ...conversation,
        sortMs: 0,
        name: name === null ? null : unplaced(name),
        title: title === null ? null : unplaced(title),
        draft: draft === null ? null : unplaced(draft),
        participants: participants === null ? null : unplaced(participants),
      });
    }
    case "q":
    case "t":
      return row;
    default:
      return encodePlacedRow(unplaced(decodePlacedRow(row)));
  }
}

function unplaced<Register extends Placed>(register: Register): Register {
  return { ...register, place: NOWHERE };
}
