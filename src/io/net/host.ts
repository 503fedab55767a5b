/**
 * One libp2p host under one transport identity: TCP, Noise and Yamux, and every other default undone. Knows handlers and
 * limits; handing over from one identity to the next is create-net.ts.
 * Spec: docs/spec/transport.md. Tests: test/contracts/net.contract.ts.
 */
import type { Server, Socket } from "node:net";
import { noise } from "@chainsafe/libp2p-noise";
import { generateKeyPair, generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import type { Connection, ConnectionGater, Libp2p, MultiaddrConnection, Stream } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { createLibp2p } from "libp2p";
import { EngineError } from "../../core/base/errors.ts";
import type { Entropy } from "../../core/base/ports.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import { dialableAddresses, parseTcpAddress, type TcpAddress } from "./address.ts";
import { Admission, type Admitted } from "./admission.ts";
import { createByteStream } from "./byte-stream.ts";
import { INACTIVITY_MS, type NetLimits } from "./limits.ts";
import { boundedYamux } from "./muxer.ts";
import { dialError, listenError } from "./net-errors.ts";
import { silentLog } from "./silent-log.ts";

/** What libp2p's TCP listener can do beyond its interface: stop accepting while its connections go on. */
interface TcpListener {
  readonly server: Server;
  readonly pause: (permanent: boolean) => void;
  readonly resume: () => Promise<void>;
}

/** What libp2p's address manager does at each change of its listeners, hidden by its types. */
interface WithUpdate {
  _updatePeerStoreAddresses: () => void;
}

/** Parts of libp2p that only its services see. */
interface Inner {
  readonly dial: (address: TcpAddress, signal: AbortSignal) => Promise<Connection>;
  readonly listeners: () => readonly TcpListener[];
}

export interface HostOptions {
  readonly listen: readonly TcpAddress[];
  readonly limits: NetLimits;
  readonly entropy: Entropy | undefined;
}

export class Host {
  readonly #node: Libp2p<{ readonly inner: Inner }>;
  readonly #limits: NetLimits;
  /** Streams in use per connection. A connection that is not in here is being closed or has just been opened. */
  readonly #uses = new Map<Connection, number>();

  static async start(options: HostOptions): Promise<Host> {
    const node = await createNode(options);
    const host = new Host(node, options.limits);
    try {
      await node.start();
    } catch (cause) {
      throw listenError(cause);
    }
    for (const { server } of node.services.inner.listeners()) server.prependListener("connection", dropZone);
    return host;
  }

  private constructor(node: Libp2p<{ readonly inner: Inner }>, limits: NetLimits) {
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

async function createNode({
  listen,
  limits,
  entropy,
}: HostOptions): Promise<Libp2p<{ readonly inner: Inner }>> {
  const privateKey =
    entropy === undefined
      ? await generateKeyPair("Ed25519")
      : await generateKeyPairFromSeed("Ed25519", entropy.bytes(32));
  return createLibp2p<{ readonly inner: Inner }>({
    start: false,
    privateKey,
    logger: silentLog,
    nodeInfo: { name: "", version: "", userAgent: "" },
    addresses: { listen: listen.map(({ multiaddr }) => multiaddr.toString()) },
    transports: [
      tcp({
        inboundSocketInactivityTimeout: INACTIVITY_MS,
        outboundSocketInactivityTimeout: INACTIVITY_MS,
        maxConnections: limits.connectionsMax + limits.pendingMax,
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux(limits)],
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.connectionsMax,
      maxIncomingPendingConnections: limits.pendingMax,
      // Admission counts per address; libp2p's own counter would also hold back devices that share a machine.
      inboundConnectionThreshold: Number.MAX_SAFE_INTEGER,
      inboundUpgradeTimeout: limits.handshakeMs,
      inboundStreamProtocolNegotiationTimeout: limits.streamOpenMs,
      outboundStreamProtocolNegotiationTimeout: limits.streamOpenMs,
      reconnectRetries: 0,
      resolvers: {},
    },
    connectionGater: createGater(new Admission(limits)),
    services: {
      inner: ({ transportManager, addressManager }): Inner => {
        // A second after each change it writes our addresses where nobody reads them, which holds the process that long.
        (addressManager as unknown as WithUpdate)._updatePeerStoreAddresses = () => undefined;
        return {
          dial: (address, signal) =>
            transportManager.dial(address.multiaddr, {
              signal,
              // libp2p drops the zone of a link-local address; without it the system does not know where to send.
              ...(address.zone === undefined ? {} : { host: `${address.host}%${address.zone}` }),
            }),
          listeners: () => transportManager.getListeners() as unknown as readonly TcpListener[],
        };
      },
    },
  });
}

/** libp2p refuses connections from link-local addresses, since it cannot read the zone that Node writes behind them. */
function dropZone(socket: Socket): void {
  const address = socket.remoteAddress;
  const zoneAt = address?.indexOf("%") ?? -1;
  if (zoneAt !== -1) Object.defineProperty(socket, "remoteAddress", { value: address?.slice(0, zoneAt) });
}

function createGater(admission: Admission): ConnectionGater {
  const admittedBy = new WeakMap<MultiaddrConnection, Admitted>();
  return {
    denyInboundConnection: (connection) => {
      const admitted = admission.admit(parseTcpAddress(connection.remoteAddr.toString()).host);
      if (admitted === undefined) return true;
      admittedBy.set(connection, admitted);
      connection.addEventListener("close", admitted.gone, { once: true });
      return false;
    },
    denyInboundUpgradedConnection: (_peer, connection) => {
      admittedBy.get(connection)?.upgraded();
      return false;
    },
    // Every device makes an Ed25519 identity; other kinds cost more to check or are not in the address.
    denyInboundEncryptedConnection: (peer) => peer.type !== "Ed25519",
    denyOutboundEncryptedConnection: (peer) => {
      if (peer.type === "Ed25519") return false;
      throw new EngineError("PEER_UNREACHABLE", "what answers at that address is no device");
    },
  };
}
