/**
 * `kinlog join`: makes this directory a device of an account. Where a node runs here, it does it itself and goes on as the new device; so
 * nobody can write to the account that gives way.
 */
import { connectApi } from "../../src/app/api/socket-client.ts";
import { whileBusy } from "../../src/app/api/while-busy.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { joinDirectory } from "../join-directory.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = async (context) => {
  const { args, dir, output, signal } = context;
  const join = { code: args.operand(0), name: args.required("name"), ...args.field("address", "address") };
  let runs = false;
  const joined = await whileBusy(async () => {
    const api = await connectApi(dir);
    if (api === undefined) return joinDirectory(context, join);
    runs = true;
    try {
      return await api.call("join", join, { signal, onEvent: (event) => output.progress(event) });
    } finally {
      await api.close();
    }
  }, signal);
  await tell(context, joined, runs);
  return EXIT.done;
};

async function tell(
  { output }: Context,
  joined: Awaited<ReturnType<typeof joinDirectory>>,
  runs: boolean,
): Promise<void> {
  const { account, device, name, linkedBy } = joined;
  output.clearProgress();
  const at = new Date().toISOString();
  await output.event({ event: "joined", at, account, device, name, linkedBy }, [
    `${output.style.green("Joined.")} This is ${printableLine(name)} now, admitted by ${printableLine(linkedBy)}.`,
    runs
      ? "The node here goes on with this account; history is coming."
      : "Next: `kinlog start` here, and the history comes.",
  ]);
}
