/**
 * Encodes and decodes what one control operation says, kind by kind. The envelope around it: operation.ts.
 * Lists are sets: they are written in ascending order, whatever order they were given in, and read in no other.
 * Spec: docs/spec/membership.md. Tests: test/unit/membership/operation.test.ts, vectors in test/vectors/membership.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import type { ByteWriter } from "../base/byte-writer.ts";
import { compareBytes } from "../base/bytes.ts";
import { assert, EngineError } from "../base/errors.ts";
import { bytesToId, idBytes } from "../base/ids.ts";
import type { ControlId, DeviceId, EpochId, LogId, TreeHash } from "../base/ids.ts";
import { LOG_LENGTH_LIMIT } from "../log/types.ts";
import type { BodyOf, ControlBody, Fence, Wrap } from "./types.ts";

/** Logs of 1,000 incarnations and one to spare each. */
export const FENCES_MAX = 3_072;
export const EPOCHS_MAX = 64;
export const RECIPIENTS_MAX = 256;
export const WRAP_BYTES_MAX = 8_192;
export const PURGED_MAX = 4_096;
/** Incarnations of one device; from the 900th on the person is told to link the machine anew. */
export const INCARNATIONS_MAX = 1_000;
const CONTINUED_MAX = 3;
const ADDRESS_BYTES_MAX = 512;
const ID_BYTES = 32;
const SALT_BYTES = 16;

type KnownKind = Exclude<ControlBody["kind"], "unknown">;

/** A number never changes its meaning; 0 stands for what cannot be read. */
export const kindNumbers: Readonly<Record<KnownKind, number>> = {
  genesis: 1,
  admit: 2,
  revoke: 3,
  "set-recovery": 4,
  epoch: 5,
  "open-log": 6,
  purge: 7,
  countersign: 8,
  void: 9,
  cloud: 10,
};

const kindByNumber: ReadonlyMap<number, KnownKind> = new Map(
  Object.entries(kindNumbers).map(([kind, number]) => [number, kind as KnownKind]),
);

export function writeBody(writer: ByteWriter, body: ControlBody): void {
  switch (body.kind) {
    case "genesis":
      writer.raw(body.rootSign).raw(body.rootOpen).raw(idBytes(body.device)).raw(body.openKey).raw(body.salt);
      return;
    case "admit":
      return writeAdmit(writer, body);
    case "revoke":
      writer.raw(idBytes(body.device));
      return writeFences(writer, body.fences);
    case "set-recovery":
      writer.raw(body.rootSign).raw(body.rootOpen);
      return;
    case "epoch":
      return writeEpoch(writer, body);
    case "open-log":
      writer.uint(body.incarnation);
      return writeFences(writer, body.continues);
    case "purge":
      writer.list(body.entries.toSorted(byPlace), ({ log, position, leaf }) => {
        writer.raw(idBytes(log)).uint(position).raw(leaf);
      });
      return;
    case "countersign":
    case "void":
      writer.raw(idBytes(body.operation));
      return;
    case "cloud":
      assert((body.address === null) === (body.peerKey === null), "a cloud peer has an address and a key");
      writer.u8(body.address === null ? 0 : 1);
      if (body.address !== null && body.peerKey !== null) writer.text(body.address).raw(body.peerKey);
      return;
    case "unknown":
      assert(false, "an operation of an unknown kind is relayed as it came, never encoded");
  }
}

/** A kind that this version does not know is left unread. */
export function readBody(reader: ByteReader, number: number): ControlBody {
  const kind = kindByNumber.get(number);
  switch (kind) {
    case undefined:
      reader.raw(reader.left);
      return { kind: "unknown", number };
    case "genesis":
      return {
        kind,
        rootSign: reader.raw(ID_BYTES),
        rootOpen: reader.raw(ID_BYTES),
        device: bytesToId(reader.raw(ID_BYTES)),
        openKey: reader.raw(ID_BYTES),
        salt: reader.raw(SALT_BYTES),
      };
    case "admit":
      return readAdmit(reader);
    case "revoke":
      return { kind, device: bytesToId(reader.raw(ID_BYTES)), fences: readFences(reader, FENCES_MAX) };
    case "set-recovery":
      return { kind, rootSign: reader.raw(ID_BYTES), rootOpen: reader.raw(ID_BYTES) };
    case "epoch":
      return readEpoch(reader);
    case "open-log":
      return {
        kind,
        incarnation: reader.uint(INCARNATIONS_MAX - 1),
        continues: readFences(reader, CONTINUED_MAX),
      };
    case "purge":
      return readPurge(reader);
    case "countersign":
    case "void":
      return { kind, operation: bytesToId<ControlId>(reader.raw(ID_BYTES)) };
    case "cloud":
      return reader.flag()
        ? { kind, address: reader.text(ADDRESS_BYTES_MAX), peerKey: reader.raw(ID_BYTES) }
        : { kind, address: null, peerKey: null };
  }
}

/** Ascending and none twice, as every list of this format is. */
export function readAscending<Item>(
  reader: ByteReader,
  countMax: number,
  compare: (a: Item, b: Item) => number,
  read: () => Item,
): Item[] {
  const items = reader.list(countMax, read);
  for (let at = 1; at < items.length; at++) {
    if (compare(items[at - 1]!, items[at]!) >= 0) {
      throw new EngineError("WIRE_NOT_CANONICAL", "a list is not in ascending order");
    }
  }
  return items;
}

/** By their bytes, which is the order of their hex. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function writeAdmit(writer: ByteWriter, body: BodyOf<"admit">): void {
  const wrapByEpoch = new Map(body.wraps.map((wrap) => [wrap.epoch, wrap]));
  assert(
    body.wraps.every(({ epoch }) => body.epochs.includes(epoch)) && wrapByEpoch.size === body.wraps.length,
    "each wrap of an admission is of one of its epochs",
  );
  writer.raw(idBytes(body.device)).raw(body.openKey);
  writer.list(body.epochs.toSorted(compareIds), (epoch) => {
    writer.raw(idBytes(epoch));
    writeOptional(writer, wrapByEpoch.get(epoch)?.sealed ?? null);
  });
}

function readAdmit(reader: ByteReader): ControlBody {
  const device = bytesToId<DeviceId>(reader.raw(ID_BYTES));
  const openKey = reader.raw(ID_BYTES);
  const given = readAscending(
    reader,
    EPOCHS_MAX,
    (a, b) => compareIds(a.epoch, b.epoch),
    () => ({ epoch: bytesToId<EpochId>(reader.raw(ID_BYTES)), sealed: readOptional(reader) }),
  );
  const wraps = given.filter((wrap): wrap is Wrap => wrap.sealed !== null);
  return { kind: "admit", device, openKey, wraps, epochs: given.map(({ epoch }) => epoch) };
}

function writeEpoch(writer: ByteWriter, body: BodyOf<"epoch">): void {
  writer.raw(idBytes(body.epoch)).u8(body.custody === "synced" ? 1 : 2);
  writer.list(body.tips.toSorted(compareIds), (tip) => void writer.raw(idBytes(tip)));
  const recipients = body.recipients.toSorted((a, b) => compareIds(a.device, b.device));
  writer.list(recipients, ({ device, sealed }) => {
    writer.raw(idBytes(device));
    writeOptional(writer, sealed);
  });
  writeOptional(writer, body.rootSealed);
}

function readEpoch(reader: ByteReader): ControlBody {
  const epoch = bytesToId<EpochId>(reader.raw(ID_BYTES));
  const custody = reader.u8();
  if (custody !== 1 && custody !== 2) throw new EngineError("WIRE_NOT_CANONICAL", "an unknown custody");
  const tips = readAscending(reader, EPOCHS_MAX, compareIds, () => bytesToId<EpochId>(reader.raw(ID_BYTES)));
  const recipients = readAscending(
    reader,
    RECIPIENTS_MAX,
    (a, b) => compareIds(a.device, b.device),
    () => ({ device: bytesToId<DeviceId>(reader.raw(ID_BYTES)), sealed: readOptional(reader) }),
  );
  const rootSealed = readOptional(reader);
  return { kind: "epoch", epoch, custody: custody === 1 ? "synced" : "local", tips, recipients, rootSealed };
}

function readPurge(reader: ByteReader): ControlBody {
  const entries = readAscending(reader, PURGED_MAX, byPlace, () => ({
    log: bytesToId<LogId>(reader.raw(ID_BYTES)),
    position: reader.uint(LOG_LENGTH_LIMIT - 1),
    leaf: reader.raw(ID_BYTES) as TreeHash,
  }));
  if (entries.length === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a purge names nothing");
  return { kind: "purge", entries };
}

function writeFences(writer: ByteWriter, fences: readonly Fence[]): void {
  writer.list(fences.toSorted(byLog), ({ log, length, root }) => {
    writer.raw(idBytes(log)).uint(length).raw(root);
  });
}

function readFences(reader: ByteReader, countMax: number): Fence[] {
  return readAscending(reader, countMax, byLog, () => ({
    log: bytesToId<LogId>(reader.raw(ID_BYTES)),
    length: reader.uint(LOG_LENGTH_LIMIT - 1),
    root: reader.raw(ID_BYTES) as TreeHash,
  }));
}

function writeOptional(writer: ByteWriter, sealed: Uint8Array | null): void {
  assert(sealed === null || sealed.length <= WRAP_BYTES_MAX, "a wrap is within its limit");
  writer.u8(sealed === null ? 0 : 1);
  if (sealed !== null) writer.blob(sealed);
}

function readOptional(reader: ByteReader): Uint8Array | null {
  return reader.flag() ? reader.blob(WRAP_BYTES_MAX) : null;
}

function byLog(a: Fence, b: Fence): number {
  return compareIds(a.log, b.log);
}

type Purged = BodyOf<"purge">["entries"][number];

function byPlace(a: Purged, b: Purged): number {
  return compareIds(a.log, b.log) || a.position - b.position || compareBytes(a.leaf, b.leaf);
}
