/** `kinlog init`: a new account with this device as its first. The one time that the phrase is shown. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { phraseLines } from "../output/phrase.ts";

export const run: Run = async ({ args, dir, output }) => {
  const name = args.required("name");
  const { initAccount } = await import("../../src/app/node/open-node.ts");
  const made = await initAccount({ dir, name });
  const { account, device, recoveryPhrase } = made;
  // Shown under --quiet too: it is what nobody can ask for again.
  await output.value({ account, device, name: made.name, recoveryPhrase }, () => [
    `A new account, with this device as its first: ${made.name}.`,
    "",
    ...phraseLines(recoveryPhrase, output.style),
    "",
    "Next: `kinlog start` runs it; `kinlog link` adds another device of yours.",
  ]);
  return EXIT.done;
};
