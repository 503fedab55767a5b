/** `kinlog fetch`: messages that were freed here, back from a device that keeps them. */
import { inChunks } from "../chunks.ts";
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { plural } from "../output/times.ts";

export const run: Run = ({ args, output, signal, withApi }) =>
  withApi("running", async (api) => {
    const done = await inChunks(args.operands, (ids) => api.call("messages.fetch", { ids }, { signal }));
    await output.done({ done }, () => [
      done === 0 ? "All of it is here." : `${plural(done, "message")} brought back.`,
    ]);
    return EXIT.done;
  });
