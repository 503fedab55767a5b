/** `kinlog edit`: another text for a message of one's own. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { textOperand } from "../text-operand.ts";

export const run: Run = async (context) => {
  const { args, output, withApi } = context;
  const text = await textOperand(context, 1);
  return withApi("any", async (api) => {
    const result = await api.call("messages.edit", { id: args.operand(0), text });
    await output.done(result, () => [
      result.done === 0 ? "It has this text already." : "Edited, on all devices.",
    ]);
    return EXIT.done;
  });
};
