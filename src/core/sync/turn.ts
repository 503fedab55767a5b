/**
 * What one call of a session comes to: outputs in order, with acknowledgements and small lists gathered into as few frames as
 * the limits allow. Decides nothing. Tests: test/unit/sync/session.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import type { Fork } from "../log/fork.ts";
import { type Ranges, subtract, union } from "../log/ranges.ts";
import { type CloseReason, FRAME_RANGES_MAX, type LogRanges, LOGS_MAX, RANGES_MAX } from "../wire/frames.ts";
import type { Output, RangesByLog, SentFrame } from "./types.ts";

export class Turn {
  readonly now: MonotonicMs;
  readonly #actions: Output[] = [];
  readonly #notices: Output[] = [];
  readonly #acks = new Map<LogId, Ranges>();
  readonly #drops = new Map<LogId, Ranges>();
  readonly #absents = new Map<LogId, Ranges>();
  readonly #forks: Fork[] = [];
  #close: Output | undefined;

  constructor(now: MonotonicMs) {
    this.now = now;
  }

  /** True once the session is to end: nothing more is put out. */
  get isClosed(): boolean {
    return this.#close !== undefined;
  }

  /**
   * What others are told of comes after what is sent and stored: they may answer at once, with an assignment for instance, and
   * the frames of that answer must not overtake those of this turn.
   */
  put(output: Exclude<Output, { kind: "close" }>): void {
    if (this.isClosed) return;
    if (isNotice(output)) this.#notices.push(output);
    else this.#actions.push(output);
  }

  send(frame: SentFrame): void {
    this.put({ kind: "send", frame });
  }

  /** These positions are durable here. */
  acknowledge(log: LogId, ranges: Ranges): void {
    gather(this.#acks, log, ranges);
  }

  /** These positions came and are not here. */
  disclaim(log: LogId, ranges: Ranges): void {
    gather(this.#drops, log, ranges);
  }

  /** These positions were asked for and cannot be served. */
  denies(log: LogId, ranges: Ranges): void {
    gather(this.#absents, log, ranges);
  }

  /** What `finish` acknowledges. */
  get acknowledged(): RangesByLog {
    return this.#acks;
  }

  /** A signed head of the peer's contradicts one known here. */
  contradicts(fork: Fork): void {
    this.#forks.push(fork);
  }

  takeForks(): readonly Fork[] {
    return this.#forks.splice(0);
  }

  close(reason: CloseReason, by: "us" | "peer" = "us"): void {
    if (this.isClosed) return;
    if (by === "us") this.send({ kind: "close", reason });
    this.#close = { kind: "close", reason, byPeer: by === "peer" };
  }

  /** Everything, in order; what was gathered comes before what `last` still puts out. */
  finish(last: () => void): readonly Output[] {
    if (this.#close === undefined) {
      for (const logs of chunkLogs(this.#acks)) this.send({ kind: "ack", dropped: false, logs });
      for (const logs of chunkLogs(this.#drops)) this.send({ kind: "ack", dropped: true, logs });
      for (const logs of chunkLogs(this.#absents)) this.send({ kind: "absent", logs });
      last();
    }
    const end = this.#close === undefined ? [] : [this.#close];
    return [...this.#actions, ...this.#notices, ...end];
  }
}

function isNotice({ kind }: Output): boolean {
  return (
    kind === "peerHas" ||
    kind === "peerDropped" ||
    kind === "absent" ||
    kind === "equal" ||
    kind === "suspect" ||
    kind === "evidence"
  );
}

/** Lists that keep the limits of one frame each. */
export function chunkLogs(rangesByLog: RangesByLog): readonly (readonly LogRanges[])[] {
  const chunks: LogRanges[][] = [];
  let chunk: LogRanges[] = [];
  let rangeCount = 0;
  for (const [log, all] of rangesByLog) {
    for (let at = 0; at < all.length; at += RANGES_MAX) {
      const ranges = all.slice(at, at + RANGES_MAX);
      if (chunk.length === LOGS_MAX || rangeCount + ranges.length > FRAME_RANGES_MAX) {
        chunks.push(chunk);
        chunk = [];
        rangeCount = 0;
      }
      chunk.push({ log, ranges });
      rangeCount += ranges.length;
    }
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** Adds to the set of one log, in place. */
export function gather(rangesByLog: Map<LogId, Ranges>, log: LogId, ranges: Ranges): void {
  if (ranges.length > 0) rangesByLog.set(log, union(rangesByLog.get(log) ?? [], ranges));
}

/** Takes from the set of one log, in place. */
export function take(rangesByLog: Map<LogId, Ranges>, log: LogId, ranges: Ranges): void {
  const left = subtract(rangesByLog.get(log) ?? [], ranges);
  if (left.length > 0) rangesByLog.set(log, left);
  else rangesByLog.delete(log);
}
