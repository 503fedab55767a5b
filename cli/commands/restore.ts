/** `kinlog restore`: back from the bin, on all devices. */
import { inChunks } from "../chunks.ts";
import { EXIT, type Run } from "../command.ts";
import { plural } from "../output/times.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const done = await inChunks(args.operands, (ids) => api.call("messages.restore", { ids }));
    await output.done({ done }, () => [`${plural(done, "message")} restored, on all devices.`]);
    return EXIT.done;
  });
