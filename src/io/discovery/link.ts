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
import { claimsTooMuch, PacketFilter } from "./packet-filter.ts";

/** RFC 6762, section 3. */
const GROUP = { IPv4: "224.0.0.251", IPv6: "ff02::fb" } as const;

/** RFC 6762, section 11: so that a packet from beyond the link can be told by its lower value. */
const HOPS = 255;

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
  readonly #filter: PacketFilter;
  #closing: Promise<void> | undefined;

  constructor(place: LinkPlace, port: number, listener: LinkListener) {
    this.place = place;
    this.#listener = listener;
    this.#filter = new PacketFilter(place);
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
    if (this.#filter.isOwn(sender)) this.packetsSeen++;
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
      if (this.#admits(message, from.address)) decode?.(message, from);
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

  #admits(message: Buffer, sender: string): boolean {
    const isLie = claimsTooMuch(message);
    // Whatever it names and wherever it comes from: who decodes every packet there is decodes this one too.
    if (!this.#filter.isQuiet() || isLie) this.#listener.onFlood();
    const verdict = this.#filter.judge(message, sender, this.#listener.labels());
    if (verdict !== "elsewhere" && !this.#filter.isOwn(sender)) this.packetsSeen++;
    if (verdict === "flood") this.#listener.onFlood();
    return verdict === "decode" && !isLie;
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
