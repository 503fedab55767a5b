/**
 * How the programs beside the tests read what they were given: `--help` prints the usage, wrong arguments end with a sentence and exit 2.
 * Used by simulations/sim, torture and wifi, test/mutants, test/fuzz and bench.
 */

const EXIT_USAGE = 2;

/** What `parse` makes of the arguments; it throws an Error with a sentence for the person where they are wrong. */
export function readOptions<Options>(parse: (args: readonly string[]) => Options, usage: string): Options {
  const args = process.argv.slice(2);
  if (args.includes("--help")) {
    console.log(usage);
    // Help is all that was asked for: no test and no trial is begun.
    process.exit(0);
  }
  try {
    return parse(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : "wrong arguments"}\n\n${usage}`);
    // Nothing was tried, and the exit code says so.
    process.exit(EXIT_USAGE);
  }
}
