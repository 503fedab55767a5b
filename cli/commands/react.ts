/** `kinlog react`: one emoji, given or taken back. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const isRemoved = args.flag("remove");
    const result = await api.call("messages.react", {
      id: args.operand(0),
      emoji: args.operand(1),
      ...(isRemoved ? { remove: true } : {}),
    });
    await output.done(result, () => [
      isRemoved ? "The reaction is gone, on all devices." : "The reaction is there, on all devices.",
    ]);
    return EXIT.done;
  });
