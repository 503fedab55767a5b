/** `kinlog recovery show`: the phrase of an account that a node began by itself; once. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { phraseLines } from "../output/phrase.ts";

export const run: Run = ({ output, withApi }) =>
  withApi("any", async (api) => {
    const { recoveryPhrase } = await api.call("recovery.show", {});
    await output.value({ recoveryPhrase }, () => phraseLines(recoveryPhrase, output.style));
    return EXIT.done;
  });
