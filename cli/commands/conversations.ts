/** `kinlog conversations`: the most recently used first, with unread counts. */
import type { Conversation } from "../../src/app/node/types.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { formatTable } from "../output/table.ts";
import { shortTime } from "../output/times.ts";

export const LIST_MAX = 100_000;

export const run: Run = async ({ args, output, withApi }) => {
  const limit = args.whole("limit", { min: 1, max: LIST_MAX });
  return withApi("any", async (api) => {
    const conversations = await api.call("conversations.list", limit === undefined ? {} : { limit });
    await output.value(conversations, () => describe(conversations, output));
    return EXIT.done;
  });
};

function describe(
  conversations: readonly Conversation[],
  { columns, style }: Context["output"],
): readonly string[] {
  if (conversations.length === 0) return ["No conversations yet. `kinlog send NAME TEXT` begins one."];
  const now = new Date();
  const rows = conversations.map(({ conversation, title, unread, last }) => [
    unread === 0 ? "" : style.bold(String(unread)),
    printableLine(title ?? conversation),
    last === null ? "" : shortTime(last.sentAt, now),
    last === null
      ? ""
      : `${last.sender === null ? "me" : printableLine(last.sender)}: ${printableLine(last.text)}`,
  ]);
  return formatTable(rows, { head: ["NEW", "CONVERSATION", "LAST", ""], columns });
}
