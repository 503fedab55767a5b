/**
 * One mDNS socket on one interface: asks, answers, and hands on what comes, after the checks that cost nothing. Decides
 * nothing about tags.
 * Spec: docs/spec/discovery.md. Tests: test/integration/discovery.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import multicastDns, {
  type MulticastDNS,
  type QueryPacket,
  type ResponseOutgoingPacket,
  type ResponsePacket,
} from "multicast-dns";
import { tagToName } from "./answers.ts";
import type { LinkPlace } from "./link-places.ts";
import { Pace } from "./pace.ts";
import { Subnets } from "./subnets.ts";

/** RFC 6762, section 3. */
const GROUP = { IPv4: "224.0.0.251", IPv6: "ff02::fb" } as const;

/** RFC 6762, section 11: so that a packet from beyond the link can be told by its lower value. */
const HOPS = 255;

/** Ours fit a packet of Ethernet; other programs' larger ones are of no use here. */
const PACKET_BYTES_MAX = 1_500;

/** Decoding one packet takes some 10 µs; a thousand a second stay far below the 5 % of threat N6. */
const PACKETS_PER_SECOND_PER_SENDER = 20;
const PACKETS_PER_SECOND = 200;

/** Of whatever is said on the network: @libp2p/mdns decodes all of it, which costs 3 % of a core at this pace. */
const HEARD_PER_SECOND = 100;
const SECOND_MS = 1_000;

export interface LinkListener {
  /** Only packets that contain one of these labels are decoded. */
  readonly labels: () => readonly string[];
  readonly onQuery: (link: Link, names: readonly string[]) => void;
  readonly onAnswer: (link: Link, packet: ResponsePacket, sender: string) => void;
  /** More came than is read, or than anybody should have to read. */
  readonly onFlood: () => void;
  readonly onError: (code: string) => void;
}

export class Link {
  readonly place: LinkPlace;
  /** False until the group was joined, and after it failed. */
  joined = false;
  packetsSeen = 0;
  packetsSent = 0;
  /** Fulfilled once it is known whether the link works; the socket then is open or closed. */
  readonly ready: Promise<void>;
  readonly #listener: LinkListener;
  readonly #socket: Socket;
  readonly #mdns: MulticastDNS;
  readonly #subnets: Subnets;
  readonly #perSender = new Pace({ max: PACKETS_PER_SECOND_PER_SENDER, windowMs: SECOND_MS });
  readonly #inAll = new Pace({ max: PACKETS_PER_SECOND, windowMs: SECOND_MS });
  readonly #heard = new Pace({ max: HEARD_PER_SECOND, windowMs: SECOND_MS });
  #closing: Promise<void> | undefined;

  constructor(place: LinkPlace, port: number, listener: LinkListener) {
    this.place = place;
    this.#listener = listener;
    this.#subnets = new Subnets(place.addresses.filter(({ family }) => family === place.family));
    const isV4 = place.family === "IPv4";
    this.#socket = createSocket({ type: isV4 ? "udp4" : "udp6", reuseAddr: true, ipv6Only: !isV4 });
    this.ready = new Promise((resolve) => {
      this.#socket.once("listening", () => resolve(this.#join()));
      this.#socket.once("error", () => resolve());
      this.#socket.once("close", () => resolve());
    });
    this.#mdns = multicastDns({
      socket: this.#socket,
      type: isV4 ? "udp4" : "udp6",
      port,
      ip: GROUP[place.family],
      interface: this.#multicastInterface(),
      // Bound to its own address a socket would get no multicast; which packets are this link's is decided below.
      bind: isV4 ? "0.0.0.0" : "::",
      // Its own joining looks at the interfaces every five seconds, and only at IPv4.
      multicast: false,
    });
    this.#listen();
  }

  /** One packet per tag: libp2p's mDNS reads the first question only. `loop` lets this machine's own devices hear it. */
  ask(tags: readonly string[], { loop }: { readonly loop: boolean }): void {
    if (!this.joined) return;
    for (const tag of tags) {
      if (!loop) this.#socket.setMulticastLoopback(false);
      this.#mdns.query([{ name: tagToName(tag), type: "PTR" }], (error: Error | null) => {
        if (!loop && this.#closing === undefined) this.#socket.setMulticastLoopback(true);
        this.#sent(error);
      });
    }
  }

  answer(packet: ResponseOutgoingPacket): void {
    if (this.joined) this.#mdns.respond(packet, (error: Error | null) => this.#sent(error));
  }

  /** A device of ours spoke from `sender`; packets from this machine's own address are counted only then. */
  heardPeer(sender: string): void {
    if (this.#isOwn(sender)) this.packetsSeen++;
  }

  close(): Promise<void> {
    this.joined = false;
    this.#closing ??= new Promise((resolve) => this.#mdns.destroy(resolve));
    return this.#closing;
  }

  #listen(): void {
    const [decode] = this.#socket.listeners("message") as ((message: Buffer, from: RemoteInfo) => void)[];
    this.#socket.removeAllListeners("message");
    this.#socket.on("message", (message, from) => {
      if (this.#admits(message, from)) decode?.(message, from);
    });
    // A packet that cannot be decoded comes as a warning. It is nobody's error here.
    this.#mdns.on("warning", (error) => this.#report(error, { isPacket: true }));
    this.#mdns.on("error", (error) => this.#report(error, { isPacket: false }));
    this.#mdns.on("query", ({ questions }: QueryPacket) => {
      const names = (questions ?? []).slice(0, 16).map(({ name }) => String(name).toLowerCase());
      this.#listener.onQuery(this, names);
    });
    this.#mdns.on("response", (packet: ResponsePacket, from: RemoteInfo) => {
      this.#listener.onAnswer(this, packet, from.address);
    });
  }

  #join(): void {
    try {
      this.#socket.addMembership(GROUP[this.place.family], this.#multicastInterface());
      this.#socket.setMulticastInterface(this.#multicastInterface());
      this.#socket.setMulticastTTL(HOPS);
      this.#socket.setMulticastLoopback(true);
      this.joined = true;
    } catch (error) {
      // An IPv6 address that is a second old cannot be used yet; the next look at the interfaces tries again.
      this.#report(error, { isPacket: false });
    }
  }

  #multicastInterface(): string {
    return this.place.family === "IPv4" ? this.place.address : `::%${this.place.zone}`;
  }

  /** Every socket of this port gets the packets of all interfaces; each takes those of its own link only. */
  #admits(message: Buffer, { address }: RemoteInfo): boolean {
    if (!this.#heard.allows("")) this.#listener.onFlood();
    if (!this.#isOfThisLink(address)) return false;
    if (!this.#isOwn(address)) this.packetsSeen++;
    if (message.length > PACKET_BYTES_MAX) return false;
    if (!this.#listener.labels().some((label) => message.includes(label, 0, "latin1"))) return false;
    // Several devices of one machine share its address.
    if ((this.#isOwn(address) || this.#perSender.allows(address)) && this.#inAll.allows("")) return true;
    this.#listener.onFlood();
    return false;
  }

  #isOwn(sender: string): boolean {
    return sender.split("%")[0] === this.place.address;
  }

  #isOfThisLink(sender: string): boolean {
    const [host, zone] = sender.split("%");
    if (zone !== undefined) return zone === this.place.zone;
    return this.#subnets.contains(host ?? "");
  }

  #sent(error: Error | null | undefined): void {
    if (error === null || error === undefined) this.packetsSent++;
    else this.#report(error, { isPacket: false });
  }

  #report(error: unknown, { isPacket }: { readonly isPacket: boolean }): void {
    if (isPacket && !(error instanceof Error && "syscall" in error)) return;
    this.#listener.onError(`${errorCode(error)} ${this.place.name}`);
  }
}

/** The system's name for what went wrong, which tells no address. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
}
