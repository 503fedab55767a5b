/**
 * What is wrong, for `status` and for those who watch. Of this run; forks, whose evidence is kept, of earlier runs too.
 * Tests: test/unit/app/fork-memory.test.ts, simulations/world.sim.test.ts.
 */
import type { Fork } from "../../core/log/fork.ts";
import type { Alarm } from "./alarm-types.ts";
import type { EventHub } from "./event-hub.ts";
import type { ForkMemory } from "./fork-memory.ts";
import { timeText } from "./inbox-reader.ts";

const ALARMS_MAX = 100;
/** With up to 10 kB of evidence each: all of `status` has to go into one line of the local API (1 MiB). */
const FORKS_SHOWN_MAX = 32;
/** Few at a time; so that all others are seen beside them. */
const STANDING_MAX = 50;
const FORKED = "one log was written in two ways: its device was copied or restored, or misuses its keys";

export class Alarms {
  readonly #hub: EventHub;
  readonly #forks: ForkMemory;
  readonly #nowMs: () => number;
  readonly #raised: Alarm[] = [];
  /** Those that last as long as what they tell of. */
  readonly #standing = new Map<string, Alarm>();

  constructor(parts: { readonly hub: EventHub; readonly forks: ForkMemory; readonly nowMs: () => number }) {
    this.#hub = parts.hub;
    this.#forks = parts.forks;
    this.#nowMs = parts.nowMs;
  }

  /** Oldest first; those of earlier runs before all others, and those that stand behind them. */
  get all(): readonly Alarm[] {
    const known = this.#forks.untold.map(({ fork, atMs }): Alarm => {
      return { code: "fork", text: FORKED, evidence: this.#forks.evidence(fork), at: timeText(atMs) };
    });
    const all = [...known, ...this.#raised, ...this.#standing.values()];
    const shown = new Set(all.filter(({ code }) => code === "fork").slice(-FORKS_SHOWN_MAX));
    return all.filter((alarm) => alarm.code !== "fork" || shown.has(alarm)).slice(-ALARMS_MAX);
  }

  raise(code: string, text: string, evidence: Alarm["evidence"] = null): void {
    this.#raised.push({ code, text, evidence, at: timeText(this.#nowMs()) });
    if (this.#raised.length > ALARMS_MAX) this.#raised.shift();
    this.#hub.emit({ event: "alarm", code, text, evidence });
  }

  /** An alarm about one thing, told once and shown with its newest text until it is withdrawn with null. */
  stand(code: string, about: string, text: string | null): void {
    const key = `${code} ${about}`;
    const before = this.#standing.get(key);
    if (text === null) {
      this.#standing.delete(key);
      return;
    }
    this.#standing.set(key, { code, text, evidence: null, at: before?.at ?? timeText(this.#nowMs()) });
    if (this.#standing.size > STANDING_MAX) this.#standing.delete(this.#standing.keys().next().value!);
    if (before === undefined) this.#hub.emit({ event: "alarm", code, text, evidence: null });
  }

  /** Once in a run for each log, with the pair of heads that is kept. */
  fork(met: Fork): void {
    const fork = this.#forks.note(met);
    if (fork !== null) this.raise("fork", FORKED, this.#forks.evidence(fork));
  }
}
