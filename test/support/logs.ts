/**
 * Whole logs in memory with every node of their trees, so that any part under any length can be made into a batch or a write at
 * once. For stores; small logs for the log itself are in sample-log.ts.
 */
import type { AccountId, DeviceId, EpochId, LogId, TreeHash } from "../../src/core/base/ids.ts";
import { bytesToId } from "../../src/core/base/ids.ts";
import { logIdOf } from "../../src/core/crypto/derive.ts";
import { createSigningKey } from "../../src/core/crypto/sign.ts";
import { verifyBatch } from "../../src/core/log/batch.ts";
import { signHead } from "../../src/core/log/head.ts";
import { leavesOf, withoutPayload } from "../../src/core/log/header.ts";
import { adopt, prefixLengthWith, withHeld } from "../../src/core/log/state.ts";
import { rangeOf } from "../../src/core/log/ranges.ts";
import { nodeHash, perfectNodes, rootOf } from "../../src/core/log/tree.ts";
import type {
  Batch,
  BatchEntry,
  BodilessEntry,
  EntryKind,
  Head,
  KnownNode,
  LogState,
  TreeNode,
} from "../../src/core/log/types.ts";
import type { Bodiless, LogWrite } from "../../src/core/sync/ports.ts";

const signingKey = createSigningKey(new Uint8Array(32).fill(9));

export const testAuthorship = {
  account: "a9".repeat(32) as AccountId,
  author: bytesToId<DeviceId>(signingKey.publicKey),
} as const;

export const sealed: EntryKind = { version: 1, flags: 0, epoch: "e7".repeat(32) as EpochId };
export const clear: EntryKind = { version: 1, flags: 1, epoch: null };

export interface TestLogOptions {
  readonly length: number;
  /** Logs of different numbers share nothing. */
  readonly number?: number;
  /** Payload bytes of the entry at a position; the default varies between 2 and 60. */
  readonly size?: (position: number) => number;
  readonly kind?: (position: number) => EntryKind;
  readonly state?: (position: number) => BatchEntry["state"];
}

export class TestLog {
  readonly id: LogId;
  readonly #entries: BatchEntry[];
  readonly #levels: TreeHash[][];
  readonly #headByLength = new Map<number, Head>();

  constructor(options: TestLogOptions) {
    const { length, number = 1 } = options;
    this.id = testLogId(number);
    this.#entries = Array.from({ length }, (_, position) => testEntry(position, options));
    this.#levels = [leavesOf(this.#entries)];
    for (let level = 0; this.#levels[level]!.length > 1; level++) {
      const below = this.#levels[level]!;
      this.#levels.push(
        Array.from({ length: Math.floor(below.length / 2) }, (_, at) =>
          nodeHash(below[2 * at]!, below[2 * at + 1]!),
        ),
      );
    }
  }

  get entries(): readonly BatchEntry[] {
    return this.#entries;
  }

  get length(): number {
    return this.entries.length;
  }

  /** From now on these entries are without their payloads; returns them as a commit names them. */
  lose(positions: readonly number[], state: BodilessEntry["state"]): ReadonlyMap<LogId, Bodiless> {
    const lost = positions.map(
      (position) => [position, withoutPayload(this.#entries[position]!, state)] as const,
    );
    for (const [position, entry] of lost) this.#entries[position] = entry;
    return new Map([[this.id, new Map(lost)]]);
  }

  node({ level, index }: TreeNode): TreeHash {
    return this.#levels[level]![index]!;
  }

  known(from: number, to: number): readonly KnownNode[] {
    return perfectNodes(from, to).map((node) => [node, this.node(node)]);
  }

  peaks(length: number = this.length): readonly TreeHash[] {
    return this.known(0, length).map(([, hash]) => hash);
  }

  head(length: number = this.length): Head {
    const known = this.#headByLength.get(length);
    if (known !== undefined) return known;
    const root = rootOf(this.peaks(length), length);
    const head = signTestHead({ log: this.id, length, root });
    this.#headByLength.set(length, head);
    return head;
  }

  /** Entries `[from, to)` under the head of `length`. */
  batch(from: number, to: number, length: number = this.length): Batch {
    const hashes = (start: number, end: number): readonly TreeHash[] =>
      this.known(start, end).map(([, hash]) => hash);
    return {
      head: this.head(length),
      from,
      entries: this.entries.slice(from, to),
      left: hashes(0, from),
      right: hashes(to, length),
    };
  }

  /** What a device writes that has taken in `[from, to)` under the head of `length`, after `before`. */
  write(before: LogState | undefined, from: number, to: number, length: number = this.length): LogWrite {
    const longer = before !== undefined && before.head.length > length ? before.head.length : length;
    const adopted = adopt(before, this.head(longer), this.peaks(longer));
    const added = rangeOf(from, to);
    const prefixLength = prefixLengthWith(adopted, added);
    const prefixRoot = rootOf(this.peaks(prefixLength), prefixLength);
    const state = withHeld(adopted, added, prefixRoot);
    if (from === to) return { state, from, entries: [], leaves: [], nodes: [] };
    const verified = verifyBatch(this.batch(from, to, length), testAuthorship);
    if (verified === undefined) throw new Error("a test log proves itself");
    const nodes = [...this.known(0, from), ...this.known(to, length), ...verified.nodes];
    return { state, from, entries: verified.entries, leaves: verified.leaves, nodes };
  }

  /** The write that adopts a longer head and takes nothing in. */
  adoption(before: LogState, length: number): LogWrite {
    const state = adopt(before, this.head(length), this.peaks(length));
    return { state, from: 0, entries: [], leaves: [], nodes: this.known(before.head.length, length) };
  }
}

export function testLogId(number: number): LogId {
  const { account, author } = testAuthorship;
  return logIdOf({ account, device: author, incarnation: number, logClass: "messages" });
}

export function signTestHead(claim: Pick<Head, "log" | "length" | "root">): Head {
  return signHead(signingKey, { account: testAuthorship.account, ...claim });
}

/** Bytes that differ by position and by seed, and repeat for the same two. */
export function testBytes(seed: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed * 2654435761 + 12345) % 4294967296;
  for (let at = 0; at < size; at++) {
    state = (state * 1664525 + 1013904223) % 4294967296;
    bytes[at] = Math.floor(state / 16777216);
  }
  return bytes;
}

function testEntry(position: number, options: TestLogOptions): BatchEntry {
  const kind = options.kind?.(position) ?? (position % 50 === 7 ? clear : sealed);
  const payloadLength = options.size?.(position) ?? 2 + ((position * 7) % 59);
  const payload = testBytes(position + (options.number ?? 1) * 1_000_003, payloadLength);
  const state = options.state?.(position) ?? "present";
  return state === "present"
    ? { kind, state, payloadLength, bytes: payload }
    : { kind, state, payloadLength, bytes: testBytes(position, 32) };
}
