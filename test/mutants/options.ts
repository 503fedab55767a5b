/** What `npm run mutants -- …` takes. Tests: test/unit/mutants/options.test.ts. */
import { parseArgs } from "node:util";

const JOBS_DEFAULT = 2;

export interface Options {
  /** Ids, or beginnings of ids such as `log-`; all if empty. */
  readonly only: readonly string[];
  readonly list: boolean;
  /** False: what the named tests do not catch counts as survived at once. */
  readonly suite: boolean;
  readonly jobs: number;
}

export const usage = `npm run mutants -- [--only ID[,ID…]] [--list] [--jobs N]

Plants each bug of the register into a copy of the project, builds it, and runs the tests that are expected to fail.
  --only ID[,ID…]  only these, or those that begin so: --only log-,store-not-synced
  --list           say what there is, and run nothing
  --no-suite       do not try the whole suite where the tests that a row names pass; it takes minutes
  --jobs N         so many at once, 1 to 16; ${JOBS_DEFAULT} if absent`;

/** Throws an Error with a sentence for the person where the arguments are wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: "string", multiple: true, default: [] },
      list: { type: "boolean", default: false },
      "no-suite": { type: "boolean", default: false },
      jobs: { type: "string", default: String(JOBS_DEFAULT) },
    },
  });
  const jobs = /^[0-9]{1,2}$/.test(values.jobs) ? Number(values.jobs) : 0;
  if (jobs < 1 || jobs > 16) throw new Error(`--jobs takes a number from 1 to 16, not ${values.jobs}`);
  // `--only a b` is what one types for two of them.
  return {
    only: [...values.only, ...positionals].flatMap((ids) => ids.split(",")),
    list: values.list,
    suite: !values["no-suite"],
    jobs,
  };
}
