/** `kinlog send`: the message is durable when this returns. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { textOperand } from "../text-operand.ts";

export const run: Run = async (context) => {
  const { args, output, withApi } = context;
  const text = await textOperand(context, 1);
  return withApi("any", async (api) => {
    const sent = await api.call("messages.send", {
      conversation: args.operand(0),
      text,
      ...args.field("from", "from"),
      ...args.field("reply-to", "replyTo"),
    });
    await output.done(sent, () => [
      `${sent.id.slice(0, 8)}  ${printableLine(sent.conversation)}: stored here.`,
    ]);
    return EXIT.done;
  });
};
