/** `kinlog show`: the newest messages of a conversation, oldest of them first. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { messageLines } from "../output/messages.ts";
import { printableLine } from "../output/printable.ts";
import { LIST_MAX } from "./conversations.ts";

export const run: Run = async ({ args, output, withApi }) => {
  const limit = args.whole("limit", { min: 1, max: LIST_MAX });
  const conversation = args.operand(0);
  return withApi("any", async (api) => {
    const messages = await api.call("messages.show", {
      conversation,
      ...(limit === undefined ? {} : { limit }),
      ...args.field("before", "before"),
      ...(args.flag("deleted") ? { deleted: true } : {}),
    });
    await output.value(messages, () =>
      messages.length === 0
        ? [`No messages in ${printableLine(conversation)}.`]
        : messages.flatMap((message) => messageLines(message, output.style)),
    );
    return EXIT.done;
  });
};
