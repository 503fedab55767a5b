/** `kinlog archive`: on all devices. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const conversation = args.operand(0);
    const result = await api.call("conversations.archive", { conversation });
    await output.done(result, () => [
      result.done === 0
        ? `${printableLine(conversation)} is in the archive already.`
        : `${printableLine(conversation)} is in the archive, on all devices.`,
    ]);
    return EXIT.done;
  });
