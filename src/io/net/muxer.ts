/**
 * Yamux with everything bounded. Its own options leave three buffers without a limit, all of which a stranger can fill:
 * the connection's unsent answers, an announced frame that never ends, and tiny frames to a stream that nobody reads.
 * Tests: test/integration/net/hostile.test.ts.
 */
import { yamux } from "@chainsafe/libp2p-yamux";
import type { MessageStream, StreamMuxerFactory } from "@libp2p/interface";
import {
  CONNECTION_WRITE_BUFFER_BYTES_MAX,
  INACTIVITY_MS,
  MUXER_FRAME_BYTES_MAX,
  type NetLimits,
  SMALL_FRAME_BYTES,
  SMALL_FRAMES_PER_SECOND,
  STREAM_WINDOW_BYTES,
  STREAM_WINDOW_BYTES_MAX,
  WRITE_BUFFER_BYTES_MAX,
} from "./limits.ts";

/** What the muxer's types hide: the bytes of a frame that is not complete yet, and where complete ones go. */
interface MuxerInside {
  readonly decoder: { readonly buffer: { readonly byteLength: number } };
  handleFrame: (frame: { readonly header: { readonly length: number } }) => void;
}

const SECOND_MS = 1_000;

export function boundedYamux(limits: NetLimits): () => StreamMuxerFactory {
  const createFactory = yamux({
    enableKeepAlive: false,
    maxInboundStreams: limits.streamsPerConnectionMax,
    maxOutboundStreams: limits.streamsPerConnectionMax,
    maxEarlyStreams: limits.streamsPerConnectionMax,
    streamOptions: {
      inactivityTimeout: INACTIVITY_MS,
      initialStreamWindowSize: STREAM_WINDOW_BYTES,
      maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX,
      maxReadBufferLength: STREAM_WINDOW_BYTES_MAX,
      maxWriteBufferLength: WRITE_BUFFER_BYTES_MAX,
    },
  });
  return () => {
    const factory = createFactory();
    const createStreamMuxer = (connection: MessageStream): ReturnType<typeof factory.createStreamMuxer> => {
      connection.maxWriteBufferLength = CONNECTION_WRITE_BUFFER_BYTES_MAX;
      const muxer = factory.createStreamMuxer(connection);
      const inside = muxer as unknown as MuxerInside;
      connection.addEventListener("message", () => {
        if (inside.decoder.buffer.byteLength > MUXER_FRAME_BYTES_MAX) {
          connection.abort(new Error("a frame is longer than any window"));
        }
      });
      const handleFrame = inside.handleFrame.bind(muxer);
      const countFrame = createThrottle(connection);
      inside.handleFrame = (frame) => {
        if (frame.header.length < SMALL_FRAME_BYTES) countFrame();
        handleFrame(frame);
      };
      // One question for the round-trip time: without it, and with keep-alive off, windows never grow.
      // A connection that closes before the answer needs none.
      muxer.ping().catch(() => undefined);
      return muxer;
    };
    return {
      get protocol() {
        return factory.protocol;
      },
      createStreamMuxer,
    };
  };
}

/** Counts; when there were too many within a second, reads nothing more from the connection for the next one. */
function createThrottle(connection: MessageStream): () => void {
  let count = 0;
  let countedFrom = performance.now();
  let isPaused = false;
  const start = (): void => {
    count = 0;
    countedFrom = performance.now();
  };
  return () => {
    count++;
    if (count < SMALL_FRAMES_PER_SECOND || isPaused) return;
    if (performance.now() - countedFrom >= SECOND_MS) {
      start();
      return;
    }
    if (connection.status !== "open") return;
    isPaused = true;
    connection.pause();
    setTimeout(() => {
      isPaused = false;
      start();
      if (connection.status === "open") connection.resume();
    }, SECOND_MS).unref();
  };
}
