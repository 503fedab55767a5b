/**
 * A stream between two devices: bytes arrive in order, later, and in other pieces than they were sent. It may break for both
 * ends, or silently swallow everything (half open). Two streams overtake each other freely.
 */
import type { EventQueue } from "../doubles/event-queue.ts";
import type { Random } from "../doubles/random.ts";

export interface StreamOptions {
  readonly delayMsMax: number;
  /** Largest piece in which bytes arrive. */
  readonly pieceBytesMax: number;
}

export class StreamEnd {
  readonly transport: Uint8Array;
  peer!: StreamEnd;
  onBytes: (bytes: Uint8Array) => void = () => undefined;
  onEnd: () => void = () => undefined;
  sentBytes = 0;
  #isEnded = false;
  #arrivesAt = 0;
  readonly #stream: Stream;

  constructor(stream: Stream, transport: Uint8Array) {
    this.#stream = stream;
    this.transport = transport;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  send(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    this.sentBytes += bytes.length;
    this.#deliver((peer) => this.#stream.cut(bytes, (piece) => peer.#take(piece)));
  }

  /** What was sent before still arrives. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#deliver((peer) => peer.lose());
  }

  /** The connection is gone, and this end is told. */
  lose(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.onEnd();
  }

  #take(piece: Uint8Array): void {
    if (!this.#isEnded) this.onBytes(piece);
  }

  #deliver(arrive: (peer: StreamEnd) => void): void {
    const { queue } = this.#stream;
    this.#arrivesAt = Math.max(this.#arrivesAt, queue.now + this.#stream.delayMs());
    queue.after(this.#arrivesAt - queue.now, () => {
      if (!this.#stream.isSwallowing) arrive(this.peer);
    });
  }
}

export class Stream {
  readonly queue: EventQueue;
  readonly ends: readonly [StreamEnd, StreamEnd];
  isSwallowing = false;
  readonly #random: Random;
  readonly #options: StreamOptions;
  readonly #baseDelayMs: number;

  constructor(queue: EventQueue, random: Random, options: StreamOptions) {
    this.queue = queue;
    this.#random = random;
    this.#options = options;
    this.#baseDelayMs = random.between(0, options.delayMsMax);
    const ends = [new StreamEnd(this, random.bytes(38)), new StreamEnd(this, random.bytes(38))] as const;
    ends[0].peer = ends[1];
    ends[1].peer = ends[0];
    this.ends = ends;
  }

  delayMs(): number {
    return this.#baseDelayMs + this.#random.between(0, Math.ceil(this.#baseDelayMs / 4));
  }

  break(): void {
    this.isSwallowing = true;
    for (const end of this.ends) this.queue.after(this.#random.between(0, 50), () => end.lose());
  }

  cut(bytes: Uint8Array, take: (piece: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length;) {
      const size = this.#random.between(1, this.#options.pieceBytesMax);
      take(bytes.subarray(at, at + size));
      at += size;
    }
  }
}
