/**
 * The control entries that this device holds, and the view they resolve to. Grows with membership, never with history.
 * Waits for nothing; the writer feeds it, and loads it from the store at the start. Rules: docs/spec/membership.md.
 */
import type { AccountId, ControlId, DeviceId, LogId, TreeHash } from "../../core/base/ids.ts";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { assert, isEngineError } from "../../core/base/errors.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import { controlIdOf } from "../../core/crypto/derive.ts";
import type { BatchEntry, EntryKind } from "../../core/log/types.ts";
import { decodeControl, encodeControl, unreadableOperation } from "../../core/membership/operation.ts";
import { resolve } from "../../core/membership/resolver.ts";
import type {
  ControlBody,
  ControlEntry,
  ControlOperation,
  LogOwner,
  MemberView,
} from "../../core/membership/types.ts";
import { ENTRY_VERSION } from "./sealing.ts";

/** Clear, of no epoch. */
export const CONTROL_KIND: EntryKind = { version: ENTRY_VERSION, flags: 1, epoch: null };
/** No limit: what this device wrote it must be able to read, and members say how many devices there are. The bytes end first. */
const CONTROL_LOGS_MAX = 2 ** 48;

const NO_BYTES = new Uint8Array(0);

export class ControlBook {
  readonly #account: AccountId;
  readonly #entries = new Map<ControlId, ControlEntry>();
  readonly #owners = new Map<LogId, LogOwner>();
  #view: MemberView | null = null;

  constructor(account: AccountId) {
    this.#account = account;
  }

  /** Resolved now, or as it was when nothing has come since. */
  get view(): MemberView {
    const view = this.#view ?? resolve({ account: this.#account, entries: [...this.#entries.values()] });
    this.#view = view;
    return view;
  }

  /** Takes in entries of one control log; true where any of them was new. Unreadable ones count as unknown operations. */
  add(owner: LogOwner, from: number, entries: readonly BatchEntry[], leaves: readonly TreeHash[]): boolean {
    let came = false;
    this.#owners.set(owner.log, owner);
    for (const [offset, entry] of entries.entries()) {
      const made = controlEntryOf(owner, from + offset, entry, leaves[offset]!);
      if (this.#entries.has(made.id)) continue;
      this.#entries.set(made.id, made);
      came = true;
    }
    if (came) this.#view = null;
    return came;
  }

  /** True for a log that control entries were taken in of. */
  owns(log: LogId): boolean {
    return this.#owners.has(log);
  }

  /** A new operation of this device as an entry, made after everything that is known here. */
  draft(body: ControlBody): BatchEntry {
    const parents = this.#entries.size === 0 ? [] : this.view.heads.slice(0, 64);
    const payload = encodeControl({ parents, rootSignature: null, body });
    return { kind: CONTROL_KIND, state: "present", payloadLength: payload.length, bytes: payload };
  }

  /** Whose logs were taken in here, so that they can be read again before the view stands. */
  encodeOwners(): Uint8Array {
    const writer = new ByteWriter();
    writer.list([...this.#owners.values()], (owner) => {
      writer.raw(idBytes(owner.log)).raw(idBytes(owner.device)).uint(owner.incarnation);
    });
    return writer.finish();
  }
}

/** Inverse of `encodeOwners`. */
export function decodeOwners(bytes: Uint8Array): readonly LogOwner[] {
  const reader = new ByteReader(bytes);
  const owners = reader.list(CONTROL_LOGS_MAX, (): LogOwner => {
    const log = bytesToId<LogId>(reader.raw(32));
    const device = bytesToId<DeviceId>(reader.raw(32));
    return { log, device, incarnation: reader.uint(1_000), logClass: "control", cut: null };
  });
  reader.end();
  return owners;
}

function controlEntryOf(owner: LogOwner, position: number, entry: BatchEntry, leaf: TreeHash): ControlEntry {
  assert(owner.logClass === "control", "only control logs hold control entries");
  const isClear = entry.state === "present" && entry.kind.flags === 1;
  const payload = isClear ? entry.bytes.slice() : NO_BYTES;
  const operation = isClear ? operationOf(payload) : unreadableOperation;
  return {
    id: controlIdOf({ log: owner.log, position, leaf }),
    author: owner.device,
    incarnation: owner.incarnation,
    log: owner.log,
    position,
    // Of what says nothing here nothing is kept in memory, however large it is.
    payload: operation.body.kind === "unknown" ? NO_BYTES : payload,
    operation,
  };
}

/** Signed nonsense of a member changes nothing and keeps its place: what its author writes after it counts. */
function operationOf(payload: Uint8Array): ControlOperation {
  try {
    return decodeControl(payload);
  } catch (error) {
    if (isEngineError(error)) return unreadableOperation;
    throw error;
  }
}
