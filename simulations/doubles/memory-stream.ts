/**
 * A ByteStream without a network: two ends joined by pipes that deliver later, in order, in other pieces, and at most one
 * window ahead of the reader. Time and chance are those of the hub.
 * Tests: test/unit/doubles/memory-net.test.ts, which runs test/contracts/net.contract.ts.
 */
import { assert, EngineError } from "../../src/core/base/errors.ts";
import type { ByteStream } from "../../src/core/sync/ports.ts";

/** As in src/io/net: bytes on their way and not read yet. */
const WINDOW_BYTES = 256 * 1024;

const NEVER = new Promise<never>(() => undefined);

type Read = IteratorResult<Uint8Array, undefined>;

/** What carries between two ends; `deliver` calls `arrive` later, never before what was given earlier in that direction. */
export interface Carrier {
  readonly deliver: (from: MemoryStream, arrive: () => void, piece?: Uint8Array) => void;
  readonly alter: (from: MemoryStream, piece: Uint8Array) => Uint8Array;
  readonly cut: (bytes: Uint8Array) => readonly Uint8Array[];
  /** The connection breaks before these bytes arrive. */
  readonly isLost: () => boolean;
}

export interface StreamEnds {
  readonly initiator: boolean;
  readonly ownTransport: Uint8Array;
  readonly peerTransport: Uint8Array;
  readonly peerAddress: string;
}

export class MemoryStream implements ByteStream {
  readonly initiator: boolean;
  readonly ownTransport: Uint8Array;
  readonly peerTransport: Uint8Array;
  readonly peerAddress: string;
  readonly source: AsyncIterableIterator<Uint8Array, undefined>;
  peer!: MemoryStream;
  readonly #carrier: Carrier;
  readonly #onOver: () => void;
  readonly #chunks: Uint8Array[] = [];
  /** Sent by this end and not read by the other. */
  #unread = 0;
  #peerEnded = false;
  #ownEnded = false;
  #isReading = true;
  #error: EngineError | undefined;
  #isOver = false;
  #hasVanished = false;
  #reader: { readonly resolve: (read: Read) => void; readonly reject: (error: Error) => void } | undefined;
  #wakeWriter: (() => void) | undefined;
  #breakWriter: ((error: Error) => void) | undefined;

  constructor(carrier: Carrier, ends: StreamEnds, onOver: () => void) {
    this.#carrier = carrier;
    this.#onOver = onOver;
    ({
      initiator: this.initiator,
      ownTransport: this.ownTransport,
      peerTransport: this.peerTransport,
      peerAddress: this.peerAddress,
    } = ends);
    this.source = {
      next: () => this.#next(),
      return: () => this.#stopReading(),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  readonly sink = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    const iterator = bytes[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#orBreak(iterator.next());
        if (next.done === true) break;
        for (const piece of this.#carrier.cut(Uint8Array.from(next.value))) await this.#send(piece);
      }
    } catch (error) {
      this.#break(new EngineError("ABORTED", "the writer failed"));
      iterator.return?.().catch(() => undefined);
      throw error;
    }
    this.#ownEnded = true;
    this.#carrier.deliver(this, () => this.peer.#takeEnd());
    this.#finishIfOver();
  };

  readonly abort = (): void => {
    this.#break(new EngineError("ABORTED", "this device ended the connection"));
  };

  /** Bytes that this end has sent and the other has not read. */
  get unread(): number {
    return this.#unread;
  }

  /** This end's program died: nothing of it settles any more. The other end is told, or, of a machine without power, not. */
  vanish(how: "told" | "silent"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hasVanished = true;
    this.#chunks.length = 0;
    this.#reader = undefined;
    this.#breakWriter = undefined;
    this.#wakeWriter = undefined;
    if (how === "told") this.#carrier.deliver(this, () => this.peer.lose());
    this.#onOver();
  }

  /** The connection is gone, and this end is told; the other is told by its own `lose`. */
  lose(): void {
    this.#fail(new EngineError("PEER_CLOSED", "the connection to the device broke"));
  }

  #next(): Promise<Read> {
    if (this.#hasVanished) return NEVER;
    assert(this.#reader === undefined, "a stream has one reader");
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#carrier.deliver(this, () => this.peer.#acknowledge(chunk.length));
      return Promise.resolve({ done: false, value: chunk });
    }
    if (!this.#isReading) return Promise.resolve({ done: true, value: undefined });
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#peerEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  #stopReading(): Promise<Read> {
    this.#isReading = false;
    for (const chunk of this.#chunks.splice(0)) {
      this.#carrier.deliver(this, () => this.peer.#acknowledge(chunk.length));
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  async #send(piece: Uint8Array): Promise<void> {
    while (this.#unread >= WINDOW_BYTES) {
      await this.#orBreak(
        new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        }),
      );
    }
    if (this.#hasVanished) return NEVER;
    if (this.#carrier.isLost()) {
      this.#carrier.deliver(this, () => this.peer.lose());
      this.lose();
      throw this.#error ?? new EngineError("PEER_CLOSED", "the connection to the device broke");
    }
    this.#unread += piece.length;
    const arriving = this.#carrier.alter(this, piece);
    this.#carrier.deliver(this, () => this.peer.#take(arriving), piece);
  }

  #orBreak<Value>(wait: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#breakWriter = reject;
      wait.then(resolve, reject);
      if (this.#error !== undefined) reject(this.#error);
    });
  }

  #acknowledge(size: number): void {
    this.#unread -= size;
    if (this.#unread < WINDOW_BYTES) this.#wakeWriter?.();
  }

  #take(piece: Uint8Array): void {
    if (this.#error !== undefined || this.#hasVanished) return;
    const reader = this.#reader;
    if (reader === undefined && this.#isReading) {
      this.#chunks.push(piece);
      return;
    }
    this.#carrier.deliver(this, () => this.peer.#acknowledge(piece.length));
    this.#reader = undefined;
    reader?.resolve({ done: false, value: piece });
  }

  #takeEnd(): void {
    if (this.#hasVanished) return;
    this.#peerEnded = true;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve({ done: true, value: undefined });
    this.#finishIfOver();
  }

  #break(error: EngineError): void {
    if (this.#isOver) return;
    this.#fail(error);
    this.#carrier.deliver(this, () => this.peer.lose());
  }

  #fail(error: EngineError): void {
    if (this.#isOver) return;
    this.#error = error;
    this.#chunks.length = 0;
    this.#reader?.reject(error);
    this.#reader = undefined;
    this.#breakWriter?.(error);
    this.#finish();
  }

  #finishIfOver(): void {
    if (this.#ownEnded && this.#peerEnded) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}
