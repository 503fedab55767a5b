/** `kinlog purge`: erased on all devices, for good. Always asks, since nothing brings them back. */
import { inChunks } from "../chunks.ts";
import type { Run } from "../command.ts";
import { confirm, requireAnswerer } from "../confirmation.ts";
import { EXIT } from "../exit-code.ts";
import { plural } from "../output/times.ts";

/** Of so many entries and more a second device is asked, or they wait for 30 days. */
const WAITS_FROM = 100;

export const run: Run = async (context) => {
  const { args, output, withApi } = context;
  const ids = args.operands;
  requireAnswerer(context, "what nothing brings back");
  return withApi("any", async (api) => {
    const count = new Set(ids).size;
    await confirm(context, {
      question: `${plural(count, "message")} will be erased on all devices. Nothing brings ${count === 1 ? "it" : "them"} back.`,
      verb: "erase",
      done: "erased",
    });
    const done = await inChunks(ids, (some) => api.call("messages.purge", { ids: some, confirmed: true }));
    await output.done({ done }, () => [
      `${plural(done, "message")} purged: shown nowhere any more, on all devices.`,
      ...(done < WAITS_FROM
        ? []
        : [
            "Of so many the texts are erased once another device of yours agrees: `kinlog purges` there. Else in 30 days.",
          ]),
    ]);
    return EXIT.done;
  });
};
