/**
 * What the two sides of a session say about keeping: which words are heard, about which logs, and how many may wait for an answer. Decides
 * nothing about promises; the device does, in its writer. Rules: docs/spec/sync.md, "Keeping". Tests: test/unit/sync/keep-talk.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import { type Ranges, subtract } from "../log/ranges.ts";
import { FRAME_RANGES_MAX, type SessionFrame } from "../wire/frames.ts";
import { countedRanges } from "./possession.ts";
import { countRanges } from "./promises.ts";
import { chunkLogs, gather, type Turn } from "./turn.ts";
import type { KeepSaid, RangesByLog, SessionView } from "./types.ts";

/** Asks that the peer may have waiting here, and the ranges of all of them: one run of an honest device has a few. */
const ASKS_MAX = 64;
const ASKED_RANGES_MAX = 8 * FRAME_RANGES_MAX;

export class KeepTalk {
  readonly #view: Pick<SessionView, "members">;
  readonly #mayExchange: (log: LogId) => boolean;
  /** Ranges of each ask that waits, the oldest first. */
  readonly #waiting: number[] = [];

  constructor(parts: {
    readonly view: Pick<SessionView, "members">;
    readonly mayExchange: (log: LogId) => boolean;
  }) {
    this.#view = parts.view;
    this.#mayExchange = parts.mayExchange;
  }

  /** Of an active member. */
  hear({ word, number, logs }: Extract<SessionFrame, { kind: "keep" }>, turn: Turn): void {
    const heard = new Map<LogId, Ranges>();
    const others = new Map<LogId, Ranges>();
    for (const { log, ranges } of logs) {
      const counted = this.#counted(log, ranges);
      const rest = subtract(ranges, counted);
      // A log stands in a frame as often as its ranges need.
      gather(heard, log, counted);
      gather(others, log, rest);
    }
    if (word === "ask") this.say({ word: "refuse", number, ranges: others }, turn);
    if (heard.size === 0) return;
    if (word === "ask" && !this.#waits(heard)) return turn.close("limit");
    turn.put({ kind: "keep", word, number, ranges: heard });
  }

  say({ word, number, ranges }: KeepSaid, turn: Turn): void {
    for (const logs of chunkLogs(ranges)) turn.send({ kind: "keep", word, number, logs });
  }

  /** The oldest ask that waits has been answered, but for what of it is refused. */
  answer({ number, refused }: { readonly number: number; readonly refused: RangesByLog }, turn: Turn): void {
    this.#waiting.shift();
    this.say({ word: "refuse", number, ranges: refused }, turn);
  }

  /** False where too much would wait. */
  #waits(asked: RangesByLog): boolean {
    this.#waiting.push(countRanges(asked));
    return (
      this.#waiting.length <= ASKS_MAX &&
      this.#waiting.reduce((sum, count) => sum + count) <= ASKED_RANGES_MAX
    );
  }

  #counted(log: LogId, ranges: Ranges): Ranges {
    const owner = this.#view.members.logs.get(log);
    return owner?.logClass === "messages" && this.#mayExchange(log) ? countedRanges(ranges, owner) : [];
  }
}
