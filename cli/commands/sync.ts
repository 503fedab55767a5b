/** `kinlog sync`: until in sync, or until the time is over; for scripts. */
import { isEngineError } from "../../src/app/api/errors.ts";
import type { ApiClient } from "../../src/app/api/protocol.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

/** Without a limit it is asked for again and again. */
const ROUND_MS = 600_000;
const SECONDS_MAX = 2_000_000;

export const run: Run = async (context) => {
  const { args, output, withApi } = context;
  const timeoutMs = args.seconds("timeout", { min: 0, max: SECONDS_MAX });
  return withApi("network", async (api) => {
    const telling = tellProgress(context, api);
    try {
      let result = await api.call("sync", { timeoutMs: timeoutMs ?? ROUND_MS });
      while (!result.inSync && timeoutMs === undefined)
        result = await api.call("sync", { timeoutMs: ROUND_MS });
      if (!result.inSync) output.note(await whyNot(api));
      await output.value(result, () => [
        result.inSync
          ? `In sync. Fingerprint ${result.fingerprint}.`
          : "Not in sync: the time was over first.",
      ]);
      return result.inSync ? EXIT.done : EXIT.failed;
    } finally {
      await telling.end();
    }
  });
};

/** Beside the waiting, how far it has come. */
function tellProgress({ output, signal }: Context, api: ApiClient): { readonly end: () => Promise<void> } {
  const ending = new AbortController();
  const told = api
    .call(
      "events",
      { kinds: ["progress"] },
      {
        signal: AbortSignal.any([signal, ending.signal]),
        onEvent: async (event) => {
          if (event.event === "progress") await output.progress(event);
        },
      },
    )
    .then(
      () => undefined,
      (error: unknown) => {
        // The request for `sync` says what is wrong with the node.
        if (!isEngineError(error)) throw error;
      },
    );
  return {
    end: () => {
      ending.abort();
      return told;
    },
  };
}

async function whyNot(api: ApiClient): Promise<string> {
  const { peers } = await api.call("status", {});
  const online = peers.filter((peer) => peer.online).map(({ name }) => printableLine(name));
  return online.length === 0
    ? "No other device of the account is reachable. `kinlog doctor` says what stands in the way."
    : `Connected with ${online.join(", ")}, and not yet the same. \`kinlog status\` shows what is missing.`;
}
