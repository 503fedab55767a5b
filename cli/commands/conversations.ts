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
    const isArchive = args.flag("archived");
    const conversations = await api.call("conversations.list", {
      ...(limit === undefined ? {} : { limit }),
      ...(isArchive ? { archived: true } : {}),
    });
    await output.value(conversations, () =>
      conversations.length === 0 && isArchive
        ? ["There is nothing in the archive."]
        : describe(conversations, output),
    );
    return EXIT.done;
  });
};

function describe(
  conversations: readonly Conversation[],
  { columns, style }: Context["output"],
): readonly string[] {
  if (conversations.length === 0) return ["No conversations yet. `kinlog send NAME TEXT` begins one."];
  const now = new Date();
  const rows = conversations.map((each) => [
    each.unread === 0 ? "" : style.bold(String(each.unread)),
    printableLine(each.title ?? each.conversation),
    each.last === null ? "" : shortTime(each.last.sentAt, now),
    [each.pinned ? "pinned" : "", each.muted ? "muted" : ""].filter((mark) => mark !== "").join(", "),
    lastWords(each),
  ]);
  return formatTable(rows, { head: ["NEW", "CONVERSATION", "LAST", "", ""], columns });
}

/** What was typed and not sent, else what was said last. */
function lastWords({ draft, last }: Conversation): string {
  if (draft !== null) return `draft: ${printableLine(draft)}`;
  if (last === null) return "";
  return `${last.sender === null ? "me" : printableLine(last.sender)}: ${printableLine(last.text)}`;
}
