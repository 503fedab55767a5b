/** `kinlog connect`: dials by hand, through the running node. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("running", async (api) => {
    const connected = await api.call("connect", { address: args.operand(0) });
    await output.done(connected, () => [`Connected with ${printableLine(connected.name)}.`]);
    return EXIT.done;
  });
