/**
 * What the two sides of a session say about keeping: which words are heard, about which logs, and how many may wait for an answer. Decides
 * nothing about promises; the device does, in its writer. Rules: docs/spec/sync.md, "Keeping". Tests: test/unit/sync/keep-talk.test.ts.
 */
import type { LogId } from "../base/ids.ts";
import { type Ranges, subtract } from "../log/ranges.ts";
import type { KeepWord, SessionFrame } from "../wire/frames.ts";
import { countedRanges } from "./possession.ts";
import { chunkLogs, type Turn } from "./turn.ts";
import type { RangesByLog, SessionView } from "./types.ts";

/** Asks that the peer may have waiting here: one run of an honest device has a few. */
const WAITING_MAX = 64;

export class KeepTalk {
  readonly #view: Pick<SessionView, "members">;
  readonly #mayExchange: (log: LogId) => boolean;
  #waiting = 0;

  constructor(parts: {
    readonly view: Pick<SessionView, "members">;
    readonly mayExchange: (log: LogId) => boolean;
  }) {
    this.#view = parts.view;
    this.#mayExchange = parts.mayExchange;
  }

  /** Of an active member. */
  hear({ word, logs }: Extract<SessionFrame, { kind: "keep" }>, turn: Turn): void {
    const heard = new Map<LogId, Ranges>();
    const others = new Map<LogId, Ranges>();
    for (const { log, ranges } of logs) {
      const counted = this.#counted(log, ranges);
      const rest = subtract(ranges, counted);
      if (counted.length > 0) heard.set(log, counted);
      if (rest.length > 0) others.set(log, rest);
    }
    if (word === "ask") this.say("refuse", others, turn);
    if (heard.size === 0) return;
    if (word === "ask" && ++this.#waiting > WAITING_MAX) return turn.close("limit");
    turn.put({ kind: "keep", word, ranges: heard });
  }

  say(word: KeepWord, ranges: RangesByLog, turn: Turn): void {
    for (const logs of chunkLogs(ranges)) turn.send({ kind: "keep", word, logs });
  }

  /** What came of the oldest ask that waits. */
  answer(answer: { readonly promised: RangesByLog; readonly refused: RangesByLog }, turn: Turn): void {
    this.#waiting--;
    this.say("promise", answer.promised, turn);
    this.say("refuse", answer.refused, turn);
  }

  #counted(log: LogId, ranges: Ranges): Ranges {
    const owner = this.#view.members.logs.get(log);
    return owner?.logClass === "messages" && this.#mayExchange(log) ? countedRanges(ranges, owner) : [];
  }
}
