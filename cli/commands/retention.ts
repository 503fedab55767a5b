/** `kinlog retention`: how long this device keeps messages that others keep too. */
import type { Run } from "../command.ts";
import { daysOf } from "../days.ts";
import { EXIT } from "../exit-code.ts";
import { evictionLines } from "../output/eviction.ts";
import { plural } from "../output/times.ts";

export const run: Run = ({ args, output, withApi }) => {
  const [text] = args.operands;
  const days = text === undefined ? null : text === "forever" ? 0 : daysOf(text, "DAYS");
  return withApi("any", async (api) => {
    const result = await api.call("retention", days === null ? {} : { days });
    await output.value(result, () => [
      result.days === null
        ? "This device keeps messages for ever."
        : `This device keeps messages for ${plural(result.days, "day")}, where another device keeps them.`,
      ...(days === null || days === 0 ? [] : evictionLines(result)),
    ]);
    return EXIT.done;
  });
};
