/** Asks a node of this very process the way a client asks over the socket: same methods, same checks, no bytes. */
import type { Call, Dispatch } from "./method-entry.ts";
import type { ApiClient } from "./protocol.ts";

export function createLocalClient(dispatch: Dispatch, close: () => Promise<void>): ApiClient {
  return {
    running: false,
    call: async (method, params, options = {}) => {
      const { onEvent, signal } = options;
      let last: Promise<void> = Promise.resolve();
      let waiting = 0;
      // One event at a time, as they come over a socket.
      const emit = async (event: object): Promise<void> => {
        const before = last;
        waiting++;
        last = (async () => {
          await before;
          // The table of methods gives each method's own kind of event.
          await onEvent?.(event as never);
          waiting--;
        })();
        // Where nobody waits for the event, its failure is told by the call's end.
        last.catch(() => undefined);
        await last;
      };
      const call: Call = {
        emit,
        tell: (event) => {
          if (waiting === 0) emit(event).catch(() => undefined);
        },
        signal: signal ?? new AbortController().signal,
      };
      const result = await dispatch(method, params, call);
      await last;
      return result as never;
    },
    close,
  };
}
