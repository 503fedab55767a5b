/** `kinlog devices rename`: a name that another device has gets a number. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const renamed = await api.call("devices.rename", { device: args.operand(0), name: args.operand(1) });
    await output.done(renamed, () => [`Its name is ${printableLine(renamed.name)} now, on all devices.`]);
    return EXIT.done;
  });
