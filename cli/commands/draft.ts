/** `kinlog draft`: what is typed and not sent; an empty text takes it away. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { textOperand } from "../text-operand.ts";

export const run: Run = async (context) => {
  const { args, output, withApi } = context;
  const text = await textOperand(context, 1);
  return withApi("any", async (api) => {
    const conversation = args.operand(0);
    const result = await api.call("conversations.draft", { conversation, text });
    await output.done(result, () => [
      text === ""
        ? `${printableLine(conversation)} has no draft, on all devices.`
        : `The draft for ${printableLine(conversation)} is kept, on all devices.`,
    ]);
    return EXIT.done;
  });
};
