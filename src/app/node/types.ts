/**
 * The public types of the library: what a node takes, returns and tells. The command line prints these values as they are.
 * Field names are a contract (docs/spec/api.md). Times are RFC 3339 in UTC with milliseconds; ids are lower-case hex.
 */
import type { Alarm } from "./alarm-types.ts";
import type { EvictResult, RetentionResult } from "./evict-types.ts";
import type { Purges } from "./purge-types.ts";
import type { Status } from "./status-types.ts";

export type { PeerStatus, Status } from "./status-types.ts";

export interface OpenNodeOptions {
  /** The device's data directory. Made where it is missing. */
  readonly dir: string;
  /** Name of this device; needed only where the directory is empty. Default: the machine's host name. */
  readonly name?: string;
  /** Multiaddrs to listen on. Default: every interface, any port. */
  readonly listen?: readonly string[];
  /** `mdns` (default), or `none`: only remembered and typed addresses. */
  readonly discovery?: "mdns" | "none";
  /** False: only the store, no network at all. Default true. */
  readonly network?: boolean;
}

export type Service = "kinlog" | "sms" | "mms";
/** How far a message that was sent got, each further than the one before. */
export type DeliveryStatus = "queued" | "failed" | "sent" | "delivered" | "read";

export interface StoredWhere {
  readonly here: boolean;
  /** Names of the devices whose own acknowledgement was received here. */
  readonly devices: readonly string[];
  readonly cloud: boolean | null;
}

export interface Message {
  readonly id: string;
  readonly conversation: string;
  /** Sorts messages of one conversation. */
  readonly order: string;
  /** Null: me; of a message that is not here (`stored.here`) and was received, not known here. */
  readonly sender: string | null;
  readonly direction: "in" | "out";
  /** Null: the message is not here. */
  readonly service: Service | null;
  /** Empty where the message is not here (`stored.here`) and was not edited: `messages.fetch` brings it back. */
  readonly text: string;
  /** Of a message that is not here, by its place in the conversation. */
  readonly sentAt: string;
  readonly receivedAt: string | null;
  readonly editedAt: string | null;
  /** When it was taken back; its text is empty from then on. */
  readonly unsentAt: string | null;
  readonly read: boolean;
  readonly deleted: boolean;
  readonly replyTo: string | null;
  readonly reactions: readonly {
    readonly emoji: string;
    readonly sender: string | null;
    readonly at: string;
  }[];
  readonly attachments: readonly never[];
  readonly status: DeliveryStatus | "received";
  readonly stored: StoredWhere;
  /** Of a kind that only a newer Kinlog reads; its text is empty. */
  readonly needsUpdate: boolean;
}

/** A page of what a search found. */
export interface SearchResult {
  /** Newest first. */
  readonly messages: readonly Message[];
  /** Give it as `before` for the next page; null: this was the last. A page may be short and still have a next one. */
  readonly next: string | null;
  /** How many entries of those held here can be found by now. */
  readonly indexed: { readonly done: number; readonly total: number };
}

/** A text that a message had, from the first one on. */
export interface PastText {
  readonly text: string;
  readonly at: string;
}

export interface Conversation {
  readonly conversation: string;
  readonly title: string | null;
  /** Of the newest message; null where its text is on another device. */
  readonly service: Service | null;
  readonly unread: number;
  readonly pinned: boolean;
  readonly muted: boolean;
  /** Null: not muted, or for ever. */
  readonly mutedUntil: string | null;
  readonly archived: boolean;
  /** What was typed and not sent. */
  readonly draft: string | null;
  /** Empty: never said. */
  readonly participants: readonly string[];
  readonly last: {
    readonly id: string;
    readonly sender: string | null;
    readonly text: string;
    readonly sentAt: string;
  } | null;
}

/** `account`: the same on all devices. `device`: known to this one only. */
export type SettingScope = "account" | "device";

export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly scope: SettingScope;
}

interface Done {
  /** How many things are different now. */
  readonly done: number;
}

export interface Device {
  readonly device: string;
  readonly name: string;
  readonly self: boolean;
  readonly state: "active" | "revoked" | "suspended";
  readonly since: string | null;
  readonly admittedBy: string | null;
  readonly online: boolean;
  readonly lastSeen: string | null;
  /** Entries of ours that it has not acknowledged; null if never met. */
  readonly missing: number | null;
}

export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly finding: string;
  readonly remedy: string | null;
}

export type KinlogEvent = { readonly at: string } & (
  | { readonly event: "created"; readonly account: string; readonly device: string; readonly name: string }
  | {
      readonly event: "ready";
      readonly device: string;
      readonly name: string;
      readonly addresses: readonly string[];
      readonly api: { readonly socket: string } | null;
    }
  | {
      readonly event: "message";
      readonly message: Message;
      readonly origin: "local" | "remote";
      readonly catchUp: boolean;
    }
  | {
      readonly event: "message-changed";
      readonly id: string;
      readonly conversation: string;
      /** `stored`: where it lies or how far it got is another than before. */
      readonly change: "deleted" | "restored" | "purged" | "edited" | "unsent" | "reaction" | "stored";
      readonly origin: "local" | "remote";
    }
  | { readonly event: "read"; readonly conversation: string; readonly unread: number }
  | { readonly event: "conversation"; readonly conversation: string; readonly title: string | null }
  | {
      readonly event: "peer-connected";
      readonly device: string;
      readonly name: string;
      readonly via: "lan" | "manual";
    }
  | { readonly event: "peer-disconnected"; readonly device: string; readonly name: string }
  | { readonly event: "synced"; readonly device: string; readonly fingerprint: string }
  | {
      readonly event: "progress";
      readonly what: string;
      readonly done: number;
      readonly total: number | null;
    }
  | {
      readonly event: "device-linked";
      readonly device: string;
      readonly name: string;
      readonly by: string | null;
    }
  | { readonly event: "device-revoked"; readonly device: string; readonly name: string }
  | ({ readonly event: "alarm" } & Omit<Alarm, "at">)
  /** A slow reader missed events: read anew what is shown. */
  | { readonly event: "resync" }
  | { readonly event: "stopped" }
);

export type EventKind = KinlogEvent["event"];

/** A link code that is open, from its making to its end. One guess, five minutes. */
export interface LinkAttempt {
  /** Such as `42-ocean-violin`. */
  readonly code: string;
  /** `kinlog:` URI for a QR: all addresses and a secret of 128 bits instead of words. */
  readonly uri: string;
  readonly expiresAt: string;
  /** Resolves when a device proved that it knows the code. Rejects `CODE_WRONG`, `CODE_EXPIRED`, `ABORTED`. */
  readonly request: Promise<{ readonly device: string; readonly name: string }>;
  /** Admits the device that asked; resolves when its admission is durable here. */
  readonly confirm: () => Promise<{ readonly device: string; readonly name: string }>;
  readonly refuse: (reason?: string) => Promise<void>;
  readonly cancel: () => Promise<void>;
}

export interface ImportResult {
  readonly imported: number;
  readonly duplicates: number;
  readonly skipped: number;
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
}

export interface VerifyResult {
  readonly entries: number;
  readonly bad: number;
  readonly repaired: number;
  readonly lost: number;
}

/** Called at most four times a second while something takes long. */
export type OnProgress = (progress: {
  readonly what: string;
  readonly done: number;
  readonly total: number | null;
}) => void;

/** What goes to the bin of all devices at once is over 100 messages only where a person said so: a program may go wrong. */
export interface Confirmed {
  readonly confirmed?: boolean;
}

export interface KinlogNode {
  readonly account: string;
  readonly device: string;
  readonly name: string;
  readonly messages: {
    /** Durable when it resolves. @throws EngineError `TEXT_TOO_LONG`, `TEXT_NOT_UTF8`, `NAME_INVALID`, `NOT_FOUND` (reply), `DISK_FULL`. */
    readonly send: (message: {
      readonly conversation: string;
      readonly text: string;
      readonly from?: string;
      readonly replyTo?: string;
    }) => Promise<{ readonly id: string; readonly conversation: string; readonly order: string }>;
    /** The newest `limit` (50), oldest of them first. @throws EngineError `NOT_FOUND`, `AMBIGUOUS`. */
    readonly show: (
      conversation: string,
      options?: { readonly limit?: number; readonly before?: string; readonly deleted?: boolean },
    ) => Promise<readonly Message[]>;
    /**
     * Messages that have all of the words, the newest first; not those in the bin. `kin*` stands for words that begin with kin; case and accents
     * count for nothing; in scripts without spaces any piece is found. `limit` 50. Without a network it builds its index first.
     *
     * @throws EngineError `SEARCH_QUERY_INVALID`, `NOT_FOUND`, `AMBIGUOUS`.
     */
    readonly search: (
      wanted: {
        readonly text: string;
        readonly conversation?: string;
        readonly limit?: number;
        readonly before?: string;
      },
      options?: { readonly onProgress?: OnProgress },
    ) => Promise<SearchResult>;
    /** To the bin on all devices. @throws EngineError `NOT_FOUND`, `AMBIGUOUS`, `CONFIRMATION_REQUIRED`. */
    readonly delete: (ids: readonly string[], options?: Confirmed) => Promise<{ readonly done: number }>;
    readonly restore: (ids: readonly string[]) => Promise<{ readonly done: number }>;
    /**
     * Erased on all devices, for good, in the bin or not: shown nowhere from now on, and no import brings them back. Nothing is written unless
     * all are found. More than 100 only where `confirmed`; of 100 and more what is stored stays until a second device approves (`purges`), or
     * for 30 days.
     *
     * @throws EngineError `NOT_FOUND` (also of what is purged), `AMBIGUOUS`, `CONFIRMATION_REQUIRED`.
     */
    readonly purge: (ids: readonly string[], options?: Confirmed) => Promise<Done>;
    /** Another text for a message of one's own. @throws EngineError `NOT_FOUND`, `NOT_YOURS`, `MESSAGE_UNSENT`, `TEXT_TOO_LONG`. */
    readonly edit: (id: string, text: string) => Promise<Done>;
    /** Takes a message of one's own back, for good. @throws EngineError `NOT_FOUND`, `NOT_YOURS`. */
    readonly unsend: (id: string) => Promise<Done>;
    /** One grapheme; `from`: of somebody else. @throws EngineError `NOT_FOUND`, `REACTION_INVALID`. */
    readonly react: (
      id: string,
      emoji: string,
      options?: { readonly remove?: boolean; readonly from?: string },
    ) => Promise<Done>;
    /** How far a message of one's own got: it only climbs. @throws EngineError `NOT_FOUND`, `NOT_YOURS`. */
    readonly setStatus: (id: string, status: DeliveryStatus) => Promise<Done>;
    /**
     * Brings messages back that were evicted here; how many came. @throws EngineError `NOT_FOUND`, `AMBIGUOUS`, `NODE_NOT_RUNNING`, and
     * `PEER_UNREACHABLE` where none of what is missing came.
     */
    readonly fetch: (ids: readonly string[]) => Promise<Done>;
    /** Its texts from the first to the present one; none of a message that was unsent. */
    readonly history: (id: string) => Promise<readonly PastText[]>;
  };
  readonly conversations: {
    /** Pinned ones first, then the most recently used. Those in the archive only where they are asked for, and then no others. */
    readonly list: (options?: {
      readonly limit?: number;
      readonly archived?: boolean;
    }) => Promise<readonly Conversation[]>;
    readonly read: (conversation: string) => Promise<{ readonly done: number }>;
    readonly unread: (conversation: string) => Promise<{ readonly done: number }>;
    /** All messages of it (optionally sent before a time) to the bin. @throws EngineError as `messages.delete`. */
    readonly delete: (
      conversation: string,
      options?: Confirmed & { readonly before?: string },
    ) => Promise<{ readonly done: number }>;
    /** A name for it. Empty: none. All of these @throws EngineError `NOT_FOUND`, `AMBIGUOUS`. */
    readonly title: (conversation: string, title: string) => Promise<Done>;
    /** The smallest rank stands first; without one, behind those that are pinned. */
    readonly pin: (conversation: string, options?: { readonly rank?: number }) => Promise<Done>;
    readonly unpin: (conversation: string) => Promise<Done>;
    /** Until a time, or for ever. */
    readonly mute: (conversation: string, options?: { readonly until?: string }) => Promise<Done>;
    readonly unmute: (conversation: string) => Promise<Done>;
    readonly archive: (conversation: string) => Promise<Done>;
    readonly unarchive: (conversation: string) => Promise<Done>;
    /** Empty: none. Written at most every ten seconds, the last one then; resolves when it, or a later one, is durable. */
    readonly draft: (conversation: string, text: string) => Promise<Done>;
    readonly participants: (conversation: string, participants: readonly string[]) => Promise<Done>;
  };
  readonly purges: Purges;
  readonly settings: {
    /** Null where nothing is set. The scope is `account` where none is given. */
    readonly get: (name: string, options?: { readonly scope?: SettingScope }) => Promise<string | null>;
    /** An empty value: none. @throws EngineError `NAME_INVALID`, `TEXT_TOO_LONG`. */
    readonly set: (name: string, value: string, options?: { readonly scope?: SettingScope }) => Promise<Done>;
    /** Of one scope, or of both. */
    readonly list: (options?: { readonly scope?: SettingScope }) => Promise<readonly Setting[]>;
  };
  readonly devices: {
    readonly list: () => Promise<readonly Device[]>;
    readonly rename: (
      device: string,
      name: string,
    ) => Promise<{ readonly device: string; readonly name: string }>;
    readonly link: (options?: { readonly timeoutMs?: number }) => Promise<LinkAttempt>;
  };
  readonly status: () => Promise<Status>;
  /** Resolves when in sync, or when the time is over. */
  readonly sync: (options?: {
    readonly timeoutMs?: number;
  }) => Promise<{ readonly inSync: boolean; readonly fingerprint: string }>;
  readonly verify: (options?: {
    readonly repair?: boolean;
    readonly onProgress?: OnProgress;
  }) => Promise<VerifyResult>;
  /**
   * Frees space on this device only: messages of which another device promises to keep the text are taken off this disk. They stay in the lists.
   * `olderThanDays`: only older ones.
   */
  readonly evict: (options?: { readonly olderThanDays?: number }) => Promise<EvictResult>;
  /** How many days this device keeps messages before it evicts them, day by day and at once; null: for ever. Without `days` only tells. */
  readonly retention: (options?: { readonly days?: number | null }) => Promise<RetentionResult>;
  readonly doctor: () => Promise<readonly Finding[]>;
  /** Dials by hand. @throws EngineError `ADDRESS_INVALID`, `PEER_UNREACHABLE`, `NOT_A_MEMBER`. */
  readonly connect: (address: string) => Promise<{ readonly device: string; readonly name: string }>;
  readonly import: (
    path: string,
    options?: { readonly format?: string; readonly onProgress?: OnProgress },
  ) => Promise<ImportResult>;
  /** Lines of Kinlog's own JSONL. */
  readonly export: (options?: { readonly onProgress?: OnProgress }) => AsyncIterable<string>;
  readonly recovery: {
    /** The 24 words, once. @throws EngineError `RECOVERY_PHRASE_GONE`. */
    readonly show: () => Promise<{ readonly recoveryPhrase: string }>;
  };
  readonly addresses: () => readonly string[];
  /** Bounded: a reader that is 10,000 events behind gets one `resync` instead of what it missed. Ends with the node. */
  readonly events: (options?: {
    readonly kinds?: readonly EventKind[];
    readonly signal?: AbortSignal;
  }) => AsyncIterable<KinlogEvent>;
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}
