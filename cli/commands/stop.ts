/** `kinlog stop`: ends the running node; returns when its directory is free. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const run: Run = ({ output, withApi }) =>
  withApi("running", async (api) => {
    const stopped = await api.call("stop", {});
    await output.done(stopped, () => ["The node has ended."]);
    return EXIT.done;
  });
