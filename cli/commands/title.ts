/** `kinlog title`: a name for a conversation; an empty one takes it away. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const [conversation, title] = [args.operand(0), args.operand(1)];
    const result = await api.call("conversations.title", { conversation, title });
    await output.done(result, () => [
      title === ""
        ? `${printableLine(conversation)} has no title, on all devices.`
        : `${printableLine(conversation)} is called ${printableLine(title)}, on all devices.`,
    ]);
    return EXIT.done;
  });
