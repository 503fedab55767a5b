/** `kinlog unread`: marks a conversation, on all devices, until it is read again. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const conversation = args.operand(0);
    const result = await api.call("conversations.unread", { conversation });
    await output.done(result, () => [`${printableLine(conversation)} is marked as unread, on all devices.`]);
    return EXIT.done;
  });
