/** `kinlog unarchive`: on all devices. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const conversation = args.operand(0);
    const result = await api.call("conversations.unarchive", { conversation });
    await output.done(result, () => [
      result.done === 0
        ? `${printableLine(conversation)} is not in the archive.`
        : `${printableLine(conversation)} is back from the archive, on all devices.`,
    ]);
    return EXIT.done;
  });
