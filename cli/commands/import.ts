/** `kinlog import`: history in. Importing twice changes nothing. */
import { resolve } from "node:path";
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { count, plural } from "../output/times.ts";

const PROBLEMS_SHOWN = 10;

export const run: Run = async ({ args, output, withApi }) => {
  // A running node has a working directory of its own.
  const path = resolve(args.operand(0));
  return withApi("any", async (api) => {
    const result = await api.call(
      "import",
      { path, ...args.field("format", "format") },
      { onEvent: (event) => output.progress(event) },
    );
    const { imported, duplicates, skipped, problems } = result;
    await output.done(result, () => [
      `${plural(imported, "message")} imported, ${count(duplicates)} known already, ${count(skipped)} skipped.`,
      ...problems
        .slice(0, PROBLEMS_SHOWN)
        .map(({ line, reason }) => `  line ${line}: ${printableLine(reason)}`),
      ...(problems.length > PROBLEMS_SHOWN ? ["  … --json lists them all."] : []),
    ]);
    return EXIT.done;
  });
};
