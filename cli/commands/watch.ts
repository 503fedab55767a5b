/** `kinlog watch`: what happens, local and remote alike, until interrupted. */
import { isEngineError } from "../../src/app/api/errors.ts";
import type { EventKind, KinlogEvent } from "../../src/app/node/types.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { eventLines, watchedMessage } from "../output/events.ts";

const KINDS: readonly EventKind[] = [
  "message",
  "message-changed",
  "read",
  "conversation",
  "peer-connected",
  "peer-disconnected",
  "synced",
  "progress",
  "alarm",
  "resync",
];

export const run: Run = async (context) => {
  const { args, output, signal, withApi } = context;
  const conversation = args.operands[0];
  const showsAll = args.flag("all");
  return withApi("running", async (api) => {
    output.note("Watching. Ctrl-C ends it.");
    const params = { kinds: KINDS, ...(conversation === undefined ? {} : { conversation }) };
    try {
      await api.call("events", params, { onEvent: (event) => tell(context, event, showsAll) });
      output.note("The node has ended.");
    } catch (error) {
      // Being interrupted is how it ends.
      if (!(signal.aborted && isEngineError(error, "ABORTED"))) throw error;
    }
    return EXIT.done;
  });
};

async function tell({ output }: Context, event: KinlogEvent, showsAll: boolean): Promise<void> {
  if (event.event === "message" && event.catchUp && !showsAll) return;
  if (event.event === "progress") return output.progress(event);
  if (event.event === "message") {
    // What was asked for, so --quiet shows it as well.
    await output.value(event, () => watchedMessage(event, output.style));
    return;
  }
  await output.event(event, eventLines(event, output.style));
}
