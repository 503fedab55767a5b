/** `kinlog purges`: what was purged, by whom, and how far it has come. */
import type { Purge } from "../../src/app/node/purge-types.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { formatTable } from "../output/table.ts";
import { localTime } from "../output/times.ts";

export const run: Run = ({ output, withApi }) =>
  withApi("any", async (api) => {
    const purges = await api.call("purges.list", {});
    await output.value(purges, () => describe(purges, output));
    return EXIT.done;
  });

function describe(purges: readonly Purge[], { columns }: Context["output"]): readonly string[] {
  if (purges.length === 0) return ["Nothing was purged."];
  const rows = purges.map(({ id, by, entries, state, since, done }) => [
    id.slice(0, 12),
    printableLine(by),
    String(entries),
    state,
    since === null ? "" : localTime(since),
    done ? "yes" : "no",
  ]);
  return formatTable(rows, { head: ["PURGE", "BY", "ENTRIES", "STATE", "SINCE", "ERASED HERE"], columns });
}
