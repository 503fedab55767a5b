/** `kinlog purges approve`: this device agrees to what another one purged, so that all erase it at once. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const [id] = args.operands;
    const { done } = await api.call("purges.approve", { id: id! });
    await output.done({ done }, () => [
      done === 0 ? "It was approved before." : "Approved: all devices erase it now.",
    ]);
    return EXIT.done;
  });
