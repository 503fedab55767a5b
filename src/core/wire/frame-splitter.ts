/**
 * Finds frames in a stream of bytes. Reads no body. A frame that lies in one chunk is a view of it; one that is spread over
 * several is put together in a buffer that grows with what has arrived, never with what was announced (threats N9, C13).
 * Format: docs/spec/sync.md, "Frame". Tests: test/unit/wire/frame-splitter.test.ts.
 */
import { EngineError } from "../base/errors.ts";
import { FRAME_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX } from "./frames.ts";

/** Most frames are batches of about 128 KiB: up to here a buffer is made at once, beyond it doubles as bytes come. */
const FIRST_BUFFER_BYTES = 192 * 1024;

export class FrameSplitter {
  #handshakeFramesLeft: number;
  // The size of the frame in hand, as far as its bytes have come.
  #size = 0;
  #sizeScale = 1;
  #isSizeRead = false;
  #buffer: Uint8Array = new Uint8Array(0);
  #filled = 0;

  /** The first `handshakeFrames` frames may have 256 bytes, those after them a mebibyte. */
  constructor(options: { readonly handshakeFrames: number }) {
    this.#handshakeFramesLeft = options.handshakeFrames;
  }

  /** Bytes kept between calls; never over twice what has come of the frame in hand, or 192 KiB. */
  get bufferedBytes(): number {
    return this.#buffer.length;
  }

  /**
   * The frames that `chunk` completes, each as kind and body. They are views: of the chunk, or of a buffer of their own.
   *
   * @throws EngineError `WIRE_LIMIT_EXCEEDED` or `WIRE_NOT_CANONICAL` for a size that breaks a rule; the stream is then useless.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (!this.#isSizeRead) {
        this.#readSizeByte(chunk[at++]!);
        continue;
      }
      const end = Math.min(at + this.#size - this.#filled, chunk.length);
      const part = chunk.subarray(at, end);
      at = end;
      if (this.#filled === 0 && part.length === this.#size) {
        frames.push(part);
      } else {
        this.#keep(part);
        if (this.#filled < this.#size) continue;
        frames.push(this.#buffer.subarray(0, this.#size));
      }
      this.#expectNext();
    }
    return frames;
  }

  get #sizeMax(): number {
    return this.#handshakeFramesLeft > 0 ? HANDSHAKE_FRAME_BYTES_MAX : FRAME_BYTES_MAX;
  }

  #readSizeByte(byte: number): void {
    this.#size += (byte % 128) * this.#sizeScale;
    if (this.#size > this.#sizeMax) throw new EngineError("WIRE_LIMIT_EXCEEDED", "a frame is too large");
    if (byte >= 128) {
      this.#sizeScale *= 128;
      // Zero digits would keep the size below the limit for ever.
      if (this.#sizeScale > this.#sizeMax) {
        throw new EngineError("WIRE_LIMIT_EXCEEDED", "a frame's size has too many bytes");
      }
      return;
    }
    if (byte === 0)
      throw new EngineError("WIRE_NOT_CANONICAL", "a frame's size is zero or padded with zeroes");
    this.#isSizeRead = true;
  }

  #keep(part: Uint8Array): void {
    const needed = this.#filled + part.length;
    if (needed > this.#buffer.length) {
      const capacity = Math.min(this.#size, Math.max(FIRST_BUFFER_BYTES, needed, this.#buffer.length * 2));
      const larger = new Uint8Array(capacity);
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    this.#buffer.set(part, this.#filled);
    this.#filled = needed;
  }

  #expectNext(): void {
    this.#handshakeFramesLeft = Math.max(0, this.#handshakeFramesLeft - 1);
    this.#size = 0;
    this.#sizeScale = 1;
    this.#isSizeRead = false;
    // The frame given out owns the buffer now.
    this.#buffer = new Uint8Array(0);
    this.#filled = 0;
  }
}
