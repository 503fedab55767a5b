/**
 * What people said of messages, conversations and the account, on which device and when: a word is begun when its call is made, and done
 * when that returns. Knows what may stand after it. Several words about one thing are a register; what was said last on a device overrules
 * what was said there before, and nothing else is sure before all is everywhere.
 */
import { contains } from "../../src/core/log/ranges.ts";
import { type ErrorCode, isEngineError } from "../../src/core/base/errors.ts";
import type { LogId } from "../../src/core/base/ids.ts";
import type { Machine } from "./machine.ts";

/** What can be said anew, so that one word stands. */
export type Register =
  | { readonly of: "bin"; readonly message: string }
  | {
      readonly of: "reaction";
      readonly message: string;
      readonly emoji: string;
      readonly sender: string | null;
    }
  | {
      readonly of: "title" | "pin" | "mute" | "archive" | "draft" | "participants" | "unread";
      readonly conversation: string;
    }
  | { readonly of: "setting"; readonly name: string; readonly ofDevice: string | null };

/** What only grows, and a register. */
export type Subject = { readonly of: "text" | "delivery"; readonly message: string } | Register;

export interface Word {
  readonly subject: Subject;
  readonly machine: Machine;
  readonly what: string;
  /** As `inbox-judge.ts` reads it. */
  readonly value: string;
  readonly begunAt: number;
  /** Null: nobody was told that it is done, so it may stand or not. */
  doneAt: number | null;
}

/** How far the log was that a word stands in, once it was durable. */
interface Written {
  readonly log: LogId;
  readonly length: number;
}

/** By what both sides said, in the order of the alphabet: what the world counts when neither had heard of the other. */
const RACES: Readonly<Record<string, string>> = {
  "edit edit": "two edits at once",
  "edit unsend": "unsend against edit",
  "delete restore": "restore against delete",
  "purge restore": "restore against purge",
  "react unreact": "reaction set and removed at once",
};

/** Refused before anything was written. */
const NOTHING_WRITTEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "NOT_FOUND",
  "NOT_YOURS",
  "MESSAGE_UNSENT",
  "WIRE_UNKNOWN_KIND",
]);

export class Words {
  readonly #count: (path: string) => void;
  readonly #registers = new Map<string, Word[]>();
  readonly #written = new Map<Word, Written>();
  #fresh: Word[] = [];
  #now = 0;

  constructor(count: (path: string) => void) {
    this.#count = count;
  }

  /** Says it by `work`, which tells of how many of the subjects it was not so already. */
  async say(
    subjects: readonly Subject[],
    machine: Machine,
    { what, value }: Pick<Word, "what" | "value">,
    work: () => Promise<{ readonly done: number }>,
  ): Promise<void> {
    const words = subjects.map((subject) => this.begin(subject, machine, what, value));
    try {
      const { done } = await work();
      // Of which ones it was so already is not said: then these may stand or not.
      if (done === words.length) for (const word of words) this.#done(word);
      if (done === 0) for (const word of words) this.#drop(word);
    } catch (error) {
      if (isEngineError(error) && NOTHING_WRITTEN.has(error.code)) for (const word of words) this.#drop(word);
      throw error;
    }
  }

  begin(subject: Subject, machine: Machine, what: string, value: string): Word {
    const word: Word = { subject, machine, what, value, begunAt: ++this.#now, doneAt: null };
    const name = nameOf(subject);
    const said = this.#registers.get(name);
    if (said === undefined) this.#registers.set(name, [word]);
    else said.push(word);
    return word;
  }

  /** Its call has returned: it is durable. */
  #done(word: Word): void {
    word.doneAt = ++this.#now;
    this.#fresh.push(word);
    const written = stateLogOf(word.machine);
    if (written !== null) this.#written.set(word, written);
    for (const other of this.about(word.subject)) this.#countRace(word, other);
  }

  /** Nothing was written: it was so already, or was refused. */
  #drop(word: Word): void {
    const said = this.about(word.subject);
    said.splice(said.indexOf(word), 1);
  }

  /** Everything that was ever said of it. */
  about(subject: Subject): Word[] {
    return this.#registers.get(nameOf(subject)) ?? [];
  }

  all(): IterableIterator<readonly Word[]> {
    return this.#registers.values();
  }

  /** What was done since this was asked last. */
  takeFresh(): readonly Word[] {
    return this.#fresh.splice(0);
  }

  #countRace(word: Word, other: Word): void {
    const written = this.#written.get(other);
    if (other.machine === word.machine || written === undefined) return;
    const held = word.machine.running?.replica.frontier.get(written.log)?.held ?? [];
    if (contains(held, written.length - 1)) return;
    const race = RACES[[word.what, other.what].toSorted().join(" ")];
    if (race !== undefined) this.#count(race);
  }
}

/** Words that may stand in the end: of each device those behind which it was told of no other. */
export function lastWords(said: readonly Word[]): readonly Word[] {
  return said.filter((word) => !said.some((other) => overrules(other, word)));
}

/** Words that `word`'s device may show once it is done: its own that it does not overrule, and all of others. */
export function showable(said: readonly Word[], word: Word): readonly Word[] {
  return said.filter((other) => !overrules(word, other));
}

function overrules(later: Word, earlier: Word): boolean {
  return (
    later.machine === earlier.machine &&
    later.doneAt !== null &&
    earlier.doneAt !== null &&
    earlier.doneAt < later.begunAt
  );
}

function nameOf(subject: Subject): string {
  return JSON.stringify(Object.values(subject));
}

function stateLogOf({ running }: Machine): Written | null {
  for (const [log, { device, logClass }] of running?.replica.members.logs ?? []) {
    if (device !== running?.replica.self || logClass !== "state") continue;
    return { log, length: running.replica.frontier.get(log)?.head.length ?? 0 };
  }
  return null;
}
