/**
 * Reads a libp2p stream as an iterable with a bounded queue. Iterating the stream itself has no back-pressure: it queues
 * without end. Here the sender's window is opened again only for what was read, so that no more than it can be under way.
 *
 * `pause()` would hold the window too, but keep what still comes in the stream's own buffer, in pieces as small as the sender
 * likes (measured: 570 MB for 1 MB in frames of one byte); small pieces are joined here. And left alone, Yamux answers every
 * frame with a window update: of the five packets that a beat and its answer cost, two.
 * Tests: test/contracts/net.contract.ts, test/integration/net/hostile.test.ts.
 */
import type { Stream } from "@libp2p/interface";
import { assert } from "../../core/base/errors.ts";
import { statusError, streamError } from "./net-errors.ts";

/** The window is opened after so much was read, and while no more than this waits to be read: half of a first window. */
const OPEN_AFTER_BYTES = 128 * 1024;

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
  /** Queued, and read since the window was last opened. */
  #bytes = 0;
  #readBytes = 0;
  /** The last of the chunks, where it is a block with room at its end. */
  #block: { readonly room: Uint8Array; used: number } | undefined;
  #peerEnded: boolean;
  #ended = false;
  #error: Error | undefined;
  #reader: { readonly resolve: (read: Read) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(stream: Stream) {
    this.#stream = stream as Stream & WithWindow;
    this.#stream.sendPause();
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
      this.#countRead(chunk.length);
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
    const dropped = this.#bytes;
    this.#bytes = 0;
    this.#countRead(dropped);
    return Promise.resolve({ done: true, value: undefined });
  }

  #take(chunk: Uint8Array): void {
    const reader = this.#reader;
    if (reader === undefined && !this.#ended) {
      this.#push(chunk);
      this.#bytes += chunk.length;
      return;
    }
    this.#reader = undefined;
    reader?.resolve({ done: false, value: chunk });
    this.#countRead(chunk.length);
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

  /** Opens the window for what was read, and holds it again. */
  #countRead(size: number): void {
    this.#readBytes += size;
    if (this.#readBytes < OPEN_AFTER_BYTES || this.#bytes > OPEN_AFTER_BYTES) return;
    this.#readBytes = 0;
    if (this.#stream.status !== "open") return;
    this.#stream.sendResume();
    this.#stream.sendPause();
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
