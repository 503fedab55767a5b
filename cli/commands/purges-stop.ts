/** `kinlog purges stop`: what one device purged and nobody agreed to is not erased, and is in the bin. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const run: Run = ({ args, output, withApi }) =>
  withApi("any", async (api) => {
    const [id] = args.operands;
    const { done } = await api.call("purges.stop", { id: id! });
    await output.done({ done }, () =>
      done === 0
        ? ["It was stopped before."]
        : [
            "Stopped. What is not erased yet is in the bin; `kinlog restore` brings it back.",
            "If another device agreed before it hears of this, the stop came too late and all devices erase: `kinlog purges` says approved then.",
          ],
    );
    return EXIT.done;
  });
