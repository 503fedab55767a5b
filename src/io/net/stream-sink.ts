/**
 * Writes an iterable to a libp2p stream, waiting while the stream is full.
 * Waits for the event `drain` and not for `onDrain()`: that one keeps its promise after it was first fulfilled, so from
 * the second time on it waits for nothing.
 * Tests: test/contracts/net.contract.ts, test/integration/net/hostile.test.ts.
 */
import type { Stream } from "@libp2p/interface";
import { statusError, streamError } from "./net-errors.ts";

/** Larger chunks are sent in pieces, so that the unsent rest in the stream's buffer stays small. */
const PIECE_BYTES = 256 * 1024;

/**
 * Sends everything, then ends this side.
 *
 * @throws EngineError `PEER_CLOSED` when the stream breaks before all was handed to the connection; what `bytes` throws.
 */
export async function writeAll(stream: Stream, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const breakage = new Breakage(stream);
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await breakage.orBreak(iterator.next());
      if (next.done === true) break;
      for (let at = 0; at < next.value.length; at += PIECE_BYTES) {
        if (!send(stream, next.value.subarray(at, at + PIECE_BYTES))) await breakage.drained();
      }
    }
    // Closing notices a break by itself, and closes the stream at once where the peer has ended already.
    breakage.close();
    await stream.close().catch((cause: unknown) => Promise.reject(streamError(cause)));
  } catch (error) {
    if (stream.status === "open") stream.abort(new Error("the writer failed"));
    // A generator that waits ends only when it wakes, so this is not awaited; what it throws then, nobody needs.
    iterator.return?.().catch(() => undefined);
    throw error;
  } finally {
    breakage.close();
  }
}

function send(stream: Stream, piece: Uint8Array): boolean {
  try {
    return stream.send(piece);
  } catch (cause) {
    throw streamError(cause);
  }
}

/** Lets a wait end when the stream breaks. Holds one waiter at a time and leaves nothing behind in long-lived promises. */
class Breakage {
  readonly #stream: Stream;
  #error: Error | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    if (stream.status !== "open") this.#error = statusError(stream.status);
    stream.addEventListener("close", this.#onClose);
  }

  orBreak<Value>(wait: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      wait.then(resolve, reject);
      if (this.#error !== undefined) reject(this.#error);
    });
  }

  /** Waits until the stream takes more. A drained stream may be full again before its waiters run. */
  async drained(): Promise<void> {
    while (this.#stream.writableNeedsDrain) {
      await this.orBreak(
        new Promise<void>((resolve) => {
          this.#stream.addEventListener("drain", () => resolve(), { once: true });
        }),
      );
    }
  }

  close(): void {
    this.#stream.removeEventListener("close", this.#onClose);
  }

  readonly #onClose = ({ error }: { readonly error?: Error | undefined }): void => {
    this.#error = error === undefined ? statusError(this.#stream.status) : streamError(error);
    this.#reject?.(this.#error);
  };
}
