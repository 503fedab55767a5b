/**
 * What control logs say and what they come to: operations, and the view that the resolver makes of them.
 * Formats, limits and rules: docs/spec/membership.md.
 */
import type { AccountId, ControlId, DeviceId, EpochId, LogId, TreeHash } from "../base/ids.ts";
import type { LogClass } from "../log/types.ts";

/** The last entry of a log that counts; `length` 0 means none of it. */
export interface Fence {
  readonly log: LogId;
  readonly length: number;
  readonly root: TreeHash;
}

/** A log that its device wrote twice: the evidence is checked, entries from `commonLength` on count for nobody. */
export interface ForkedLog {
  readonly log: LogId;
  readonly commonLength: number;
  /** Root of the part that all branches share, where it is known. */
  readonly root?: TreeHash;
}

/** Secrets of one epoch, wrapped with HPKE for one holder of an open key. */
export interface Wrap {
  readonly epoch: EpochId;
  readonly sealed: Uint8Array;
}

export type ControlBody =
  | {
      readonly kind: "genesis";
      readonly rootSign: Uint8Array;
      readonly rootOpen: Uint8Array;
      readonly device: DeviceId;
      readonly openKey: Uint8Array;
      readonly salt: Uint8Array;
    }
  | {
      readonly kind: "admit";
      readonly device: DeviceId;
      readonly openKey: Uint8Array;
      /** One per epoch tip known to the author; empty in local custody. */
      readonly wraps: readonly Wrap[];
      /** The epochs given with this admission, whichever way the wraps travel. */
      readonly epochs: readonly EpochId[];
    }
  | { readonly kind: "revoke"; readonly device: DeviceId; readonly fences: readonly Fence[] }
  | { readonly kind: "set-recovery"; readonly rootSign: Uint8Array; readonly rootOpen: Uint8Array }
  | {
      readonly kind: "epoch";
      readonly epoch: EpochId;
      readonly custody: "synced" | "local";
      /** Epochs whose keys travel inside the wraps of this one. */
      readonly tips: readonly EpochId[];
      readonly recipients: readonly { readonly device: DeviceId; readonly sealed: Uint8Array | null }[];
      /** For the recovery phrase; null in local custody. Never makes root-open a recipient. */
      readonly rootSealed: Uint8Array | null;
    }
  | { readonly kind: "open-log"; readonly incarnation: number; readonly continues: readonly Fence[] }
  | {
      readonly kind: "purge";
      readonly entries: readonly {
        readonly log: LogId;
        readonly position: number;
        readonly leaf: TreeHash;
      }[];
    }
  | { readonly kind: "countersign"; readonly operation: ControlId }
  | { readonly kind: "void"; readonly operation: ControlId }
  /** Both null: no cloud peer. */
  | { readonly kind: "cloud"; readonly address: string | null; readonly peerKey: Uint8Array | null }
  /** Of a newer version: kept and relayed; it changes nothing here. */
  | { readonly kind: "unknown"; readonly number: number };

export type BodyOf<Kind extends ControlBody["kind"]> = Extract<ControlBody, { readonly kind: Kind }>;

export interface ControlOperation {
  /** The control logs it was made after, by their last entries; at most 64. Earlier entries of its own log are ancestors too. */
  readonly parents: readonly ControlId[];
  /** Signature by the recovery phrase's root-sign key, where the operation is made with the phrase. */
  readonly rootSignature: Uint8Array | null;
  readonly body: ControlBody;
}

/** A control operation at its place: verified against a head that `author` signed. */
export interface ControlEntry {
  readonly id: ControlId;
  readonly author: DeviceId;
  readonly incarnation: number;
  readonly log: LogId;
  readonly position: number;
  /** Bytes of the payload, for the root signature. */
  readonly payload: Uint8Array;
  readonly operation: ControlOperation;
}

export interface MemberDevice {
  readonly device: DeviceId;
  readonly openKey: Uint8Array;
  readonly state: "active" | "revoked" | "suspended";
  /** Null for the first device and for one that the phrase admitted. */
  readonly admittedBy: DeviceId | null;
  /** Ascending; those opened so far. The highest is the one it writes. */
  readonly incarnations: readonly number[];
}

/** Whose log it is, and where it ends if a fence or a fork ends it. */
export interface LogOwner {
  readonly log: LogId;
  readonly device: DeviceId;
  readonly incarnation: number;
  readonly logClass: LogClass;
  /**
   * Entries from `length` on do not count; null where nothing ends the log. Control logs end at a fork only: which of a
   * revoked device's operations count follows from causality. `root` is that of the fence, or given with the fork; a
   * fork that came without one has the root of no entries.
   */
  readonly cut: { readonly length: number; readonly root: TreeHash } | null;
}

export interface EpochView {
  readonly epoch: EpochId;
  readonly custody: "synced" | "local";
  readonly author: DeviceId;
  readonly tips: readonly EpochId[];
  /** Its author, those it names, and those to whom an `admit` gave it. */
  readonly recipients: ReadonlySet<DeviceId>;
  /** These are exactly the active devices, and it was made after every revocation. */
  readonly isFit: boolean;
}

/** A purge that counts. How large it is, and how long it must wait, is the reader's to judge. */
export interface PurgeView {
  readonly id: ControlId;
  readonly author: DeviceId;
  readonly entries: BodyOf<"purge">["entries"];
  /** Approved: a second device or the phrase agreed. Void: stopped, or its author was revoked before anyone agreed. */
  readonly state: "open" | "approved" | "void";
}

export interface CloudPeer {
  readonly address: string;
  readonly peerKey: Uint8Array;
}

/** What all valid control entries come to. The same on every device that holds the same entries, in any order. */
export interface MemberView {
  readonly account: AccountId;
  readonly rootSign: Uint8Array;
  readonly rootOpen: Uint8Array;
  /** All that are or were members, ascending. */
  readonly devices: ReadonlyMap<DeviceId, MemberDevice>;
  /** By revoked device: the operations that revoke it and count, ascending. */
  readonly revocations: ReadonlyMap<DeviceId, readonly ControlId[]>;
  /**
   * Every log that may be asked for or accepted: of each device all opened incarnations, and the control log of the next
   * one. Of a device whose admission does not count, its control logs alone: operations of members may come after them.
   */
  readonly logs: ReadonlyMap<LogId, LogOwner>;
  readonly epochs: ReadonlyMap<EpochId, EpochView>;
  /** Epochs that no other wraps; ascending. */
  readonly tips: readonly EpochId[];
  /** The epoch to seal under: its recipients are exactly the active devices; of several the smallest id. Null: one must be minted. */
  readonly sealing: EpochId | null;
  readonly custody: "synced" | "local";
  /** Wraps addressed to a device, in the control log, with the entry that carries them. */
  readonly wrapsFor: (device: DeviceId) => readonly (Wrap & { readonly by: ControlId })[];
  readonly purges: readonly PurgeView[];
  /** Null where none is set. */
  readonly cloud: CloudPeer | null;
  /** What the next operation is made after: the last complete entry of each control log. At most 64, ascending. */
  readonly heads: readonly ControlId[];
  /** Entries that did not count, with the reason; for `doctor` and tests. */
  readonly refused: ReadonlyMap<ControlId, string>;
}
