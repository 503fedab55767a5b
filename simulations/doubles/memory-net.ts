/**
 * The Net port without a network: hosts joined by a hub, in virtual time, every delay and every loss from one seed. A partition
 * is silent, as a cable that was pulled: what is under way waits, and comes when it heals.
 * Tests: test/unit/doubles/memory-net.test.ts, which runs test/contracts/net.contract.ts.
 */
import { assert, EngineError } from "../../src/core/base/errors.ts";
import type { Clock } from "../../src/core/base/ports.ts";
import type { ByteStream, Net } from "../../src/core/sync/ports.ts";
import { parseTcpAddress, type TcpAddress } from "../../src/io/net/address.ts";
import type { Random } from "./random.ts";
import { MemoryDial } from "./memory-dial.ts";
import { createIdentity, type Identity, PORT_FROM } from "./memory-identity.ts";
import { type Carrier, MemoryStream } from "./memory-stream.ts";

/** As in src/io/net. */
const DRAIN_MS = 60_000;

export interface MemoryHubOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One way; each pair of hosts has its own, with a little jitter. */
  readonly delayMsMax: number;
  /** Largest piece in which bytes arrive. */
  readonly pieceBytesMax: number;
  /** How many pieces of 10,000 break their connection instead of arriving. */
  lossPer10000: number;
  /** Sees every piece as it is sent, as a listener on the network does. */
  readonly listen?: (piece: Uint8Array, from: MemoryNet, line: string) => void;
  /** Changes a piece on its way. */
  readonly alter?: (piece: Uint8Array, from: MemoryNet) => Uint8Array;
}

/** What stands between two hosts, in one direction. */
export interface Link {
  /** One way; with a little jitter. */
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
  /** Nothing passes, and nobody is told; it waits until the link is whole again. */
  readonly isCut?: boolean;
}

export interface MemoryNet extends Net {
  /** Its address now. */
  readonly host: () => string;
  /** The hub's faults go by it; a machine keeps its name when its program starts again. */
  readonly name: string;
  /**
   * The program died. Its ends of streams never settle again. The other ends hear that the connection broke, or, of a machine without
   * power, nothing.
   */
  readonly vanish: (how: "told" | "silent") => void;
  readonly openStreams: () => number;
  /** By the name of the other host: bytes that were sent to it and that it has not read. */
  unreadBy: () => ReadonlyMap<string, number>;
  /** Dials that are under way. */
  readonly dialling: () => number;
}

export class MemoryHub {
  readonly options: MemoryHubOptions;
  readonly #hosts = new Set<MemoryHost>();
  readonly #links = new Map<string, Link>();
  readonly #delays = new Map<string, number>();
  readonly #arrivals = new Map<string, number>();
  /** Waiting for a partition to heal, in order. */
  #parked: Parcel[] = [];
  readonly #addresses = new Map<string, string>();
  #hostCount = 0;
  #lineCount = 0;

  constructor(options: MemoryHubOptions) {
    this.options = options;
  }

  /** A host of a name stands where the last of that name stood. */
  createNet(name?: string): MemoryNet {
    const host = new MemoryHost(this, name);
    this.#hosts.add(host);
    return host;
  }

  nets(): readonly MemoryNet[] {
    return [...this.#hosts];
  }

  /** Nothing passes between the two any more, and nobody is told. */
  partition(a: Named, b: Named): void {
    this.setLink(a, b, { isCut: true });
    this.setLink(b, a, { isCut: true });
  }

  /** In one direction. */
  setLink(from: Named, to: Named, link: Link): void {
    this.#links.set(wayOf(from, to), link);
    this.#unpark();
  }

  heal(): void {
    this.#links.clear();
    this.#unpark();
  }

  /** Every stream between the two breaks, for both or for the first alone: then the other end is open to nowhere. */
  breakStreams(a: MemoryNet, b: MemoryNet, ends: "both" | "one" = "both"): void {
    const [from, to] = [this.#require(a), this.#require(b)];
    for (const stream of from.streamsTo(to)) stream.lose();
    if (ends === "both") for (const stream of to.streamsTo(from)) stream.lose();
  }

  /** Another address, as in another Wi-Fi: what was connected hears nothing any more; the host itself is told. */
  moveHost(net: MemoryNet): void {
    this.#require(net).move(this.newHostAddress());
  }

  isCut(from: Named, to: Named): boolean {
    return this.#links.get(wayOf(from, to))?.isCut === true;
  }

  /** Where the machine of this name stands. */
  addressOf(name: string): string {
    const known = this.#addresses.get(name) ?? this.newHostAddress();
    this.#addresses.set(name, known);
    return known;
  }

  /** A machine that starts again stands where it moved to. */
  moved({ name }: Named, address: string): void {
    if (this.#addresses.has(name)) this.#addresses.set(name, address);
  }

  newHostAddress(): string {
    const number = ++this.#hostCount;
    return `10.0.${Math.floor(number / 250)}.${1 + (number % 250)}`;
  }

  newLine(): number {
    return ++this.#lineCount;
  }

  newIdentity(): Identity {
    return createIdentity(this.options.random);
  }

  hostAt(host: string, port: number): MemoryHost | undefined {
    return [...this.#hosts].find((each) => each.listensAt(host, port));
  }

  /** `line` names what must stay in order; another line may overtake it. */
  send(from: Named, to: Named, line: string, arrive: () => void, bytes = 0): void {
    this.#carry({ from, to, line, arrive, bytes });
  }

  /** How long a packet takes that leads nowhere. */
  delayMs(pair: string): number {
    const { random, delayMsMax } = this.options;
    const base = this.#delays.get(pair) ?? random.between(0, delayMsMax);
    this.#delays.set(pair, base);
    return base + random.between(0, Math.ceil(base / 4));
  }

  remove(host: MemoryHost): void {
    this.#hosts.delete(host);
  }

  #carry(parcel: Parcel): void {
    const { from, to, line, arrive, bytes } = parcel;
    const { clock } = this.options;
    const now = clock.monotonicMs();
    const link = this.#links.get(wayOf(from, to));
    const underWayMs = (link?.delayMs ?? 0) + this.delayMs([from.name, to.name].toSorted().join(" "));
    const takesMs = link?.bytesPerSecond === undefined ? 0 : (1_000 * bytes) / link.bytesPerSecond;
    const at = Math.max((this.#arrivals.get(line) ?? 0) + takesMs, now + underWayMs + takesMs);
    this.#arrivals.set(line, at);
    clock.after(at - now, () => {
      if (this.#arrivals.get(line) === at) this.#arrivals.delete(line);
      if (this.isCut(from, to)) this.#parked.push(parcel);
      else arrive();
    });
  }

  #unpark(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const parcel of parked) this.#carry(parcel);
  }

  #require(net: MemoryNet): MemoryHost {
    const host = [...this.#hosts].find((each) => each === net);
    assert(host !== undefined, "faults happen to nets of this hub");
    return host;
  }
}

type Named = Pick<MemoryNet, "name">;

interface Parcel {
  readonly from: Named;
  readonly to: Named;
  readonly line: string;
  readonly arrive: () => void;
  readonly bytes: number;
}

class MemoryHost implements MemoryNet {
  readonly name: string;
  readonly #hub: MemoryHub;
  readonly #handlers = new Map<string, (stream: ByteStream) => void>();
  readonly #changeListeners: (() => void)[] = [];
  readonly #streams = new Map<MemoryStream, { readonly to: MemoryHost; readonly identity: Identity }>();
  #identity: Identity;
  #address: string;
  #closed = false;
  #dialling = 0;

  constructor(hub: MemoryHub, name: string | undefined) {
    this.#hub = hub;
    this.#identity = hub.newIdentity();
    this.#address = name === undefined ? hub.newHostAddress() : hub.addressOf(name);
    this.name = name ?? this.#address;
  }

  readonly openStreams = (): number => this.#streams.size;

  unreadBy: MemoryNet["unreadBy"] = () => {
    const byName = new Map<string, number>();
    for (const [stream, { to }] of this.#streams)
      byName.set(to.name, (byName.get(to.name) ?? 0) + stream.unread);
    return byName;
  };

  readonly dialling = (): number => this.#dialling;

  readonly host = (): string => this.#address;

  readonly addresses = (): readonly string[] =>
    this.#closed ? [] : [addressOf(this.#address, this.#identity.port, this.#identity.transportId)];

  readonly transportId = (): string => this.#identity.transportId;

  readonly dial = async (address: string, protocol: string, timeoutMs: number): Promise<ByteStream> => {
    if (this.#closed) throw new EngineError("NETWORK_UNAVAILABLE", "the network of this device is closed");
    const target = parseTcpAddress(address);
    const isOwn = target.host === this.#address && target.port === this.#identity.port;
    if (isOwn || target.transportId === this.#identity.transportId) {
      throw new EngineError("ADDRESS_INVALID", "the address is this device's own");
    }
    this.#dialling++;
    try {
      const dial = new MemoryDial(this.#hub.options.clock, timeoutMs);
      this.#connect(target, protocol, dial);
      return await dial.result;
    } finally {
      this.#dialling--;
    }
  };

  readonly handle = (protocol: string, handler: ((stream: ByteStream) => void) | null): void => {
    if (handler === null) this.#handlers.delete(protocol);
    else this.#handlers.set(protocol, handler);
  };

  readonly renew = (): Promise<void> => {
    if (this.#closed) {
      return Promise.reject(new EngineError("NETWORK_UNAVAILABLE", "the network of this device is closed"));
    }
    const former = this.#identity;
    this.#identity = this.#hub.newIdentity();
    this.#hub.options.clock.after(DRAIN_MS, () => {
      for (const [stream, { identity }] of this.#streams) if (identity === former) stream.abort();
    });
    return Promise.resolve();
  };

  readonly onNetworkChange = (listener: () => void): void => {
    this.#changeListeners.push(listener);
  };

  readonly close = (): Promise<void> => {
    if (this.#closed) return Promise.resolve();
    for (const stream of this.#streams.keys()) stream.abort();
    this.#closed = true;
    this.#hub.remove(this);
    return Promise.resolve();
  };

  readonly vanish = (how: "told" | "silent"): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#hub.remove(this);
    for (const [stream] of this.#streams) stream.vanish(how);
    this.#streams.clear();
    this.#handlers.clear();
    this.#changeListeners.length = 0;
  };

  listensAt(host: string, port: number): boolean {
    return !this.#closed && host === this.#address && port === this.#identity.port;
  }

  streamsTo(to: MemoryHost): readonly MemoryStream[] {
    return [...this.#streams].flatMap(([stream, each]) => (each.to === to ? [stream] : []));
  }

  move(address: string): void {
    this.#hub.moved(this, address);
    this.#address = address;
    for (const stream of this.#streams.keys()) stream.lose();
    for (const listener of this.#changeListeners) listener();
  }

  #connect(target: TcpAddress, protocol: string, dial: MemoryDial): void {
    const other = this.#hub.hostAt(target.host, target.port);
    if (other === undefined) {
      const takesMs = this.#hub.delayMs(`${this.#address} ${target.host}`);
      this.#hub.options.clock.after(takesMs, () => dial.answered());
      return;
    }
    const line = `${this.#address}:${this.#hub.newLine()} ${target.host}:${target.port} ${protocol}`;
    this.#hub.send(this, other, `${line} >`, () => {
      if (!this.#closed && !dial.isGivenUp) dial.accepted(other.#accept(this, target, protocol, line));
      this.#hub.send(other, this, `${line} <`, () => dial.answered());
    });
  }

  /** The initiator's end, or undefined where this host refuses. */
  #accept(from: MemoryHost, target: TcpAddress, protocol: string, line: string): ByteStream | undefined {
    const handler = this.#handlers.get(protocol);
    const identity = this.#identity;
    const isHere = this.listensAt(target.host, target.port);
    const isWanted = target.transportId === undefined || target.transportId === identity.transportId;
    if (handler === undefined || !isHere || !isWanted) return undefined;
    const carrier = this.#carrier(from, line);
    const [initiator, responder] = [true, false].map((isInitiator) => {
      const [own, peer] = isInitiator ? [from.#identity, identity] : [identity, from.#identity];
      const [host, to] = isInitiator ? [from, this] : [this, from];
      const stream: MemoryStream = new MemoryStream(
        carrier,
        {
          initiator: isInitiator,
          ownTransport: own.transport,
          peerTransport: peer.transport,
          // What the responder sees is a port for this one connection.
          peerAddress: addressOf(to.#address, isInitiator ? target.port : PORT_FROM - 1, peer.transportId),
        },
        () => host.#streams.delete(stream),
      );
      host.#streams.set(stream, { to, identity: own });
      return stream;
    });
    assert(initiator !== undefined && responder !== undefined, "a stream has two ends");
    initiator.peer = responder;
    responder.peer = initiator;
    handler(responder);
    return initiator;
  }

  #carrier(from: MemoryHost, line: string): Carrier {
    const { options } = this.#hub;
    const { random, pieceBytesMax } = options;
    return {
      deliver: (end, arrive, piece) => {
        const [sender, receiver, way] = end.initiator ? [from, this, ">"] : [this, from, "<"];
        if (piece !== undefined) this.#hub.options.listen?.(piece, sender, `${line} ${way}`);
        this.#hub.send(sender, receiver, `${line} ${way}`, arrive, piece?.length ?? 0);
      },
      cut: (bytes) => {
        const pieces: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0) {
          pieces.push(bytes.subarray(at, at + random.between(1, pieceBytesMax)));
        }
        return pieces;
      },
      alter: (end, piece) => this.#hub.options.alter?.(piece, end.initiator ? from : this) ?? piece,
      isLost: () => random.below(10_000) < options.lossPer10000,
    };
  }
}

function addressOf(host: string, port: number, transportId: string): string {
  return `/ip4/${host}/tcp/${port}/p2p/${transportId}`;
}

function wayOf(from: Named, to: Named): string {
  return `${from.name}>${to.name}`;
}
