/**
 * Reads a libp2p stream as an iterable with a bounded queue. Iterating the stream itself has no back-pressure: it queues
 * without end. Here a full queue pauses the stream, which keeps Yamux from opening the sender's window.
 * Tests: test/contracts/net.contract.ts, test/integration/net/memory.test.ts.
 */
import type { Stream } from "@libp2p/interface";
import { assert } from "../../core/base/errors.ts";
import { streamError } from "./net-errors.ts";

/** One window: what is queued beyond it, the paused stream holds itself. */
const QUEUE_BYTES_HIGH = 256 * 1024;
const QUEUE_BYTES_LOW = QUEUE_BYTES_HIGH / 2;

/** What a queued chunk costs besides its bytes, so that a flood of tiny ones counts for what it takes. */
const CHUNK_COST = 256;

type Read = IteratorResult<Uint8Array, undefined>;

export class StreamSource implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #stream: Stream;
  #chunks: Uint8Array[] = [];
  #cost = 0;
  #paused = false;
  #peerEnded: boolean;
  #ended = false;
  #error: Error | undefined;
  #reader: { readonly resolve: (read: Read) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#peerEnded = stream.status === "open" && stream.remoteWriteStatus === "closed";
    stream.addEventListener("remoteCloseWrite", () => {
      this.#peerEnded = true;
    });
    // Of an abort or a reset, `end` comes just before `close` tells why; unless bytes were waiting, then long after.
    let closed = stream.status !== "open";
    let reason: Error | undefined;
    stream.addEventListener("end", () => {
      if (closed || (stream.status !== "aborted" && stream.status !== "reset")) this.#end(reason);
    });
    stream.addEventListener("close", ({ error }) => {
      closed = true;
      reason = error;
      if (stream.readBufferLength === 0) this.#end(error);
    });
    stream.addEventListener("message", ({ data }) => {
      if (data instanceof Uint8Array) this.#take(data);
      else for (const chunk of data) this.#take(chunk);
    });
    if (stream.readableEnded || (stream.status !== "open" && stream.readBufferLength === 0)) {
      this.#end(undefined);
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Read> {
    assert(this.#reader === undefined, "a stream has one reader");
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#cost -= chunk.length + CHUNK_COST;
      if (this.#paused && this.#cost <= QUEUE_BYTES_LOW) this.#resume();
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
    this.#cost = 0;
    if (this.#paused) this.#resume();
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
    this.#chunks.push(chunk);
    this.#cost += chunk.length + CHUNK_COST;
    if (this.#cost < QUEUE_BYTES_HIGH || this.#paused || this.#stream.readStatus !== "readable") return;
    this.#paused = true;
    this.#stream.pause();
  }

  #resume(): void {
    this.#paused = false;
    if (this.#stream.readStatus === "paused") this.#stream.resume();
  }

  /** After this nothing more comes. It was the peer's wish only if the peer said so: a broken connection is no end. */
  #end(error: Error | undefined): void {
    if (this.#ended || this.#error !== undefined) return;
    const { status } = this.#stream;
    if (error === undefined && this.#peerEnded && status !== "aborted" && status !== "reset")
      this.#ended = true;
    else this.#error = streamError(error ?? new Error(`the stream is ${status}`));
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    if (this.#error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(this.#error);
  }
}
