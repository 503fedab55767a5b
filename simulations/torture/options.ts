/** What `npm run torture -- …` takes. Tests: test/unit/torture/options.test.ts. */
import { parseArgs } from "node:util";

export const NAMES = ["kill", "writes", "errors", "power", "flips"] as const;

export type Name = (typeof NAMES)[number];

export interface Options {
  readonly names: readonly Name[];
  /** How many of its trials each takes; undefined: as many as each commit gets. `all` stands for every one there is. */
  readonly rounds: number | "all" | undefined;
  /** The number of the first trial. Trials of one number are the same again; the next run goes on behind the last. */
  readonly seed: number;
  /** A file that the results of runs are added to, and summed from. */
  readonly tally: string | undefined;
  /** Where directories of devices that failed stay; they are deleted if absent. */
  readonly keep: string | undefined;
}

export const usage = `npm run torture -- NAME… [--rounds N | --rounds all] [--seed N] [--tally FILE] [--keep DIR]

Breaks real devices and real disks on purpose, and looks for what was lost.
  kill          kill -9 of a device that sends, imports and syncs
  writes        kills at every write, sync, rename, unlink and open of a scripted run (needs strace)
  errors        failing writes and syncs (needs strace), full disks (needs root)
  power         disks as a power cut leaves them, built from a trace of writes (needs strace)
  flips         flipped bits, old, empty and missing files of a device with a sibling
  all           all of them
  --rounds N    trials of each; \`all\` for every point of \`writes\`; the default is what each commit gets
  --seed N      number of the first trial (1)
  --tally FILE  adds the result to FILE and prints the sum over all runs of this commit; goes on behind them
  --keep DIR    directories that failed stay there`;

/** Throws an Error with a sentence for the person where the arguments are wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      seed: { type: "string", default: "1" },
      tally: { type: "string" },
      keep: { type: "string" },
    },
  });
  if (positionals.length === 0) throw new Error("say what to torture");
  return {
    names: positionals.includes("all") ? NAMES : positionals.map(nameOf),
    rounds:
      values.rounds === undefined || values.rounds === "all"
        ? values.rounds
        : count(values.rounds, "--rounds"),
    seed: count(values.seed, "--seed"),
    tally: values.tally,
    keep: values.keep,
  };
}

function nameOf(text: string): Name {
  const name = NAMES.find((each) => each === text);
  if (name === undefined) throw new Error(`${text} is none of ${NAMES.join(", ")}, all`);
  return name;
}

function count(text: string, option: string): number {
  if (!/^[1-9][0-9]{0,7}$/.test(text)) throw new Error(`${option} takes a number from 1, not ${text}`);
  return Number(text);
}
