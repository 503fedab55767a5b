/**
 * The Net port over libp2p: one host at a time under a fresh transport identity, and the hand-over to the next.
 * Decides nothing about peers; who they are is proved inside the streams.
 * Spec: docs/spec/transport.md. Tests: test/integration/net, which runs test/contracts/net.contract.ts.
 */
import "./process-guard.ts";
import { EngineError } from "../../core/base/errors.ts";
import type { Entropy } from "../../core/base/ports.ts";
import type { ByteStream, Net } from "../../core/sync/ports.ts";
import { parseTcpAddress } from "./address.ts";
import { Host } from "./host.ts";
import type { LibNodeOptions } from "./lib-node.ts";
import { defaultLimits, type NetLimits } from "./limits.ts";
import { watchNetwork } from "./network-watch.ts";

const LISTEN_DEFAULT = ["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"] as const;

/** How often a host that is being drained is looked at. Only while one is. */
const DRAIN_LOOK_MS = 500;

export interface NetOptions {
  /** Multiaddrs; port 0 takes a free one, and another at each `renew`. An empty list only dials. */
  readonly listen?: readonly string[];
  /** Where the transport identities come from; the system's randomness if absent. */
  readonly entropy?: Entropy;
  readonly limits?: Partial<NetLimits>;
}

/**
 * Listens and dials until closed. A transport identity lives in memory only, from here or from `renew` on.
 *
 * @throws EngineError `ADDRESS_INVALID`, `ADDRESS_IN_USE`, `NETWORK_UNAVAILABLE`.
 */
export async function createNet(options: NetOptions = {}): Promise<Net> {
  const nodeOptions: LibNodeOptions = {
    listen: (options.listen ?? LISTEN_DEFAULT).map(parseTcpAddress),
    limits: { ...defaultLimits, ...options.limits },
    entropy: options.entropy,
  };
  return new LibNet(nodeOptions, await Host.start(nodeOptions));
}

class LibNet implements Net {
  readonly #options: LibNodeOptions;
  readonly #handlers = new Map<string, (stream: ByteStream) => void>();
  readonly #changeListeners: (() => void)[] = [];
  readonly #watch = watchNetwork(() => {
    for (const listener of this.#changeListeners) listener();
  });
  readonly #draining = new Set<Host>();
  #host: Host;
  #renewing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LibNodeOptions, host: Host) {
    this.#options = options;
    this.#host = host;
  }

  readonly addresses = (): readonly string[] => (this.#closed ? [] : this.#host.addresses());

  readonly transportId = (): string => this.#host.transportId;

  readonly dial = async (address: string, protocol: string, timeoutMs: number): Promise<ByteStream> => {
    this.#requireOpen();
    const target = parseTcpAddress(address);
    const own = [this.#host, ...this.#draining].some(({ transportId }) => transportId === target.transportId);
    if (own) throw new EngineError("ADDRESS_INVALID", "the address is this device's own");
    return this.#host.dial(target, protocol, timeoutMs);
  };

  readonly handle = (protocol: string, handler: ((stream: ByteStream) => void) | null): void => {
    if (handler === null) {
      this.#handlers.delete(protocol);
      for (const host of [this.#host, ...this.#draining]) host.unhandle(protocol);
      return;
    }
    this.#handlers.set(protocol, handler);
    this.#host.handle(protocol, (stream) => this.#incoming(protocol, stream));
  };

  readonly renew = (): Promise<void> => {
    // One after the other, and a failed one does not keep the next from being tried.
    const renewed = this.#renewing.then(() => this.#replaceHost());
    this.#renewing = renewed.catch(() => undefined);
    return renewed;
  };

  readonly onNetworkChange = (listener: () => void): void => {
    this.#changeListeners.push(listener);
  };

  readonly close = async (): Promise<void> => {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    await this.#renewing;
    await Promise.all([this.#host, ...this.#draining].map((host) => host.stop()));
    this.#draining.clear();
  };

  #requireOpen(): void {
    if (this.#closed) throw new EngineError("NETWORK_UNAVAILABLE", "the network of this device is closed");
  }

  #incoming(protocol: string, stream: ByteStream): void {
    const handler = this.#handlers.get(protocol);
    if (handler === undefined) stream.abort();
    else handler(stream);
  }

  async #replaceHost(): Promise<void> {
    this.#requireOpen();
    const former = this.#host;
    // A port that was asked for by number is free only once the former host no longer listens there.
    const isPortFixed = this.#options.listen.some(({ port }) => port !== 0);
    if (isPortFixed) former.pauseListening();
    try {
      this.#host = await Host.start(this.#options);
    } catch (error) {
      if (isPortFixed) await former.resumeListening();
      throw error;
    }
    for (const protocol of this.#handlers.keys()) {
      this.#host.handle(protocol, (stream) => this.#incoming(protocol, stream));
    }
    former.pauseListening();
    this.#drain(former);
  }

  /** Lets the streams of a former identity come to their end, up to a limit. */
  #drain(host: Host): void {
    this.#draining.add(host);
    const startedAt = performance.now();
    const timer = setInterval(() => {
      const isOver = host.streamCount === 0 || performance.now() - startedAt >= this.#options.limits.drainMs;
      if (!isOver && !this.#closed) return;
      clearInterval(timer);
      if (!this.#draining.delete(host)) return;
      host.stop().catch((error: unknown) => {
        // The identity is gone either way; the next look at open handles would show what was left.
        process.emitWarning(new Error("a former host did not stop", { cause: error }));
      });
    }, DRAIN_LOOK_MS);
    timer.unref();
  }
}
