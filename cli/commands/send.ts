/** `kinlog send`: the message is durable when this returns. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

/** As the inbox has it. */
const TEXT_BYTES_MAX = 65_536;

export const run: Run = async ({ args, input, output, withApi }) => {
  const given = args.operand(1);
  // Read before anything is opened: a slow writer must not hold the store.
  const text = given === "-" ? await input.text({ bytesMax: TEXT_BYTES_MAX }) : given;
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
