/** The socket itself: a server and clients over the file system, with methods that the test answers. Spec: docs/spec/api.md. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError } from "../../../src/app/api/errors.ts";
import type { Dispatch } from "../../../src/app/api/method-entry.ts";
import { LINE_BYTES_MAX } from "../../../src/app/api/protocol.ts";
import { connectApi } from "../../../src/app/api/socket-client.ts";
import { serveSocket, type SocketServer } from "../../../src/app/api/socket-server.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { skipUnless } from "../../support/skip-unless.ts";

type Json = Readonly<Record<string, unknown>>;

describe("The socket of the local API", () => {
  let dir = "";
  let server: SocketServer | null = null;
  const raw: Socket[] = [];

  beforeEach(function () {
    skipUnless(this, process.platform !== "win32", "needs Unix sockets");
    dir = realpathSync(mkdtempSync(join(tmpdir(), "kl-")));
  });
  afterEach(async () => {
    for (const socket of raw.splice(0)) socket.destroy();
    await server?.drain();
    await server?.close();
    server = null;
    rmSync(dir, { recursive: true, force: true });
  });

  const serve = async (dispatch: Dispatch, at = dir): Promise<void> => {
    server = await serveSocket(at, dispatch);
  };
  const connect = async (): Promise<NonNullable<Awaited<ReturnType<typeof connectApi>>>> => {
    const client = await connectApi(dir);
    ok(client !== undefined);
    return client;
  };
  const connectRaw = async (): Promise<Socket> => {
    const socket = createConnection(server!.path);
    raw.push(socket);
    socket.on("error", () => undefined);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    return socket;
  };

  it("is not there before, is 0600 while it serves, and is gone afterwards", async () => {
    equal(await connectApi(dir), undefined);
    await serve(() => Promise.resolve([]));
    equal(lstatSync(join(dir, "kinlog.sock")).mode & 0o777, 0o600);
    const client = await connect();
    deepEqual(await client.call("doctor", {}), []);
    await server!.drain();
    equal(await connectApi(dir), undefined);
    await client.close();
  });

  it("takes the place of one that a dead node left, and of a file that is none", async () => {
    writeFileSync(join(dir, "kinlog.sock"), "");
    equal(await connectApi(dir), undefined);
    await serve(() => Promise.resolve([]));
    const client = await connect();
    deepEqual(await client.call("devices.list", {}), []);
    await client.close();
  });

  it("serves where the directory's path is too long for a socket", async () => {
    const long = join(dir, "d".repeat(120));
    mkdirSync(long);
    await serve(() => Promise.resolve([]), long);
    const client = await connectApi(long);
    deepEqual(await client?.call("doctor", {}), []);
    await client?.close();
    await server!.drain();
    equal(await connectApi(long), undefined);
  });

  it("gives results of several calls as they come, events before their result, errors with code and remedy", async () => {
    const later = Promise.withResolvers<void>();
    await serve(async (method, _, call) => {
      if (method === "sync") await later.promise;
      if (method === "connect") throw new EngineError("PEER_UNREACHABLE", "nobody", { remedy: "Wake it." });
      for (const done of [1, 2, 3]) await call.emit({ event: "progress", done });
      return { method };
    });
    const client = await connect();
    const order: string[] = [];
    const synced = client.call("sync", {}).then(() => order.push("sync"));
    const events: unknown[] = [];
    await client.call(
      "verify",
      {},
      { onEvent: async (event) => void events.push(await Promise.resolve(event.done)) },
    );
    order.push("verify");
    later.resolve();
    await synced;
    deepEqual(
      [order, events],
      [
        ["verify", "sync"],
        [1, 2, 3],
      ],
    );
    const failure = await client.call("connect", { address: "x" }).catch((error: unknown) => error);
    ok(failure instanceof EngineError);
    deepEqual([failure.code, failure.message, failure.remedy], ["PEER_UNREACHABLE", "nobody", "Wake it."]);
    await client.close();
  });

  it("carries texts of every kind unchanged, and lists of many megabytes whole", async () => {
    const items = Array.from({ length: 300 }, (_, at) => ({
      at,
      text: `\u0000\n"\\👩‍👩‍👧\u2028${"é".repeat(20_000)}`,
    }));
    await serve(() => Promise.resolve(items));
    const client = await connect();
    deepEqual(await client.call("messages.show", { conversation: "x" }), items);
    await client.close();
  });

  it("ends a call at its caller's word, and the others with the connection", async () => {
    const signals: AbortSignal[] = [];
    await serve((_, __, call) => {
      signals.push(call.signal);
      return new Promise((_resolve, reject) => {
        call.signal.addEventListener("abort", () => reject(call.signal.reason as Error), { once: true });
      });
    });
    const client = await connect();
    const ending = new AbortController();
    const one = client.call("events", {}, { signal: ending.signal });
    const other = client.call("devices.link", {});
    ending.abort();
    await assertRejectsWithCode(one, "ABORTED");
    await client.close();
    await assertRejectsWithCode(other, "ABORTED");
    while (!signals.every(({ aborted }) => aborted)) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("answers what is under way although the asking side has ended", async () => {
    const later = Promise.withResolvers<unknown>();
    await serve(() => later.promise);
    const socket = await connectRaw();
    socket.end('{"id":1,"method":"status"}');
    setTimeout(() => later.resolve("late"), 50);
    deepEqual(await linesOf(socket), [{ id: 1, result: "late" }]);
  });

  it("U11: ends a connection whose line never ends, having read little more than a line", async () => {
    await serve(() => Promise.resolve({}));
    const socket = await connectRaw();
    const part = Buffer.alloc(64 * 1024, 0x20);
    let written = 0;
    const timer = setInterval(() => {
      if (socket.writableLength > 1_000_000 || socket.destroyed) return;
      socket.write(part);
      written += part.length;
    }, 1);
    const lines = await linesOf(socket);
    clearInterval(timer);
    equal((lines[0]!["error"] as Json)["code"], "REQUEST_TOO_LARGE");
    ok(written < 8 * LINE_BYTES_MAX);
  });

  it("U11: holds little for a reader that does not read, and loses nothing for one that comes back", async () => {
    let emitted = 0;
    const text = "x".repeat(10_000);
    await serve(async (_, __, call) => {
      for (; emitted < 2_000; emitted++) await call.emit({ event: "lines", lines: [text] });
      return { exported: emitted };
    });
    const socket = await connectRaw();
    socket.pause();
    socket.write('{"id":1,"method":"export"}\n');
    let last = -1;
    while (emitted === 0 || last !== emitted) {
      last = emitted;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    ok(emitted < 500, `${emitted} lines of 10 kB were taken for a reader that does not read`);
    socket.resume().end();
    equal((await linesOf(socket)).length, 2_001);
  });

  it("closes in order: no new connection, then the answers, then the end", async () => {
    const stop = Promise.withResolvers<unknown>();
    await serve((method) => (method === "stop" ? stop.promise : Promise.resolve({})));
    const client = await connect();
    const stopped = client.call("stop", {});
    await client.call("status", {});
    await server!.drain();
    equal(await connectApi(dir), undefined);
    await assertRejectsWithCode(client.call("status", {}), "NODE_CLOSED");
    stop.resolve({ stopped: true });
    const closed = server!.close();
    deepEqual(await stopped, { stopped: true });
    await closed;
    await assertRejectsWithCode(client.call("status", {}), "NODE_CLOSED");
  });

  it("tells a caller whose event reader fails, and goes on for the others", async () => {
    await serve(async (_, __, call) => {
      await call.emit({ event: "progress" });
      return {};
    });
    const client = await connect();
    const fails = client.call("verify", {}, { onEvent: () => Promise.reject(new RangeError("no room")) });
    equal(await fails.catch((error: unknown) => error instanceof RangeError), true);
    await client.call("verify", {});
    await client.close();
  });
});

async function linesOf(socket: Socket): Promise<readonly Json[]> {
  let text = "";
  try {
    for await (const part of socket) text += String(part);
  } catch {
    // A connection that the other side broke off has said what it had to say.
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Json);
}
