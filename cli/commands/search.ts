/** `kinlog search`: the messages that have all of the words, the newest first. */
import type { Message } from "../../src/app/node/types.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { messageLines } from "../output/messages.ts";
import { printableLine } from "../output/printable.ts";
import { count } from "../output/times.ts";
import { LIST_MAX } from "./conversations.ts";

interface Indexed {
  readonly done: number;
  readonly total: number;
}

export const run: Run = async ({ args, output, withApi }) => {
  const limit = args.whole("limit", { min: 1, max: LIST_MAX });
  // Words may be given as they come, with or without quotes around them.
  const text = args.operands.join(" ");
  return withApi("any", async (api) => {
    const page: { next: string | null; indexed: Indexed | null } = { next: null, indexed: null };
    const messages = await api.call(
      "messages.search",
      {
        text,
        ...args.field("in", "conversation"),
        ...args.field("before", "before"),
        ...(limit === undefined ? {} : { limit }),
      },
      {
        onEvent: async (event) => {
          if (event.event === "progress") return output.progress(event);
          page.next = event.next;
          page.indexed = event.indexed;
        },
      },
    );
    await tellMissing(output, page.indexed);
    await output.value(messages, () =>
      messages.length === 0 ? ["No messages with these words."] : linesOf(messages, output),
    );
    if (page.next !== null) output.note(`There are more: add --before ${page.next}`);
    return EXIT.done;
  });
};

/** So that nobody takes what was not looked at for what is not there. */
async function tellMissing(output: Context["output"], indexed: Indexed | null): Promise<void> {
  if (indexed === null || indexed.done === indexed.total) return;
  if (output.isJson) await output.progress({ what: "search", ...indexed });
  const { done, total } = indexed;
  output.note(`The index is being built: ${count(done)} of ${count(total)} entries can be found so far.`);
}

function linesOf(messages: readonly Message[], { style }: Context["output"]): readonly string[] {
  const lines: string[] = [];
  let last: string | null = null;
  for (const message of messages) {
    if (message.conversation !== last) lines.push(style.bold(printableLine(message.conversation)));
    last = message.conversation;
    lines.push(...messageLines(message, style).map((line) => `  ${line}`));
  }
  return lines;
}
