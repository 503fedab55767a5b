/** `kinlog verify`: everything stored, hashed again and held against the signed heads. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { plural } from "../output/times.ts";

export const run: Run = async ({ args, output, withApi }) => {
  const repair = args.flag("repair");
  return withApi("any", async (api) => {
    const result = await api.call("verify", repair ? { repair } : {}, {
      onEvent: (event) => output.progress(event),
    });
    const { entries, bad, repaired } = result;
    const left = bad - repaired;
    if (left > 0 && !repair) output.note("`kinlog verify --repair` fetches them again from another device.");
    if (left > 0 && repair && !api.running)
      output.note("Repairing needs a running node: `kinlog start`, then again.");
    await output.value(result, () => [
      bad === 0
        ? `${plural(entries, "entry")} checked: all as they were signed.`
        : `${plural(entries, "entry")} checked: ${bad} damaged, ${repaired} repaired, ${left} still damaged.`,
    ]);
    return left > 0 ? EXIT.failed : EXIT.done;
  });
};
