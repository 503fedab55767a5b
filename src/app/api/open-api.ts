/**
 * A node to ask, wherever it is: the running one if there is one, else the directory itself, opened by this process.
 * Part of the composition root. Tests: test/integration/cli.
 */
import { EngineError } from "./errors.ts";
import { createLocalClient } from "./local-client.ts";
import type { ApiClient } from "./protocol.ts";
import { connectApi } from "./socket-client.ts";
import { whileBusy } from "./while-busy.ts";

export interface OpenApiOptions {
  /** `running`: only a node that runs. `any`: else open the directory without a network. `network`: else with one. */
  readonly need: "running" | "any" | "network";
  /** Ends the waiting for another command. */
  readonly signal?: AbortSignal;
}

/**
 * @throws EngineError `NODE_NOT_RUNNING`, `ACCOUNT_MISSING`, `STORE_BUSY` after ten seconds, and whatever opening the store may meet.
 */
export async function openApi(dir: string, { need, signal }: OpenApiOptions): Promise<ApiClient> {
  return whileBusy(async () => {
    const running = await connectApi(dir);
    if (running !== undefined) return running;
    if (need === "running") throw new EngineError("NODE_NOT_RUNNING", "no node runs for this directory");
    await requireAccount(dir);
    return need === "any" ? openLocal(dir) : openWithNetwork(dir);
  }, signal);
}

/** A command other than `start` and `init` makes no account by the way. */
async function requireAccount(dir: string): Promise<void> {
  const { hasAccount } = await import("../node/open-node.ts");
  if (await hasAccount(dir)) return;
  throw new EngineError("ACCOUNT_MISSING", `there is no account in ${dir}`);
}

async function openLocal(dir: string): Promise<ApiClient> {
  const [{ openNode }, { createDispatch }, { machineClock }, { tuneProcess }] = await Promise.all([
    import("../node/open-node.ts"),
    import("./methods.ts"),
    import("../node/platform.ts"),
    import("../node/process-tuning.ts"),
  ]);
  tuneProcess();
  const node = await openNode({ dir, network: false });
  const notRunning = (): Promise<never> =>
    Promise.reject(new EngineError("NODE_NOT_RUNNING", "no node runs for this directory"));
  const dispatch = createDispatch({
    node: () => node,
    successor: () => Promise.resolve(null),
    clock: machineClock,
    stop: notRunning,
    join: notRunning,
  });
  return createLocalClient(dispatch, () => node.close());
}

/** Other commands go through it as long as this one lasts. */
async function openWithNetwork(dir: string): Promise<ApiClient> {
  const { runNode } = await import("./run-node.ts");
  const running = await runNode({ dir });
  return running.client;
}
