/**
 * `kinlog delete`: to the bin, on all devices. Named messages go at once, since `restore` brings them back; very many of them, or a whole
 * conversation, ask first.
 */
import type { ApiClient } from "../../src/app/api/protocol.ts";
import { inChunks } from "../chunks.ts";
import type { Context, Run } from "../command.ts";
import { confirm, requireAnswerer } from "../confirmation.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { localTime, plural } from "../output/times.ts";
import { timeOption } from "../time-option.ts";
import { usageError } from "../usage-error.ts";

/** More ids than anybody types: a script that went wrong, rather than a wish. */
const UNASKED_MAX = 100;

export const run: Run = async (context) => {
  const { args, output, withApi } = context;
  const conversation = args.text("conversation");
  const ids = args.operands;
  if ((conversation === undefined) === (ids.length === 0)) {
    throw usageError(
      "delete takes either ids or --conversation",
      "Write `kinlog delete ID…` or `kinlog delete --conversation C`.",
    );
  }
  const before = timeOption(args, "before");
  if (before !== null && conversation === undefined)
    throw usageError("--before goes with --conversation only");
  const count = new Set(ids).size;
  if (conversation !== undefined || count > UNASKED_MAX) requireAnswerer(context, "deleting so much");
  return withApi("any", async (api) => {
    if (count > UNASKED_MAX) await confirm(context, toTheBin(plural(count, "message")));
    const done =
      conversation === undefined
        ? await inChunks(ids, (some) => api.call("messages.delete", { ids: some, confirmed: true }))
        : await deleteConversation(context, api, { conversation, before });
    await output.done({ done }, () => [
      `${plural(done, "message")} moved to the bin, on all devices. \`kinlog restore\` brings them back.`,
    ]);
    return EXIT.done;
  });
};

async function deleteConversation(
  context: Context,
  api: ApiClient,
  { conversation, before }: { readonly conversation: string; readonly before: string | null },
): Promise<number> {
  // One that is not there needs no question.
  await api.call("messages.show", { conversation, limit: 1 });
  const which = before === null ? "All messages" : `All messages sent before ${localTime(before)}`;
  await confirm(context, toTheBin(`${which} of ${printableLine(conversation)}`));
  const { done } = await api.call("conversations.delete", {
    conversation,
    confirmed: true,
    ...(before === null ? {} : { before }),
  });
  return done;
}

function toTheBin(what: string): Parameters<typeof confirm>[1] {
  return { question: `${what} go to the bin on all devices.`, verb: "delete", done: "deleted" };
}
