/** What `npm run sim -- …` takes. Tests: test/unit/sim/options.test.ts. */
import { parseArgs } from "node:util";

export type Command =
  /** A set of seeds from 0 on, with the regressions and one seed of the commit. */
  | {
      readonly kind: "set";
      readonly seeds: number;
      readonly minutes: number | null;
      readonly isResumed: boolean;
    }
  | {
      readonly kind: "one";
      readonly seed: number;
      readonly isTraced: boolean;
      readonly without: readonly number[];
    }
  | { readonly kind: "shrink"; readonly seed: number };

export interface Options {
  readonly command: Command;
  /** The commit that a printed command belongs to; null where none was named. */
  readonly commit: string | null;
}

const SEEDS_DEFAULT = 300;

export const usage = `npm run sim -- [--seeds N [--minutes M] [--resume]] [--seed N [--trace] [--without I,J,…]] [--shrink N] [--commit HASH]

Whole devices in a simulated world; everything follows from the seed.
  --seeds N        seeds 0 to N - 1, the regressions and one seed of the commit; 300 where nothing is said
  --minutes M      stop after M minutes, and say where to go on
  --resume         go on where the last run of this commit stopped
  --seed N         one seed, with its steps
  --trace          and with everything that happened
  --without I,J,…  and without these steps, as a shrunk seed names them
  --shrink N       drop steps of a seed that fails, as long as it still fails
  --commit HASH    refuse where another commit is checked out: a seed means nothing in another program`;

/** Throws an Error with a sentence for the person where the arguments are wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string" },
      minutes: { type: "string" },
      resume: { type: "boolean", default: false },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      without: { type: "string" },
      shrink: { type: "string" },
      commit: { type: "string" },
    },
  });
  const { seeds, seed, shrink, minutes, without, commit = null } = values;
  if ([seeds, seed, shrink].filter((value) => value !== undefined).length > 1)
    throw new Error("--seeds, --seed and --shrink exclude each other");
  if (commit !== null && !/^[0-9a-f]{7,40}$/.test(commit))
    throw new Error(`--commit takes a hash, not ${commit}`);
  if (seed === undefined && (values.trace || without !== undefined))
    throw new Error("--trace and --without need --seed");
  if ((seed !== undefined || shrink !== undefined) && (minutes !== undefined || values.resume))
    throw new Error("--minutes and --resume belong to --seeds");
  if (shrink !== undefined) return { command: { kind: "shrink", seed: number(shrink, "--shrink") }, commit };
  if (seed !== undefined) {
    const dropped = without === undefined || without === "" ? [] : without.split(",");
    return {
      command: {
        kind: "one",
        seed: number(seed, "--seed"),
        isTraced: values.trace,
        without: dropped.map((text) => number(text, "--without")),
      },
      commit,
    };
  }
  return {
    command: {
      kind: "set",
      seeds: seeds === undefined ? SEEDS_DEFAULT : number(seeds, "--seeds"),
      minutes: minutes === undefined ? null : number(minutes, "--minutes"),
      isResumed: values.resume,
    },
    commit,
  };
}

function number(text: string, option: string): number {
  if (!/^(?:0|[1-9][0-9]{0,9})$/.test(text)) throw new Error(`${option} takes a whole number, not ${text}`);
  return Number(text);
}
