/**
 * Asks a running node over its socket. Loads next to nothing: a command that only asks must start as fast as Node itself.
 * Spec: docs/spec/api.md. Part of the composition root. Tests: test/integration/api/socket.test.ts.
 */
import { lstatSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { EngineError, errorOfDescription } from "./errors.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { ApiClient } from "./protocol.ts";
import { LINE_BYTES_MAX } from "./protocol.ts";
import { isSystemError, socketPaths } from "./socket-path.ts";

/** Events of one call that wait for their reader; beyond them nothing more is read from the node. */
const EVENTS_WAITING_MAX = 256;
/** While a node is so busy that its line of new connections is full. */
const CONNECT_TRIES = 50;
const CONNECT_AGAIN_MS = 20;

interface PendingCall {
  readonly onEvent: ((event: never) => void | Promise<void>) | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly parts: unknown[];
  /** The last event's reader. */
  told: Promise<void>;
  eventsWaiting: number;
}

/** Undefined where no node runs for this directory. @throws EngineError `DIRECTORY_UNREADABLE` */
export async function connectApi(dir: string): Promise<ApiClient | undefined> {
  const socket = await connectSocket(dir);
  return socket === undefined ? undefined : clientOver(socket);
}

/** The connection itself, for who speaks the protocol already. */
export async function connectSocket(dir: string): Promise<Socket | undefined> {
  for (const path of await socketPaths(dir)) {
    if (!isOwnSocket(path)) continue;
    const socket = await connectTo(path);
    if (socket !== undefined) return socket;
  }
  return undefined;
}

async function connectTo(path: string): Promise<Socket | undefined> {
  for (let tries = 0; ; tries++) {
    try {
      return await connectOnce(path);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      switch (error.code) {
        case "ENOENT":
        case "ECONNREFUSED":
        case "ENOTSOCK":
        case "ECONNRESET":
          return undefined;
        case "EAGAIN":
        case "EBUSY":
          if (tries < CONNECT_TRIES) break;
          return undefined;
        default:
          throw new EngineError("DIRECTORY_UNREADABLE", `the node's socket ${path} cannot be opened`, {
            cause: error,
          });
      }
      await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_MS));
    }
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** Never a socket that another user put there. */
function isOwnSocket(path: string): boolean {
  if (process.platform === "win32") return true;
  const found = lstatSync(path, { throwIfNoEntry: false });
  const uid = process.getuid?.();
  return found !== undefined && found.isSocket() && (found.uid === uid || uid === 0);
}

function clientOver(socket: Socket): ApiClient {
  const calls = new Map<number, PendingCall>();
  let lastId = 0;
  let ended: EngineError | null = null;
  const end = (error: EngineError): void => {
    ended ??= error;
    for (const call of calls.values()) call.reject(ended);
    calls.clear();
    socket.destroy();
  };
  const lost = (): EngineError => new EngineError("NODE_CLOSED", "the node ended before it answered");
  socket.on("error", () => end(lost()));
  readReplies(socket, calls).then(
    () => end(lost()),
    (error: unknown) => end(error instanceof EngineError ? error : lost()),
  );
  const write = (request: object): void => {
    socket.write(`${JSON.stringify(request)}\n`);
  };
  return {
    running: true,
    call: async (method, params, options = {}) => {
      const { onEvent, signal } = options;
      if (ended !== null) throw ended;
      const id = ++lastId;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      calls.set(id, { onEvent, resolve, reject, parts: [], told: Promise.resolve(), eventsWaiting: 0 });
      write({ id, method, params });
      const cancel = (): void => write({ id, cancel: true });
      signal?.addEventListener("abort", cancel, { once: true });
      if (signal?.aborted === true) cancel();
      try {
        // The methods' table says what each gives, and the node is of the same user.
        return (await promise) as never;
      } finally {
        signal?.removeEventListener("abort", cancel);
      }
    },
    close: () => {
      end(new EngineError("ABORTED", "the connection was closed"));
      return Promise.resolve();
    },
  };
}

async function readReplies(socket: Socket, calls: Map<number, PendingCall>): Promise<void> {
  const splitter = new LineSplitter(LINE_BYTES_MAX + 1);
  for await (const bytes of socket as AsyncIterable<Uint8Array>) {
    for (const line of splitter.take(bytes)) {
      if (line.kind !== "line") throw new EngineError("UNEXPECTED", "the node answered with no line of JSON");
      await takeReply(JSON.parse(line.text) as Reply, calls);
    }
  }
}

interface Reply {
  readonly id: number | null;
  readonly event?: never;
  readonly part?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: unknown;
}

async function takeReply(reply: Reply, calls: Map<number, PendingCall>): Promise<void> {
  if (reply.id === null) throw errorOfDescription(reply.error);
  const call = calls.get(reply.id);
  if (call === undefined) return;
  if (reply.event !== undefined) {
    await tellEvent(call, reply.event);
  } else if (reply.part !== undefined) {
    call.parts.push(...reply.part);
  } else {
    calls.delete(reply.id);
    // Events are told before the result is.
    const { told, parts } = call;
    if (reply.error !== undefined) {
      told.then(() => call.reject(errorOfDescription(reply.error)), call.reject);
    } else {
      const result = Array.isArray(reply.result) ? [...parts, ...(reply.result as unknown[])] : reply.result;
      told.then(() => call.resolve(result), call.reject);
    }
  }
}

/** One after the other; waits only where too many of them wait. */
async function tellEvent(call: PendingCall, event: never): Promise<void> {
  const before = call.told;
  call.eventsWaiting++;
  call.told = (async () => {
    await before;
    await call.onEvent?.(event);
    call.eventsWaiting--;
  })();
  // A reader that fails ends its call, whenever the rest of it comes.
  call.told.catch(call.reject);
  if (call.eventsWaiting > EVENTS_WAITING_MAX) await call.told.catch(() => undefined);
}
