/** `kinlog unsend`: takes a message of one's own back. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const result = await api.call("messages.unsend", { id: args.operand(0) });
    await output.done(result, () => [
      result.done === 0 ? "It was unsent before." : "Unsent, on all devices.",
    ]);
    return EXIT.done;
  });
