/** `kinlog evict`: frees space on this device, as far as other devices promise to keep what goes. */
import type { Run } from "../command.ts";
import { DAYS_MAX } from "../days.ts";
import { EXIT } from "../exit-code.ts";
import { evictionLines } from "../output/eviction.ts";

export const run: Run = ({ args, output, withApi }) => {
  const days = args.whole("older-than", { min: 1, max: DAYS_MAX });
  return withApi("any", async (api) => {
    const result = await api.call("evict", days === undefined ? {} : { olderThanDays: days });
    await output.value(result, () => evictionLines(result));
    return EXIT.done;
  });
};
