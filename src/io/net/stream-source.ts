/**
 * Reads a libp2p stream as an iterable with a bounded queue. Iterating the stream itself has no back-pressure: it queues
 * without end. Here a full queue keeps Yamux from opening the sender's window, so that at most one window more can come.
 *
 * `pause()` would do the same and hold what still comes in the stream's own buffer, in pieces as small as the sender likes
 * (measured: 570 MB for 1 MB in frames of one byte). So only the window is held, and small pieces are joined here.
 * Tests: test/contracts/net.contract.ts, test/integration/net/memory.test.ts.
 */
import type { Stream } from "@libp2p/interface";
import { assert } from "../../core/base/errors.ts";
import { statusError, streamError } from "./net-errors.ts";

/** The size of a first window; with what is on its way a stream holds at most twice this until its window grows. */
const QUEUE_BYTES_HIGH = 256 * 1024;
const QUEUE_BYTES_LOW = QUEUE_BYTES_HIGH / 2;

/** Pieces below the first size are copied together into blocks of the second. */
const SMALL_BYTES = 2 * 1024;
const BLOCK_BYTES = 16 * 1024;

type Read = IteratorResult<Uint8Array, undefined>;

/** Of the muxer's streams, what opens and holds the window alone. */
interface WithWindow {
  readonly sendPause: () => void;
  readonly sendResume: () => void;
}

export class StreamSource implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #stream: Stream & WithWindow;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** The last of the chunks, where it is a block with room at its end. */
  #block: { readonly room: Uint8Array; used: number } | undefined;
  #held = false;
  #peerEnded: boolean;
  #ended = false;
  #error: Error | undefined;
  #reader: { readonly resolve: (read: Read) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(stream: Stream) {
    this.#stream = stream as Stream & WithWindow;
    this.#peerEnded = stream.status === "open" && stream.remoteWriteStatus === "closed";
    stream.addEventListener("remoteCloseWrite", () => {
      this.#peerEnded = true;
    });
    stream.addEventListener("end", () => {
      // Of an abort or a reset `close` follows at once and tells why.
      if (stream.status !== "aborted" && stream.status !== "reset") this.#end(undefined);
    });
    stream.addEventListener("close", ({ error }) => this.#end(error));
    stream.addEventListener("message", ({ data }) => {
      if (data instanceof Uint8Array) this.#take(data);
      else for (const chunk of data) this.#take(chunk);
    });
    if (stream.readableEnded || stream.status !== "open") this.#end(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Read> {
    assert(this.#reader === undefined, "a stream has one reader");
    const chunk = this.#shift();
    if (chunk !== undefined) {
      this.#bytes -= chunk.length;
      if (this.#held && this.#bytes <= QUEUE_BYTES_LOW) this.#openWindow();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** The reader stopped: what still comes is dropped, so that the stream can end by itself. */
  return(): Promise<Read> {
    this.#ended = true;
    this.#chunks = [];
    this.#block = undefined;
    this.#bytes = 0;
    if (this.#held) this.#openWindow();
    return Promise.resolve({ done: true, value: undefined });
  }

  #take(chunk: Uint8Array): void {
    if (this.#ended) return;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: chunk });
      return;
    }
    this.#push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < QUEUE_BYTES_HIGH || this.#held) return;
    this.#held = true;
    this.#stream.sendPause();
  }

  #push(chunk: Uint8Array): void {
    if (chunk.length >= SMALL_BYTES) {
      this.#closeBlock();
      this.#chunks.push(chunk);
      return;
    }
    if (this.#block === undefined || this.#block.used + chunk.length > BLOCK_BYTES) {
      this.#closeBlock();
      this.#block = { room: new Uint8Array(BLOCK_BYTES), used: 0 };
      this.#chunks.push(this.#block.room);
    }
    this.#block.room.set(chunk, this.#block.used);
    this.#block.used += chunk.length;
  }

  #shift(): Uint8Array | undefined {
    if (this.#chunks.length === 1) this.#closeBlock();
    return this.#chunks.shift();
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    this.#chunks[this.#chunks.length - 1] = this.#block.room.subarray(0, this.#block.used);
    this.#block = undefined;
  }

  #openWindow(): void {
    this.#held = false;
    if (this.#stream.status === "open") this.#stream.sendResume();
  }

  /** After this nothing more comes. It was the peer's wish only if the peer said so: a broken connection is no end. */
  #end(error: Error | undefined): void {
    if (this.#ended || this.#error !== undefined) return;
    const { status } = this.#stream;
    if (error === undefined && this.#peerEnded && status !== "aborted" && status !== "reset")
      this.#ended = true;
    else this.#error = error === undefined ? statusError(status) : streamError(error);
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    if (this.#error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(this.#error);
  }
}
