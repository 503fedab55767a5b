/** The public types of `status`: docs/spec/api.md. */
import type { Alarm } from "./alarm-types.ts";

export interface PeerStatus {
  readonly device: string;
  readonly name: string;
  readonly online: boolean;
  readonly via: "lan" | "cloud" | "manual" | null;
  readonly inSync: boolean;
  readonly missingHere: number | null;
  readonly missingThere: number | null;
}

export interface Status {
  readonly account: string;
  readonly device: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly entries: number;
  readonly messages: number;
  readonly conversations: number;
  readonly logs: number;
  readonly inSync: boolean;
  readonly lastInSync: string | null;
  /** Entries whose texts are on other devices only: `evict`. */
  readonly evicted: number;
  readonly peers: readonly PeerStatus[];
  readonly cloud: { readonly state: "off" } | null;
  readonly unknownKinds: number;
  /** How many entries of those held here are in the view that is being built; equal where none is. */
  readonly view: { readonly done: number; readonly total: number };
  /** How many entries of those held here a search can find by now. */
  readonly search: { readonly done: number; readonly total: number };
  readonly attachments: {
    readonly heldBytes: number;
    readonly wantedBytes: number;
    readonly reclaimableBytes: number;
  } | null;
  /** `unseen`: the phrase waits to be shown once; `seen`: it was shown and erased here. */
  readonly recovery: "unseen" | "seen";
  readonly protection: "none" | "keyring" | "passphrase";
  readonly alarms: readonly Alarm[];
  readonly version: string;
}
