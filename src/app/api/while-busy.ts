/** Waiting for another process that holds the store. Part of the composition root. */
import { EngineError, isEngineError } from "./errors.ts";

const BUSY_MS = 10_000;
const BUSY_AGAIN_MS = 40;

/** Tries again while another process holds the store: it may end, or turn out to be a node that starts. */
export async function whileBusy<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
  const untilMs = performance.now() + BUSY_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isEngineError(error, "STORE_BUSY") || performance.now() > untilMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_AGAIN_MS * (0.5 + Math.random())));
    if (signal?.aborted === true) throw new EngineError("ABORTED", "the command was ended while it waited");
  }
}
