/** `kinlog read`: read up to its newest message, on all devices. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const conversation = args.operand(0);
    const result = await api.call("conversations.read", { conversation });
    await output.done(result, () => [`${printableLine(conversation)} is read, on all devices.`]);
    return EXIT.done;
  });
