/** `kinlog mute`: until a time, or for ever. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { localTime } from "../output/times.ts";
import { timeOption } from "../time-option.ts";

export const run: Run = async ({ args, output, withApi }) => {
  const until = timeOption(args, "until");
  return withApi("any", async (api) => {
    const conversation = args.operand(0);
    const result = await api.call("conversations.mute", {
      conversation,
      ...(until === null ? {} : { until }),
    });
    await output.done(result, () => [
      `${printableLine(conversation)} is muted ${until === null ? "for ever" : `until ${localTime(until)}`}, on all devices.`,
    ]);
    return EXIT.done;
  });
};
