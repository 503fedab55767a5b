/**
 * Every limit of the network room, in one place. Who is on the other end is unknown here, so all of this may be spent by
 * a stranger on the same network (threats N7, N8, N10, N11).
 * Spec: docs/spec/transport.md.
 */

export interface NetLimits {
  /** Connections at once, both directions. */
  readonly connectionsMax: number;
  /** Incoming connections from one address: at once, and a second. */
  readonly connectionsPerHostMax: number;
  readonly connectionsPerHostPerSecond: number;
  /** Whoever runs programs on this machine needs no network to do harm, and several devices on it share one address. */
  readonly loopbackIsExempt: boolean;
  /** Incoming connections whose handshake is not done, in all and from one address. */
  readonly pendingMax: number;
  readonly pendingPerHostMax: number;
  /** Streams at once on one connection, each direction. */
  readonly streamsPerConnectionMax: number;
  /** From an accepted socket to a negotiated connection. */
  readonly handshakeMs: number;
  /** From a new stream to its negotiated protocol; also how long a connection may stand without any stream. */
  readonly streamOpenMs: number;
  /** A connection without a stream is closed after this, so that the last bytes of its last stream arrive. */
  readonly lingerMs: number;
  /** How long streams of the former identity may go on after `renew`. */
  readonly drainMs: number;
}

export const defaultLimits: NetLimits = {
  connectionsMax: 64,
  connectionsPerHostMax: 12,
  connectionsPerHostPerSecond: 5,
  loopbackIsExempt: true,
  // Four per address leave room for others while one address holds all it may.
  pendingMax: 32,
  pendingPerHostMax: 4,
  streamsPerConnectionMax: 4,
  handshakeMs: 5_000,
  streamOpenMs: 5_000,
  lingerMs: 1_000,
  drainMs: 60_000,
};

/** Yamux fixes the first window of a stream (specification of Yamux, "Flow control"). */
export const STREAM_WINDOW_BYTES = 256 * 1024;

/**
 * How far a window may grow, and what a stream may buffer: were the window larger, as in libp2p's defaults (16 and 4 MiB), a
 * stream that nobody reads would be aborted.
 */
export const STREAM_WINDOW_BYTES_MAX = 2 * 1024 * 1024;

/** Unsent bytes of one stream; libp2p's default is infinite. The sink waits long before. */
export const WRITE_BUFFER_BYTES_MAX = 2 * 1024 * 1024;

/** Unsent bytes of one connection: answers to pings and windows that the other end does not take (CVE-2024-32984). */
export const CONNECTION_WRITE_BUFFER_BYTES_MAX = 4 * 1024 * 1024;

/** A data frame never exceeds the window, so a longer incomplete one is an attack on memory. */
export const MUXER_FRAME_BYTES_MAX = STREAM_WINDOW_BYTES_MAX + 64 * 1024;

/**
 * A frame costs some 20 µs whatever its size, so a flood of tiny ones is slowed down. Sending 400 MB/s brings 7,000 window
 * updates a second, whose length is a window's; what devices say to each other in small frames stays below a hundred.
 */
export const SMALL_FRAME_BYTES = 1_024;
export const SMALL_FRAMES_PER_SECOND = 5_000;

/** The session's own beat comes after 95 s of silence; libp2p's 120 s would cut in before its answer is late. */
export const INACTIVITY_MS = 300_000;
