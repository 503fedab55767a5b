/**
 * Ports that a device is run with: its store, its network, discovery and secrets. Declared here, where both `io` and `app` may
 * look; implemented in `src/io`, doubled in `simulations`; each implementation passes the contract suite of test/contracts.
 */
import type { DeviceId, LogId, TreeHash } from "../base/ids.ts";
import type { Ranges } from "../log/ranges.ts";
import type { Place, Row, RowKey, ViewArea } from "../log/rows.ts";
import type { BatchEntry, BodilessEntry, Head, LogState, TreeNode } from "../log/types.ts";

/** An encoded batch, ready to be the body of a `batch` frame, and which positions it carries. */
export interface EncodedBatch {
  readonly bytes: Uint8Array;
  readonly log: LogId;
  readonly from: number;
  readonly to: number;
}

/** Reads and compact ranges become encoded batches, one at a time, pulled. */
export interface BatchSource {
  /**
   * Batches that together cover what is held of `ranges` under `head`, in the order of the ranges given (each range from its
   * newest batch to its oldest when `newestFirst`), each at most `bytesMax` of payload or one entry.
   *
   * Positions that are not held, or cannot be proved, are left out. A head longer than the stored one yields nothing.
   */
  readonly batches: (want: {
    readonly head: Head;
    readonly ranges: Ranges;
    readonly bytesMax: number;
    readonly newestFirst: boolean;
  }) => AsyncIterable<EncodedBatch>;
}

/**
 * Entries of one log as one commit adds them. Positions follow each other. Where one is held already, its entry is written again: so a
 * payload comes back that is `absent`.
 */
export interface LogWrite {
  /** The state after this write; `held` already names the new positions. */
  readonly state: LogState;
  readonly from: number;
  /** Empty where only the head, or proof nodes, are new. */
  readonly entries: readonly BatchEntry[];
  readonly leaves: readonly TreeHash[];
  /** Nodes that came with the proof; the store keeps those that it could not compute from its own leaves. */
  readonly nodes: readonly (readonly [TreeNode, TreeHash])[];
  /** Each entry is stored twice, so that one damaged row takes nothing away: for the few that a device cannot open without. Default: no. */
  readonly twice?: boolean;
}

/** All that one turn of the writer changes. One batch, atomic, synced. */
export interface Commit {
  readonly logs: readonly LogWrite[];
  readonly puts: ReadonlyMap<RowKey, Row>;
  readonly dels: ReadonlySet<RowKey>;
  /** The area of the view that `puts` and `dels` are for. Default: the one that serves at the call. Rows of the search index lie in none. */
  readonly area?: ViewArea;
  /** This area serves from this commit on; `puts` and `dels` go to the one that did before, unless `area` names one. */
  readonly serves?: ViewArea;
  /** Small named values: cursors, counters, versions. Null deletes. */
  readonly meta: ReadonlyMap<string, Uint8Array | null>;
  /**
   * Entries that lose their payloads: each is what `withoutPayload` makes of the one that is held at its position, and replaces it. The position stays
   * held, and every proof stands. Refused where an entry is not held or is stored twice, which is a bug of the caller.
   */
  readonly bodiless?: ReadonlyMap<LogId, Bodiless>;
}

/** Entries of one log without their payloads, by position. */
export type Bodiless = ReadonlyMap<number, BodilessEntry>;

/** A stored entry and where it stands. */
export interface StoredEntry {
  readonly log: LogId;
  readonly position: number;
  readonly entry: BatchEntry;
}

/**
 * The one module that touches the database.
 *
 * Every method may fail with `STORE_CLOSED`; after a failed write with `STORE_POISONED` (or `DISK_FULL`) until `reopen`
 * has succeeded; and with `STORE_DAMAGED` where what is read is not what was written.
 */
export interface Store extends BatchSource {
  /** Every log with its state and the short number that places use; read at the start. */
  readonly logs: () => Promise<readonly { readonly state: LogState; readonly number: number }[]>;
  /** The log's short number, given at the first call for a log, of which nothing need be here, and kept with the next commit, whatever it writes. */
  readonly numberOf: (log: LogId) => number;
  readonly logOf: (number: number) => LogId | undefined;
  /** Held entries in `[from, to)`, ascending; those not held are left out. */
  readonly entries: (log: LogId, from: number, to: number) => Promise<readonly StoredEntry[]>;
  /** Entries at places, in the order given; undefined where not held. */
  readonly entriesAt: (places: readonly Place[]) => Promise<readonly (StoredEntry | undefined)[]>;
  /** The area of the view that serves, commits that are not yet durable included. */
  readonly servingArea: () => ViewArea;
  /** Rows by key, in the order given, commits that are not yet durable included. `area`: default, the one that serves. */
  readonly rows: (keys: readonly RowKey[], area?: ViewArea) => Promise<readonly (Row | undefined)[]>;
  /** Rows with `from <= key < to`, commits that are not yet durable included. */
  readonly rowRange: (range: {
    readonly from: RowKey;
    readonly to: RowKey;
    readonly reverse: boolean;
    readonly limit: number;
    /** Default: the one that serves. */
    readonly area?: ViewArea;
  }) => Promise<readonly (readonly [RowKey, Row])[]>;
  readonly meta: (name: string) => Promise<Uint8Array | undefined>;
  /**
   * Hashes of perfect nodes, or undefined where any cannot be computed from what is stored.
   * Commits that are not yet durable included.
   */
  readonly nodes: (log: LogId, nodes: readonly TreeNode[]) => Promise<readonly TreeHash[] | undefined>;
  /**
   * Writes everything in one atomic batch and resolves once it is durable. Reads see it from the call on.
   * Calls may overlap; they become durable in the order of the calls, and several may share one sync.
   */
  readonly commit: (commit: Commit) => Promise<void>;
  /**
   * Once it resolves, no file of the store holds any payload that entries in these ranges had before they lost theirs. Reads and commits go on meanwhile. May be
   * repeated, also after a crash, and costs about as much as reading what lies beside them.
   */
  readonly compact: (log: LogId, ranges: Ranges) => Promise<void>;
  /** Bytes that the store's files take. */
  readonly sizeOnDisk: () => Promise<number>;
  /** After a failed write: closes, opens again and audits. Rejects while the cause lasts (disk full). */
  readonly reopen: () => Promise<void>;
  /**
   * Deletes all rows of the stored view and of the search index, so that both can be built again; with `area` only those of that area. In steps
   * that other commits come between, and `pace` is waited for after each; nothing may be written meanwhile to what is cleared. Broken off, it leaves a part of the rows.
   */
  readonly clearRows: (options?: {
    readonly area?: ViewArea;
    readonly pace?: () => Promise<void>;
  }) => Promise<void>;
  /**
   * Re-hashes every held entry of a log against its tree and head; positions that do not match are returned and are no longer
   * held once `forgetBad`. Calls `onProgress` with how many entries were checked, and waits for `pace` now and then.
   *
   * `twice`: the log's entries are to be stored twice. Those of which one row is missing or damaged are `worn`: they stay held, and
   * `forgetBad` writes them again.
   */
  readonly verify: (options: {
    readonly log: LogId;
    readonly forgetBad: boolean;
    readonly twice?: boolean;
    readonly onProgress: (checked: number) => void;
    readonly pace?: () => Promise<void>;
  }) => Promise<{ readonly entries: number; readonly bad: Ranges; readonly worn: Ranges }>;
  /**
   * Reads everything that is stored, the view and the trees included. What it finds damaged calls for `verify` of every log and for
   * building the view again. With `repair`, rows that are not what was written are deleted, and hidden ones written again.
   */
  readonly scrub: (options: {
    readonly repair: boolean;
    readonly onProgress: (checked: number) => void;
    readonly pace?: () => Promise<void>;
  }) => Promise<{ readonly rows: number; readonly damaged: number }>;
  /**
   * Opening found that a batch or the state of a log is not the last one written. Until every log has been verified, what is held
   * is not certain, and a log of this device's own may be longer than it seems: it must not be written on.
   */
  readonly isSuspect: () => boolean;
  /**
   * Looks at the checksums of those files of the database that were there when it was opened, since reading does not look at them; gives
   * how many parts are not what was written. Waits for `pace` now and then.
   */
  readonly checkFiles: (options: { readonly pace?: () => Promise<void> }) => Promise<number>;
  /** Opening, or reading since, met something that is not what was written, also where the second row of an entry stood in for the first. */
  readonly hasMetDamage: () => boolean;
  /** Told each time that reading meets damage. The last listener set counts. */
  readonly onDamage: (listener: () => void) => void;
  /** Every log has been verified, and what was bad forgotten: the store is not suspect any more, nor at the next start. */
  readonly trust: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** One stream to one transport peer. Nothing is known yet of who it is. */
export interface ByteStream {
  readonly initiator: boolean;
  /** Both ends' transport ids as the connection shows them. */
  readonly ownTransport: Uint8Array;
  readonly peerTransport: Uint8Array;
  /** Multiaddr of the other end, for remembering and for people; never logged. */
  readonly peerAddress: string;
  /** Bytes as they come; pulling slowly slows the sender down (bounded queue, pause and resume). Ends when the peer ends. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Writes until the iterable ends, waiting while the stream is full; then ends this side. Rejects when the stream breaks. */
  readonly sink: (bytes: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Ends both directions at once. Idempotent, never rejects. */
  readonly abort: () => void;
}

export interface Net {
  /** Multiaddrs that others can dial now, each ending in /p2p/<transport id>. Changes after `renew`. */
  readonly addresses: () => readonly string[];
  readonly transportId: () => string;
  /**
   * Dials and opens one stream of `protocol`.
   * @throws EngineError `PEER_UNREACHABLE`, `ADDRESS_INVALID`, `TIMED_OUT`, `NETWORK_UNAVAILABLE`.
   */
  readonly dial: (address: string, protocol: string, timeoutMs: number) => Promise<ByteStream>;
  /** Called for each incoming stream of `protocol`; the last handler set counts; null refuses. */
  readonly handle: (protocol: string, handler: ((stream: ByteStream) => void) | null) => void;
  /** A fresh transport identity and port: the second host stands before the first is drained. */
  readonly renew: () => Promise<void>;
  /** Called when interfaces or addresses of this machine changed. */
  readonly onNetworkChange: (listener: () => void) => void;
  readonly close: () => Promise<void>;
}

export interface FoundPeer {
  readonly tag: string;
  readonly transportId: string;
  /** Already filtered: private, shared subnet, TCP, port above 1023, at most 4; each ends in /p2p/<transport id>. */
  readonly addresses: readonly string[];
}

export interface Discovery {
  /** What to answer to, ask for, and with which addresses; replaces what was set before. Empty tags: silent. */
  readonly update: (state: {
    readonly answer: readonly string[];
    readonly ask: readonly string[];
    readonly transportId: string;
    readonly addresses: readonly string[];
  }) => Promise<void>;
  /** Asks at 0, 1, 2, 4 and 8 s from now, on every interface. */
  readonly askSoon: () => void;
  /** Asks once, on every interface; calls close to each other are one question. */
  readonly askOnce: () => void;
  readonly onFound: (listener: (peer: FoundPeer) => void) => void;
  /** What `doctor` needs: interfaces in use, packets seen and sent, errors by code. */
  readonly report: () => {
    readonly interfaces: readonly {
      readonly name: string;
      readonly address: string;
      readonly joined: boolean;
    }[];
    readonly packetsSeen: number;
    readonly packetsSent: number;
    readonly errors: readonly string[];
  };
  readonly close: () => Promise<void>;
}

/** What a device must keep secret, and whether it has shown the recovery phrase. */
export interface DeviceSecrets {
  readonly signSeed: Uint8Array;
  readonly openSeed: Uint8Array;
  readonly account: Uint8Array;
  readonly device: DeviceId;
  /** Entropy of the recovery phrase, only until it has been shown once; else null. */
  readonly unseenPhrase: Uint8Array | null;
}

export interface Secrets {
  /** @throws EngineError `KEY_FILE_MISSING`, `KEY_FILE_DAMAGED`, `STORE_NEWER_VERSION`. */
  readonly load: () => Promise<DeviceSecrets>;
  readonly exists: () => Promise<boolean>;
  /** Written aside, synced, renamed, directory synced. */
  readonly save: (secrets: DeviceSecrets) => Promise<void>;
  readonly erase: () => Promise<void>;
  /** How they are protected at rest, in plain words for `status`. */
  readonly protection: () => "none" | "keyring" | "passphrase";
}
