/**
 * @libp2p/mdns as the one that answers on the primary interface: one instance per tag. It asks by itself only once, when it
 * starts, and what it finds is not used: answers are read in answers.ts, under stricter rules.
 * Spec: docs/spec/discovery.md.
 */
import { createSocket } from "node:dgram";
import type { ComponentLogger, Logger, PeerDiscovery, Startable } from "@libp2p/interface";
import { mdns } from "@libp2p/mdns";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { tagToName } from "./answers.ts";

/** The longest a timer takes: questions at intervals are asked by this room itself, on every interface. */
const NEVER_MS = 2 ** 31 - 1;

const discard = (): void => undefined;
const silent: Logger = Object.assign((): void => undefined, {
  error: discard,
  trace: discard,
  enabled: false,
  newScope: (): Logger => silent,
});
const silentLog: ComponentLogger = { forComponent: () => silent };

export interface LibResponder {
  readonly stop: () => Promise<void>;
}

export async function startLibResponder(options: {
  readonly tag: string;
  readonly peerName: string;
  readonly port: number;
  /** Read at each question, so that they are the present ones. */
  readonly addresses: () => readonly string[];
}): Promise<LibResponder> {
  const create = mdns({
    serviceTag: tagToName(options.tag),
    peerName: options.peerName,
    port: options.port,
    interval: NEVER_MS,
  });
  const addressManager: Pick<AddressManager, "getAddresses"> = {
    getAddresses: () => options.addresses().map((address) => multiaddr(address)),
  };
  const instance = create({
    logger: silentLog,
    addressManager: addressManager as AddressManager,
  }) as PeerDiscovery & Required<Pick<Startable, "start" | "stop">>;
  await instance.start();
  return { stop: async () => instance.stop() };
}

type AddressManager = Parameters<ReturnType<typeof mdns>>[0]["addressManager"] & {
  readonly getAddresses: () => Multiaddr[];
};

/**
 * The address of the interface that @libp2p/mdns sends on: it leaves the choice to the system's routes. Undefined where no
 * route leads to the group, as on a network without a router; there it would send nothing and say nothing.
 */
export function findPrimaryAddress(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const finish = (address: string | undefined): void => {
      socket.close();
      resolve(address === "0.0.0.0" ? undefined : address);
    };
    socket.once("error", () => finish(undefined));
    // Connecting a datagram socket sends nothing; it only looks up the route.
    socket.connect(5353, "224.0.0.251", () => finish(socket.address().address));
  });
}
