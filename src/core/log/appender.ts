/**
 * Appends entries of this device's own to its own log, from the peaks alone and without the store. An appender never changes:
 * appending gives the next one, so a turn that fails goes on from the old.
 * Tests: test/unit/log/appender.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";
import type { TreeHash } from "../base/ids.ts";
import { keepInto } from "./tiles.ts";
import { mergeRanges, nodesOf, rootOf } from "./tree.ts";
import type { BatchEntry, Head, KnownNode, LogState, VerifiedBatch } from "./types.ts";

/** One append: what was there before, what came, and the appender for the next. */
export interface Appended {
  readonly from: number;
  readonly left: readonly TreeHash[];
  readonly leaves: readonly TreeHash[];
  /** What a store keeps beside the leaves: the completed nodes of level 8, 16, …. */
  readonly nodes: readonly KnownNode[];
  /** Its length and root are to be signed. */
  readonly next: LogAppender;
}

export class LogAppender {
  readonly length: number;
  /** The perfect nodes of `[0, length)`. */
  readonly peaks: readonly TreeHash[];
  readonly root: TreeHash;

  constructor(length: number, peaks: readonly TreeHash[]) {
    this.length = length;
    this.peaks = peaks;
    this.root = rootOf(peaks, length);
  }

  /** At the end of the log as known; for a log without entries, `undefined`. The whole log must be this device's own. */
  static at(state: LogState | undefined): LogAppender {
    return state === undefined ? new LogAppender(0, []) : new LogAppender(state.head.length, state.peaks);
  }

  /** Leaves come from `leavesOf(entries)`. */
  append(leaves: readonly TreeHash[]): Appended {
    assert(leaves.length > 0, "an append has entries");
    const from = this.length;
    const to = from + leaves.length;
    const nodes: KnownNode[] = [];
    const hashes = nodesOf(leaves, from, keepInto(nodes));
    const peaks = mergeRanges(
      { from: 0, to: from, hashes: this.peaks },
      { from, to, hashes },
      keepInto(nodes),
    );
    return { from, left: this.peaks, leaves, nodes, next: new LogAppender(to, peaks) };
  }
}

/** An append as a batch under its freshly signed head, as if it had come from a peer: so there is one way to commit. */
export function batchOfAppend(appended: Appended, head: Head, entries: readonly BatchEntry[]): VerifiedBatch {
  const { from, left, leaves, nodes, next } = appended;
  assert(entries.length === leaves.length, "every entry has its leaf");
  assert(head.length === next.length && equalBytes(head.root, next.root), "the head is that of the append");
  return { head, from, entries, left, right: [], verified: true, leaves, nodes };
}
