/**
 * What people set for a conversation: pinned, muted, archived, its draft, its participants. A part of the conversation's row that is not
 * there where nothing was set. Every join is commutative, associative and idempotent.
 * Layout: docs/spec/inbox.md, "View". Tests: test/unit/inbox/rows.test.ts, fold.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { EngineError } from "../base/errors.ts";
import { readPlaced, writeOrder, writePlaced, type Placed } from "./placed.ts";
import { readOrder, requireKnown } from "./rows.ts";
import type { ScratchWriter } from "./scratch-writer.ts";
import { compareOrder } from "./stamp.ts";
import type { OrderKey } from "./types.ts";

export interface PinRegister {
  readonly order: OrderKey;
  readonly on: boolean;
  readonly rank: number;
}

export interface MuteRegister {
  readonly order: OrderKey;
  readonly untilMs: number;
}

export interface ArchiveRegister {
  readonly order: OrderKey;
  readonly on: boolean;
}

export interface DraftRegister extends Placed {
  readonly isEmpty: boolean;
}

/** Each null until it was set for the first time. */
export interface Properties {
  readonly pin: PinRegister | null;
  readonly mute: MuteRegister | null;
  readonly archive: ArchiveRegister | null;
  readonly draft: DraftRegister | null;
  readonly participants: Placed | null;
}

export const NO_PROPERTIES: Properties = {
  pin: null,
  mute: null,
  archive: null,
  draft: null,
  participants: null,
};

const has = {
  pin: 1,
  pinIsOn: 2,
  mute: 4,
  archive: 8,
  archiveIsOn: 16,
  draft: 32,
  draftIsEmpty: 64,
  participants: 128,
} as const;

/** The last in order; of equals what is on, then the larger rank. */
export function lastPin(a: PinRegister | null, b: PinRegister): PinRegister {
  if (a === null) return b;
  const difference = compareOrder(a.order, b.order) || Number(a.on) - Number(b.on) || a.rank - b.rank;
  return difference >= 0 ? a : b;
}

/** The last in order; of equals the later end. */
export function lastMute(a: MuteRegister | null, b: MuteRegister): MuteRegister {
  if (a === null) return b;
  return (compareOrder(a.order, b.order) || a.untilMs - b.untilMs) >= 0 ? a : b;
}

export function hasProperties({ pin, mute, archive, draft, participants }: Properties): boolean {
  return pin !== null || mute !== null || archive !== null || draft !== null || participants !== null;
}

export function writeProperties(writer: ScratchWriter, properties: Properties): void {
  const { pin, mute, archive, draft, participants } = properties;
  writer.u8(
    (pin === null ? 0 : has.pin) |
      (pin?.on === true ? has.pinIsOn : 0) |
      (mute === null ? 0 : has.mute) |
      (archive === null ? 0 : has.archive) |
      (archive?.on === true ? has.archiveIsOn : 0) |
      (draft === null ? 0 : has.draft) |
      (draft?.isEmpty === true ? has.draftIsEmpty : 0) |
      (participants === null ? 0 : has.participants),
  );
  if (pin !== null) {
    writeOrder(writer, pin.order);
    writer.u48(pin.rank);
  }
  if (mute !== null) {
    writeOrder(writer, mute.order);
    writer.u48(mute.untilMs);
  }
  if (archive !== null) writeOrder(writer, archive.order);
  if (draft !== null) writePlaced(writer, draft);
  if (participants !== null) writePlaced(writer, participants);
}

export function readProperties(reader: ByteReader): Properties {
  const flags = reader.u8();
  requireKnown(
    flags,
    has.pin |
      has.mute |
      has.archive |
      has.draft |
      has.participants |
      ((flags & has.pin) === 0 ? 0 : has.pinIsOn) |
      ((flags & has.archive) === 0 ? 0 : has.archiveIsOn) |
      ((flags & has.draft) === 0 ? 0 : has.draftIsEmpty),
  );
  if (flags === 0) throw new EngineError("WIRE_NOT_CANONICAL", "properties that are none");
  const optional = <Value>(bit: number, read: () => Value): Value | null =>
    (flags & bit) === 0 ? null : read();
  return {
    pin: optional(has.pin, () => {
      const order = readOrder(reader);
      return { order, on: (flags & has.pinIsOn) !== 0, rank: reader.u48() };
    }),
    mute: optional(has.mute, () => {
      const order = readOrder(reader);
      return { order, untilMs: reader.u48() };
    }),
    archive: optional(has.archive, () => ({
      order: readOrder(reader),
      on: (flags & has.archiveIsOn) !== 0,
    })),
    draft: optional(has.draft, () => ({
      ...readPlaced(reader),
      isEmpty: (flags & has.draftIsEmpty) !== 0,
    })),
    participants: optional(has.participants, () => readPlaced(reader)),
  };
}
