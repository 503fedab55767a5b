/**
 * `kinlog delete`: to the bin, on all devices. Named messages go at once, since `restore` brings them back; a whole conversation asks first.
 */
import { EngineError } from "../../src/app/api/errors.ts";
import type { ApiClient } from "../../src/app/api/protocol.ts";
import { inChunks } from "../chunks.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { localTime, plural } from "../output/times.ts";
import { usageError } from "../usage-error.ts";

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
  const before = timeOf(args.text("before"));
  if (before !== null && conversation === undefined)
    throw usageError("--before goes with --conversation only");
  if (conversation !== undefined) requireAnswerer(context);
  return withApi("any", async (api) => {
    const done =
      conversation === undefined
        ? await inChunks(ids, (some) => api.call("messages.delete", { ids: some }))
        : await deleteConversation(context, api, { conversation, before });
    await output.done({ done }, () => [
      `${plural(done, "message")} moved to the bin, on all devices. \`kinlog restore\` brings them back.`,
    ]);
    return EXIT.done;
  });
};

async function deleteConversation(
  { args, input, output, signal }: Context,
  api: ApiClient,
  { conversation, before }: { readonly conversation: string; readonly before: string | null },
): Promise<number> {
  // One that is not there needs no question.
  await api.call("messages.show", { conversation, limit: 1 });
  if (!args.flag("yes")) {
    const which = before === null ? "All messages" : `All messages sent before ${localTime(before)}`;
    await output.raw(`${which} of ${printableLine(conversation)} go to the bin on all devices. Type yes: `);
    const answer = await input.ask(signal);
    if (answer?.trim().toLowerCase() !== "yes") {
      throw notConfirmed("nothing was deleted, since the answer was not yes", "Answer yes to delete.");
    }
  }
  const { done } = await api.call("conversations.delete", {
    conversation,
    ...(before === null ? {} : { before }),
  });
  return done;
}

/** Before anything is opened. @throws EngineError `CONFIRMATION_REQUIRED` */
function requireAnswerer({ args, input, output }: Context): void {
  if (args.flag("yes") || (input.isTerminal && output.isTerminal)) return;
  throw notConfirmed("deleting a conversation asks first, and nobody is there to answer");
}

function notConfirmed(message: string, remedy?: string): EngineError {
  return new EngineError("CONFIRMATION_REQUIRED", message, remedy === undefined ? {} : { remedy });
}

/** A day means its beginning in this machine's zone. @throws EngineError `USAGE` */
function timeOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?$/.test(text);
  const ms = isDay ? Date.parse(`${text}T00:00`) : isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw usageError("--before must be a day or a time", "Write it as 2026-01-31 or 2026-01-31T12:00:00Z.");
  }
  return new Date(ms).toISOString();
}
