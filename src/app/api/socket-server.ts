/**
 * A running node's socket: who may open it is the same user and may do everything. One session a connection.
 * Spec: docs/spec/api.md. Part of the composition root. Tests: test/integration/api/socket.test.ts.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { EngineError } from "./errors.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { Dispatch } from "./method-entry.ts";
import { LINE_BYTES_MAX } from "./protocol.ts";
import { type Outlet, RequestSession } from "./request-session.ts";
import { isSystemError, socketPathToListen } from "./socket-path.ts";

const CONNECTIONS_MAX = 1_024;
/** How long a closing node waits for requests that end soon. */
const DRAIN_MS = 5_000;
/** How long it waits for the readers of its last answers. */
const FLUSH_MS = 1_000;
const OWNER_ONLY = 0o600;

export interface SocketServer {
  readonly path: string;
  /** No new connections, no new requests; resolves when those under way are answered, except `stop` and `events`. */
  readonly drain: () => Promise<void>;
  /** After the node has closed: last answers go out, then the connections end. */
  readonly close: () => Promise<void>;
}

/**
 * The caller holds the store's lock, so a socket that lies there already belongs to a node that died.
 *
 * @throws EngineError `DIRECTORY_UNREADABLE` where no socket can be made.
 */
export async function serveSocket(dir: string, dispatch: Dispatch): Promise<SocketServer> {
  const path = await socketPathToListen(dir);
  const connections = new Map<Socket, RequestSession>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const session = new RequestSession(dispatch, outletOf(socket));
    connections.set(socket, session);
    // A broken connection is the other's business; its end is noticed by `close`.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      connections.delete(socket);
      session.abort(new EngineError("ABORTED", "the connection has ended"));
    });
    void serve(socket, session);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path);
  return {
    path,
    drain: async () => {
      // Also removes the socket's file, while the store's lock still keeps others from making a new one.
      server.close();
      const drained = Promise.all([...connections.values()].map((session) => session.drain()));
      await within(drained, DRAIN_MS);
    },
    close: async () => {
      const answered = [...connections.values()].map((session) => session.answered());
      await within(Promise.all(answered), FLUSH_MS);
      const ended = [...connections.keys()].map((socket) => endSocket(socket));
      await within(Promise.all(ended), FLUSH_MS);
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}

async function serve(socket: Socket, session: RequestSession): Promise<void> {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  try {
    // Not read while a session has enough to do: then the sender waits. The end of what comes in is not the end of what goes out.
    for await (const bytes of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      for (const line of splitter.take(bytes)) {
        if (await session.take(line)) continue;
        // What still comes is thrown away, so that the other side gets to reading why; but not for ever.
        socket.resume().end();
        setTimeout(() => socket.destroy(), FLUSH_MS).unref();
        return;
      }
    }
    for (const line of splitter.end()) await session.take(line);
    await session.finish();
    socket.end();
  } catch (error) {
    // Reading failed: the connection is broken, and `close` follows.
    if (!isSystemError(error)) throw error;
    socket.destroy();
  }
}

function outletOf(socket: Socket): Outlet {
  return {
    isFull: () => socket.writableNeedDrain,
    write: async (line) => {
      if (socket.destroyed || socket.writableEnded || socket.write(line)) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          socket.off("drain", done);
          socket.off("close", done);
          resolve();
        };
        socket.once("drain", done);
        socket.once("close", done);
      });
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const isFile = process.platform !== "win32";
  if (isFile) rmSync(path, { force: true });
  const listening = new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new EngineError("DIRECTORY_UNREADABLE", `no socket can be made at ${path}`, { cause })),
    );
    server.once("listening", resolve);
  });
  // The socket's file is made within `listen` itself, so nobody else's file is made under this mask.
  const former = isFile ? process.umask(0o177) : 0;
  try {
    server.listen({ path });
  } finally {
    if (isFile) process.umask(former);
  }
  await listening;
  if (isFile) chmodSync(path, OWNER_ONLY);
  // The node's other parts keep the process alive, and `stop` or a signal ends it.
}

function endSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.end(() => socket.destroySoon());
  });
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
