/** Logs for tests: entries that differ by position, their leaves, and heads and batches of any part under any length. */
import type { AccountId, DeviceId, EpochId, LogId, TreeHash } from "../../src/core/base/ids.ts";
import { bytesToId } from "../../src/core/base/ids.ts";
import { logIdOf } from "../../src/core/crypto/derive.ts";
import { createSigningKey } from "../../src/core/crypto/sign.ts";
import { signHead } from "../../src/core/log/head.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import { nodesOf, rootOf } from "../../src/core/log/tree.ts";
import type { Batch, BatchEntry, EntryKind, Head } from "../../src/core/log/types.ts";

export const sampleKey = createSigningKey(new Uint8Array(32).fill(7));

export const sampleAccount = "a1".repeat(32) as AccountId;
export const sampleAuthor: DeviceId = bytesToId(sampleKey.publicKey);
export const sampleContext = { account: sampleAccount, author: sampleAuthor } as const;
export const sampleLogId: LogId = logIdOf({
  account: sampleAccount,
  device: sampleAuthor,
  incarnation: 1,
  logClass: "messages",
});

export const sealedKind: EntryKind = { version: 1, flags: 0, epoch: "e1".repeat(32) as EpochId };
export const laterKind: EntryKind = { version: 1, flags: 0, epoch: "e2".repeat(32) as EpochId };
export const clearKind: EntryKind = { version: 1, flags: 1, epoch: null };
/** Of a version and with a flag that nobody here knows. */
export const unknownKind: EntryKind = { version: 9, flags: 0x82, epoch: "e3".repeat(32) as EpochId };

const kinds = [sealedKind, laterKind, clearKind, unknownKind];

/** A whole log in memory. `branch` gives logs that differ in every entry from `branchFrom` on. */
export class SampleLog {
  readonly entries: readonly BatchEntry[];
  readonly leaves: readonly TreeHash[];
  readonly #headByLength = new Map<number, Head>();

  constructor(length: number, branchFrom: number = length) {
    this.entries = Array.from({ length }, (_, position) =>
      presentEntry(position, position < branchFrom ? 0 : 1, kinds[Math.floor(position / 3) % kinds.length]!),
    );
    this.leaves = leavesOf(this.entries);
  }

  get length(): number {
    return this.leaves.length;
  }

  /** The perfect nodes of `[0, length)`. */
  peaks(length: number = this.length): readonly TreeHash[] {
    return nodesOf(this.leaves.slice(0, length), 0);
  }

  head(length: number = this.length): Head {
    const known = this.#headByLength.get(length);
    if (known !== undefined) return known;
    const head = signSample(length, rootOf(this.peaks(length), length));
    this.#headByLength.set(length, head);
    return head;
  }

  /** Entries `[from, to)` under the head of `length`. */
  batch(from: number, to: number, length: number = this.length): Batch {
    return {
      head: this.head(length),
      from,
      entries: this.entries.slice(from, to),
      left: nodesOf(this.leaves.slice(0, from), 0),
      right: nodesOf(this.leaves.slice(to, length), to),
    };
  }
}

/** Signs any head, true or not, as the sample's author. */
export function signSample(length: number, root: TreeHash): Head {
  return signHead(sampleKey, { account: sampleAccount, log: sampleLogId, length, root });
}

export function presentEntry(position: number, branch: number, kind: EntryKind): BatchEntry {
  const bytes = new Uint8Array((position * 7) % 41);
  bytes.fill(position % 251);
  if (bytes.length > 1) bytes[1] = branch;
  else return { kind, state: "present", payloadLength: 2, bytes: Uint8Array.of(branch, position % 256) };
  return { kind, state: "present", payloadLength: bytes.length, bytes };
}
