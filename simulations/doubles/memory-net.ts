/**
 * The Net port without a network: hosts joined by a hub, in virtual time, every delay and every loss from one seed. A partition
 * is silent, as a cable that was pulled: what is under way waits, and comes when it heals.
 * Tests: test/unit/doubles/memory-net.test.ts, which runs test/contracts/net.contract.ts.
 */
import { toString } from "uint8arrays/to-string";
import { concat } from "../../src/core/base/bytes.ts";
import { assert, EngineError } from "../../src/core/base/errors.ts";
import type { Clock } from "../../src/core/base/ports.ts";
import type { ByteStream, Net } from "../../src/core/sync/ports.ts";
import { parseTcpAddress, type TcpAddress } from "../../src/io/net/address.ts";
import type { Random } from "./random.ts";
import { type Carrier, MemoryStream } from "./memory-stream.ts";

/** As in src/io/net. */
const DRAIN_MS = 60_000;

/** Multihash and protobuf around an Ed25519 key: what makes a libp2p peer id of 32 bytes. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

const PORT_FROM = 20_000;

export interface MemoryHubOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One way; each pair of hosts has its own, with a little jitter. */
  readonly delayMsMax: number;
  /** Largest piece in which bytes arrive. */
  readonly pieceBytesMax: number;
  /** How many pieces of 10,000 break their connection instead of arriving. */
  readonly lossPer10000: number;
}

/** One identity of a host, from its start or `renew` on. */
interface Identity {
  readonly transport: Uint8Array;
  readonly transportId: string;
  readonly port: number;
}

export interface MemoryNet extends Net {
  /** Its address now; the hub's faults go by it. */
  readonly host: () => string;
}

export class MemoryHub {
  readonly options: MemoryHubOptions;
  readonly #hosts = new Set<MemoryHost>();
  readonly #cut = new Set<string>();
  readonly #delays = new Map<string, number>();
  readonly #arrivals = new Map<string, number>();
  /** Waiting for a partition to heal, in order. */
  #parked: { readonly pair: string; readonly line: string; readonly arrive: () => void }[] = [];
  #hostCount = 0;

  constructor(options: MemoryHubOptions) {
    this.options = options;
  }

  createNet(): MemoryNet {
    const host = new MemoryHost(this);
    this.#hosts.add(host);
    return host;
  }

  nets(): readonly MemoryNet[] {
    return [...this.#hosts];
  }

  /** Nothing passes between the two any more, and nobody is told. */
  partition(a: MemoryNet, b: MemoryNet): void {
    this.#cut.add(pairOf(a, b));
  }

  heal(): void {
    this.#cut.clear();
    const parked = this.#parked;
    this.#parked = [];
    for (const { pair, line, arrive } of parked) this.#carry(pair, line, arrive);
  }

  /** Every stream between the two breaks for both. */
  breakStreams(a: MemoryNet, b: MemoryNet): void {
    const [from, to] = [this.#require(a), this.#require(b)];
    for (const stream of from.streamsTo(to)) stream.lose();
    for (const stream of to.streamsTo(from)) stream.lose();
  }

  /** Another address, as in another Wi-Fi: what was connected hears nothing any more; the host itself is told. */
  moveHost(net: MemoryNet): void {
    this.#require(net).move(this.newHostAddress());
  }

  isCut(a: MemoryNet, b: MemoryNet): boolean {
    return this.#cut.has(pairOf(a, b));
  }

  newHostAddress(): string {
    const number = ++this.#hostCount;
    return `10.0.${Math.floor(number / 250)}.${1 + (number % 250)}`;
  }

  newIdentity(): Identity {
    const transport = concat(PEER_ID_PREFIX, this.options.random.bytes(32));
    return {
      transport,
      transportId: toString(transport, "base58btc"),
      port: PORT_FROM + this.options.random.below(40_000),
    };
  }

  hostAt(host: string, port: number): MemoryHost | undefined {
    return [...this.#hosts].find((each) => each.listensAt(host, port));
  }

  /** `line` names what must stay in order; another line may overtake it. */
  send(from: MemoryNet, to: MemoryNet, line: string, arrive: () => void): void {
    this.#carry(pairOf(from, to), line, arrive);
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

  #carry(pair: string, line: string, arrive: () => void): void {
    const { clock } = this.options;
    const now = clock.monotonicMs();
    const at = Math.max(this.#arrivals.get(line) ?? 0, now + this.delayMs(pair));
    this.#arrivals.set(line, at);
    clock.after(at - now, () => {
      if (this.#arrivals.get(line) === at) this.#arrivals.delete(line);
      if (this.#cut.has(pair)) this.#parked.push({ pair, line, arrive });
      else arrive();
    });
  }

  #require(net: MemoryNet): MemoryHost {
    const host = [...this.#hosts].find((each) => each === net);
    assert(host !== undefined, "faults happen to nets of this hub");
    return host;
  }
}

class MemoryHost implements MemoryNet {
  readonly #hub: MemoryHub;
  readonly #handlers = new Map<string, (stream: ByteStream) => void>();
  readonly #changeListeners: (() => void)[] = [];
  readonly #streams = new Map<MemoryStream, { readonly to: MemoryHost; readonly identity: Identity }>();
  #identity: Identity;
  #address: string;
  #closed = false;
  #streamCount = 0;

  constructor(hub: MemoryHub) {
    this.#hub = hub;
    this.#identity = hub.newIdentity();
    this.#address = hub.newHostAddress();
  }

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
    return new Promise((resolve, reject) => {
      let isTimedOut = false;
      const cancel = this.#hub.options.clock.after(timeoutMs, () => {
        isTimedOut = true;
        reject(new EngineError("TIMED_OUT", "the device did not answer in time"));
      });
      this.#connect(target, protocol, (result) => {
        cancel();
        if (result instanceof EngineError) reject(result);
        else if (isTimedOut) result.abort();
        else resolve(result);
      });
    });
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

  listensAt(host: string, port: number): boolean {
    return !this.#closed && host === this.#address && port === this.#identity.port;
  }

  streamsTo(to: MemoryHost): readonly MemoryStream[] {
    return [...this.#streams].flatMap(([stream, each]) => (each.to === to ? [stream] : []));
  }

  move(address: string): void {
    this.#address = address;
    for (const stream of this.#streams.keys()) stream.lose();
    for (const listener of this.#changeListeners) listener();
  }

  #connect(target: TcpAddress, protocol: string, done: (result: ByteStream | EngineError) => void): void {
    const unreachable = new EngineError("PEER_UNREACHABLE", "no device answers at that address");
    const other = this.#hub.hostAt(target.host, target.port);
    if (other === undefined) {
      this.#hub.options.clock.after(this.#hub.delayMs(`${this.#address} ${target.host}`), () =>
        done(unreachable),
      );
      return;
    }
    const line = `${this.#address}:${++this.#streamCount} ${target.host}:${target.port}`;
    this.#hub.send(this, other, `${line} >`, () => {
      const accepted = other.#accept(this, target, protocol, line);
      this.#hub.send(other, this, `${line} <`, () => done(accepted ?? unreachable));
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
    const { random, pieceBytesMax, lossPer10000 } = this.#hub.options;
    return {
      deliver: (end, arrive) => {
        if (end.initiator) this.#hub.send(from, this, `${line} >`, arrive);
        else this.#hub.send(this, from, `${line} <`, arrive);
      },
      cut: (bytes) => {
        const pieces: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0) {
          pieces.push(bytes.subarray(at, at + random.between(1, pieceBytesMax)));
        }
        return pieces;
      },
      isLost: () => random.below(10_000) < lossPer10000,
    };
  }
}

function addressOf(host: string, port: number, transportId: string): string {
  return `/ip4/${host}/tcp/${port}/p2p/${transportId}`;
}

function pairOf(a: MemoryNet, b: MemoryNet): string {
  return [a.host(), b.host()].toSorted().join(" ");
}
