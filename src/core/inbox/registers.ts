/**
 * What is known of a conversation: a row that many operations join into. Every join here is commutative, associative and
 * idempotent, so that the order of arrival leaves no trace. What people set for it: properties.ts.
 * Layout: docs/spec/inbox.md, "View". Tests: test/unit/inbox/rows.test.ts, fold.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import type { Row } from "../log/rows.ts";
import { readPlaced, writeOrder, writePlaced, type Placed } from "./placed.ts";
import {
  NO_PROPERTIES,
  hasProperties,
  readProperties,
  writeProperties,
  type Properties,
} from "./properties.ts";
import { ROW_VERSION, readOrder, readRow, readStamp, requireKnown } from "./rows.ts";
import { ScratchWriter } from "./scratch-writer.ts";
import { compareOrder, compareStamps } from "./stamp.ts";
import type { OrderKey, Stamp } from "./types.ts";

/** Of `read` and `unread` the last one: the largest (stamp, id), and of equals the unread. */
export interface UnreadRegister {
  readonly order: OrderKey;
  readonly unread: boolean;
}

export interface ConversationRow extends Properties {
  /** The largest stamp that was given here. What is taken in moves no clock. */
  readonly clock: Stamp | null;
  /** Where the list shows it: the largest of min(stamp, time taken in) over its messages. */
  readonly sortMs: number;
  /** The first message in order that names the address. Null: only operations that refer to the conversation came so far. */
  readonly name: Placed | null;
  /** First and last message that may be unread: received, and not read where it came from. */
  readonly candidates: { readonly first: OrderKey; readonly last: OrderKey } | null;
  /** Everything up to here is read. */
  readonly readUpTo: OrderKey | null;
  readonly unread: UnreadRegister | null;
  readonly title: Placed | null;
}

export const NEW_CONVERSATION: ConversationRow = {
  clock: null,
  sortMs: 0,
  name: null,
  candidates: null,
  readUpTo: null,
  unread: null,
  title: null,
  ...NO_PROPERTIES,
};

const has = {
  clock: 1,
  name: 2,
  candidates: 4,
  readUpTo: 8,
  register: 16,
  unread: 32,
  title: 64,
  properties: 128,
} as const;

const FLAGS_KNOWN = 255;

/** Holds the largest row. */
const writer = new ScratchWriter(512);

export function laterStamp(a: Stamp | null, b: Stamp): Stamp {
  return a !== null && compareStamps(a, b) >= 0 ? a : b;
}

export function laterOrder(a: OrderKey | null, b: OrderKey): OrderKey {
  return a !== null && compareOrder(a, b) >= 0 ? a : b;
}

export function earlierOrder(a: OrderKey | null, b: OrderKey): OrderKey {
  return a !== null && compareOrder(a, b) <= 0 ? a : b;
}

/** The last in order; of equals the one that is set. */
export function lastWord<Register extends { readonly order: OrderKey }>(
  a: Register | null,
  b: Register,
  isSet: (register: Register) => boolean,
): Register {
  if (a === null) return b;
  const difference = compareOrder(a.order, b.order) || Number(isSet(a)) - Number(isSet(b));
  return difference >= 0 ? a : b;
}

export function encodeConversationRow(row: ConversationRow): Row {
  const flags =
    (row.clock === null ? 0 : has.clock) |
    (row.name === null ? 0 : has.name) |
    (row.candidates === null ? 0 : has.candidates) |
    (row.readUpTo === null ? 0 : has.readUpTo) |
    (row.unread === null ? 0 : has.register) |
    (row.unread?.unread === true ? has.unread : 0) |
    (row.title === null ? 0 : has.title) |
    (hasProperties(row) ? has.properties : 0);
  writer.begin().u8(ROW_VERSION).u8(flags).u48(row.sortMs);
  if (row.clock !== null) writer.u48(row.clock.ms).u16(row.clock.counter);
  if (row.name !== null) writePlaced(writer, row.name);
  if (row.candidates !== null) {
    writeOrder(writer, row.candidates.first);
    writeOrder(writer, row.candidates.last);
  }
  if (row.readUpTo !== null) writeOrder(writer, row.readUpTo);
  if (row.unread !== null) writeOrder(writer, row.unread.order);
  if (row.title !== null) writePlaced(writer, row.title);
  if (hasProperties(row)) writeProperties(writer, row);
  return writer.finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeConversationRow(row: Row): ConversationRow {
  return readRow(row, (reader) => {
    const flags = reader.u8();
    requireKnown(flags, (flags & has.register) === 0 ? FLAGS_KNOWN & ~has.unread : FLAGS_KNOWN);
    const optional = <Value>(bit: number, read: (from: ByteReader) => Value): Value | null =>
      (flags & bit) === 0 ? null : read(reader);
    return {
      sortMs: reader.u48(),
      clock: optional(has.clock, readStamp),
      name: optional(has.name, readPlaced),
      candidates: optional(has.candidates, () => {
        const first = readOrder(reader);
        return { first, last: readOrder(reader) };
      }),
      readUpTo: optional(has.readUpTo, readOrder),
      unread: optional(has.register, () => ({
        order: readOrder(reader),
        unread: (flags & has.unread) !== 0,
      })),
      title: optional(has.title, readPlaced),
      ...((flags & has.properties) === 0 ? NO_PROPERTIES : readProperties(reader)),
    };
  });
}
