/**
 * libp2p with TCP, Noise and Yamux, and every other default undone; and the few places where this room reaches behind its
 * interfaces, which hold for the exact versions of package.json.
 * Spec: docs/spec/transport.md, which lists the defaults. Tests: test/contracts/net.contract.ts, test/integration/net.
 */
import type { Server, Socket } from "node:net";
import { noise } from "@chainsafe/libp2p-noise";
import { generateKeyPair, generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import type { Connection, ConnectionGater, Libp2p, MultiaddrConnection, PeerId } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { createLibp2p } from "libp2p";
import type { Entropy } from "../../core/base/ports.ts";
import { parseTcpAddress, type TcpAddress } from "./address.ts";
import { Admission, type Admitted } from "./admission.ts";
import { INACTIVITY_MS, type NetLimits } from "./limits.ts";
import { boundedYamux } from "./muxer.ts";
import { silentLog } from "./silent-log.ts";

export interface LibNodeOptions {
  readonly listen: readonly TcpAddress[];
  readonly limits: NetLimits;
  readonly entropy: Entropy | undefined;
}

/** What libp2p's TCP listener can do beyond its interface: stop accepting while its connections go on. */
interface TcpListener {
  readonly server: Server;
  readonly pause: (permanent: boolean) => void;
  readonly resume: () => Promise<void>;
}

/** What libp2p's TCP connection is made of. */
interface TcpConnection {
  readonly socket: Socket;
  sendData: (data: Uint8Array) => unknown;
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

export type LibNode = Libp2p<{ readonly inner: Inner }>;

/** Not started yet, so that its owner hears of the first connection too. */
export async function createLibNode({ listen, limits, entropy }: LibNodeOptions): Promise<LibNode> {
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
export function dropZone(socket: Socket): void {
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
    denyInboundEncryptedConnection: (peer, connection) => denyEncrypted(peer, connection),
    denyOutboundEncryptedConnection: (peer, connection) => denyEncrypted(peer, connection),
  };
}

/** Every device makes an Ed25519 identity; other kinds cost more to check or are not in the address. */
function denyEncrypted(peer: PeerId, connection: MultiaddrConnection): boolean {
  joinWrites(connection as unknown as TcpConnection);
  return peer.type !== "Ed25519";
}

/** libp2p hands Noise's two bytes of length and the message to the socket one by one, which makes two packets of each. */
function joinWrites(connection: TcpConnection): void {
  const { socket } = connection;
  const sendData = connection.sendData.bind(connection);
  connection.sendData = (data) => {
    socket.cork();
    try {
      return sendData(data);
    } finally {
      socket.uncork();
    }
  };
}
