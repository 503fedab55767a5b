/**
 * Dials the addresses of one peer so that one connection comes of it: the next address begins a moment after the one before (RFC 8305),
 * the first that answers wins, and the others are dropped. One such race per transport identity at a time. Decides nothing else.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { Clock } from "../../core/base/ports.ts";
import type { ByteStream, Net } from "../../core/sync/ports.ts";

/** RFC 8305 recommends 250 ms between attempts. */
const STAGGER_MS = 250;
const DIAL_TIMEOUT_MS = 4_000;
/** Peers dialled at once; a flood of answers on the network costs no more. */
const RACES_MAX = 8;
const ADDRESSES_MAX = 4;

export class Dialler {
  readonly #net: Net;
  readonly #clock: Clock;
  readonly #races = new Set<string>();

  constructor(net: Net, clock: Clock) {
    this.#net = net;
    this.#clock = clock;
  }

  /**
   * Runs `use` on the first stream that opens; null where none does, or where this transport identity is being dialled already.
   * Rejects as `use` does.
   */
  async dialFirst<Result>(
    addresses: readonly string[],
    protocol: string,
    use: (stream: ByteStream) => Promise<Result>,
  ): Promise<Result | null> {
    const key = transportIdOf(addresses[0] ?? "");
    if (addresses.length === 0 || this.#races.has(key) || this.#races.size >= RACES_MAX) return null;
    this.#races.add(key);
    try {
      const stream = await this.#race(addresses.slice(0, ADDRESSES_MAX), protocol);
      return stream === null ? null : await use(stream);
    } finally {
      this.#races.delete(key);
    }
  }

  async #race(addresses: readonly string[], protocol: string): Promise<ByteStream | null> {
    const { promise, resolve, reject } = Promise.withResolvers<ByteStream | null>();
    let isOver = false;
    let left = addresses.length;
    const lost = (): void => {
      left--;
      if (left === 0) resolve(null);
    };
    const attempt = async (address: string): Promise<void> => {
      if (isOver) return lost();
      try {
        const stream = await this.#net.dial(address, protocol, DIAL_TIMEOUT_MS);
        if (isOver) stream.abort();
        isOver = true;
        resolve(stream);
      } catch (error) {
        if (isEngineError(error)) lost();
        else reject(error);
      }
    };
    const cancels = addresses.map((address, at) =>
      this.#clock.after(at * STAGGER_MS, () => void attempt(address)),
    );
    try {
      return await promise;
    } finally {
      isOver = true;
      for (const cancel of cancels) cancel();
    }
  }
}

/** What stands behind `/p2p/` in a multiaddr; the whole address where nothing does. */
export function transportIdOf(address: string): string {
  const at = address.lastIndexOf("/p2p/");
  return at < 0 ? address : address.slice(at + "/p2p/".length);
}
