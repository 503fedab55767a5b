/**
 * One host under one transport identity: its streams, and when its connections go. Handing over from one identity to the next is
 * create-net.ts; what libp2p is made of is lib-node.ts.
 * Spec: docs/spec/transport.md. Tests: test/contracts/net.contract.ts.
 */
import type { Connection, Stream } from "@libp2p/interface";
import { EngineError } from "../../core/base/errors.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import { dialableAddresses, type TcpAddress } from "./address.ts";
import { createByteStream } from "./byte-stream.ts";
import { createLibNode, dropZone, type LibNode, type LibNodeOptions } from "./lib-node.ts";
import type { NetLimits } from "./limits.ts";
import { dialError, listenError } from "./net-errors.ts";

export class Host {
  readonly #node: LibNode;
  readonly #limits: NetLimits;
  /** Streams in use per connection. A connection that is not in here is being closed or has just been opened. */
  readonly #uses = new Map<Connection, number>();

  static async start(options: LibNodeOptions): Promise<Host> {
    const node = await createLibNode(options);
    const host = new Host(node, options.limits);
    try {
      await node.start();
    } catch (cause) {
      throw listenError(cause);
    }
    for (const { server } of node.services.inner.listeners()) server.prependListener("connection", dropZone);
    return host;
  }

  private constructor(node: LibNode, limits: NetLimits) {
    this.#node = node;
    this.#limits = limits;
    node.addEventListener("connection:open", ({ detail }) =>
      this.#closeUnlessUsed(detail, limits.streamOpenMs),
    );
    node.addEventListener("connection:close", ({ detail }) => this.#uses.delete(detail));
    // Peer ids are used once; libp2p would keep a record of each.
    node.addEventListener("peer:disconnect", ({ detail }) => {
      node.peerStore.delete(detail).catch(this.#ignore);
    });
  }

  get transportId(): string {
    return this.#node.peerId.toString();
  }

  /** Streams in use over all connections. */
  get streamCount(): number {
    let count = 0;
    for (const uses of this.#uses.values()) count += uses;
    return count;
  }

  addresses(): readonly string[] {
    return this.#node.services.inner.listeners().flatMap(({ server }) => {
      const bound = server.address();
      if (bound === null || typeof bound === "string") return [];
      return dialableAddresses(bound.address, bound.port, this.transportId);
    });
  }

  async dial(address: TcpAddress, protocol: string, timeoutMs: number): Promise<ByteStream> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    try {
      // Always a connection of its own: one that stands may be dead without knowing it yet.
      const connection = await this.#node.services.inner.dial(address, deadline.signal);
      return await this.#openStream(connection, protocol, deadline.signal);
    } catch (cause) {
      throw dialError(cause, { timedOut: deadline.signal.aborted });
    } finally {
      clearTimeout(timer);
    }
  }

  handle(protocol: string, onStream: (stream: ByteStream) => void): void {
    const { streamsPerConnectionMax: streams } = this.#limits;
    this.#node
      .handle(
        protocol,
        (stream, connection) => {
          this.#use(connection, stream);
          onStream(createByteStream(stream, connection, this.#node.peerId));
        },
        { force: true, maxInboundStreams: streams, maxOutboundStreams: streams },
      )
      .catch(this.#ignore);
  }

  unhandle(protocol: string): void {
    this.#node.unhandle(protocol).catch(this.#ignore);
  }

  /** Accepts no further connection; those that stand go on. */
  pauseListening(): void {
    for (const listener of this.#node.services.inner.listeners()) listener.pause(false);
  }

  async resumeListening(): Promise<void> {
    for (const listener of this.#node.services.inner.listeners()) await listener.resume();
  }

  async stop(): Promise<void> {
    const reason = new EngineError("ABORTED", "this device closed its network");
    for (const connection of this.#node.getConnections()) connection.abort(reason);
    await this.#node.stop();
  }

  async #openStream(connection: Connection, protocol: string, signal: AbortSignal): Promise<ByteStream> {
    const release = this.#hold(connection);
    try {
      const stream = await connection.newStream(protocol, { signal });
      this.#use(connection, stream);
      return createByteStream(stream, connection, this.#node.peerId);
    } catch (cause) {
      connection.abort(new Error("no stream could be opened"));
      throw cause;
    } finally {
      release();
    }
  }

  #use(connection: Connection, stream: Stream): void {
    const release = this.#hold(connection);
    if (stream.status === "open") stream.addEventListener("close", release, { once: true });
    else release();
  }

  #hold(connection: Connection): () => void {
    this.#uses.set(connection, (this.#uses.get(connection) ?? 0) + 1);
    return () => {
      const uses = (this.#uses.get(connection) ?? 1) - 1;
      if (uses > 0) {
        this.#uses.set(connection, uses);
        return;
      }
      this.#uses.delete(connection);
      this.#closeUnlessUsed(connection, this.#limits.lingerMs);
    };
  }

  #closeUnlessUsed(connection: Connection, afterMs: number): void {
    if (connection.status !== "open") return;
    const timer = setTimeout(() => {
      if (this.#uses.has(connection) || connection.status !== "open") return;
      connection
        .close()
        .catch((error: unknown) => connection.abort(new Error("did not close", { cause: error })));
    }, afterMs);
    timer.unref();
    connection.addEventListener("close", () => clearTimeout(timer), { once: true });
  }

  /** For libp2p's bookkeeping in memory, whose failure changes nothing here. */
  readonly #ignore = (error: unknown): void =>
    this.#node.logger.forComponent("kinlog:net").error("%e", error);
}
