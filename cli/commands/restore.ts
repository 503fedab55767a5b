/** `kinlog restore`: back from the bin, on all devices. */
import { inChunks } from "../chunks.ts";
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { plural } from "../output/times.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const done = await inChunks(args.operands, (ids) => api.call("messages.restore", { ids }));
    await output.done({ done }, () => [`${plural(done, "message")} restored, on all devices.`]);
    return EXIT.done;
  });
