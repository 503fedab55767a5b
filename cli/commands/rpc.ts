/** `kinlog rpc`: the local API over stdin and stdout; through the running node, else with the directory opened for as long as stdin is. */
import { pipeline } from "node:stream/promises";
import { EngineError } from "../../src/app/api/errors.ts";
import { LineSplitter } from "../../src/app/api/line-splitter.ts";
import { type ApiClient, LINE_BYTES_MAX } from "../../src/app/api/protocol.ts";
import type { RequestSession } from "../../src/app/api/request-session.ts";
import { connectSocket } from "../../src/app/api/socket-client.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";

export const run: Run = async (context) => {
  const socket = await connectSocket(context.dir);
  if (socket !== undefined) await bridge(context, socket);
  else await context.withApi("any", (api) => answer(context, api));
  return EXIT.done;
};

/** Bytes there and back: the node speaks the protocol itself. */
async function bridge(
  { input, output, signal }: Context,
  socket: NonNullable<Awaited<ReturnType<typeof connectSocket>>>,
): Promise<void> {
  let hasEnded = false;
  const asking = pipeline(input.bytes(), socket, { signal }).then(
    () => {
      hasEnded = true;
    },
    // Whichever side broke, the other loop ends by it and says so.
    () => socket.destroy(),
  );
  const decoder = new TextDecoder();
  try {
    for await (const bytes of socket as AsyncIterable<Uint8Array>) {
      await output.raw(decoder.decode(bytes, { stream: true }));
    }
  } catch (error) {
    if (!signal.aborted)
      throw new EngineError("NODE_CLOSED", "the connection to the node is broken", { cause: error });
  }
  if (signal.aborted) return;
  if (!hasEnded) throw new EngineError("NODE_CLOSED", "the node has ended");
  await asking;
}

async function answer({ input, output, signal }: Context, api: ApiClient): Promise<void> {
  const { RequestSession } = await import("../../src/app/api/request-session.ts");
  const session = new RequestSession(
    // The table of methods checks what came, as it does for every caller.
    (method, params, call) =>
      api.call(method as "status", params as object, { onEvent: call.emit, signal: call.signal }),
    { write: (line) => output.raw(line), isFull: () => false },
  );
  const interrupted = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => interrupted.resolve(), { once: true });
  await Promise.race([takeLines(input, session), interrupted.promise]);
  session.abort(new EngineError("ABORTED", "the command was interrupted"));
}

async function takeLines(input: Context["input"], session: RequestSession): Promise<void> {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  for await (const bytes of input.bytes()) {
    for (const line of splitter.take(bytes)) if (!(await session.take(line))) return;
  }
  for (const line of splitter.end()) await session.take(line);
  await session.finish();
}
