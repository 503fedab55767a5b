/**
 * A log that grows in a store as a device's own does: what stands at a position, and in which rows, follows from the position
 * alone. So whoever finds a store later can tell whether each value in it is the right one.
 */
import type { Head, LogState } from "../../src/core/log/types.ts";
import { LogAppender } from "../../src/core/log/appender.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import { rangeOf } from "../../src/core/log/ranges.ts";
import type { Row } from "../../src/core/log/rows.ts";
import { adopt, withHeld } from "../../src/core/log/state.ts";
import type { BatchEntry } from "../../src/core/log/types.ts";
import type { Commit } from "../../src/core/sync/ports.ts";
import { sealed, clear, signTestHead, testBytes, testLogId } from "./logs.ts";
import { commitOf } from "./store-steps.ts";

export const growingLogId = testLogId(77);

/** The row that every commit writes anew. */
export const LENGTH_ROW = "length";

export class GrowingLog {
  #state: LogState | undefined;
  #appender: LogAppender;

  constructor(state: LogState | undefined) {
    this.#state = state;
    this.#appender = LogAppender.at(state);
  }

  get length(): number {
    return this.#appender.length;
  }

  /** The commit that appends `count` entries, with a row for each and one for the length. */
  append(count: number): Commit {
    const from = this.#appender.length;
    const to = from + count;
    const entries = Array.from({ length: count }, (_, at) => grownEntry(from + at));
    const appended = this.#appender.append(leavesOf(entries));
    const { next, nodes, leaves } = appended;
    const head: Head = signTestHead({ log: growingLogId, length: to, root: next.root });
    this.#appender = next;
    this.#state = withHeld(adopt(this.#state, head, next.peaks), rangeOf(from, to), next.root);
    const rows = entries.map((_, at) => [grownRowKey(from + at), grownRow(from + at)] as const);
    return commitOf({
      logs: [{ state: this.#state, from, entries, leaves, nodes }],
      puts: [...rows, [LENGTH_ROW, lengthRow(to)]],
    });
  }
}

/** Mostly small, now and then large, so that tables are written and compacted as well. */
export function grownEntry(position: number): BatchEntry {
  const size = position % 61 === 0 ? 6000 + (position % 977) : 20 + (position % 180);
  const kind = position % 17 === 0 ? clear : sealed;
  return { kind, state: "present", payloadLength: size, bytes: testBytes(position, size) };
}

export function grownRowKey(position: number): string {
  return `row ${String(position * 7919).padStart(12, "0")}`;
}

export function grownRow(position: number): Row {
  return testBytes(position + 0.5, 20 + (position % 30));
}

export function lengthRow(length: number): Row {
  return new Uint8Array(new Float64Array([length]).buffer);
}
