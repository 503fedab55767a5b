/**
 * Yamux with everything bounded. Its own options leave three buffers without a limit, all of which a stranger can fill:
 * the connection's unsent answers, an announced frame that never ends, and tiny frames to a stream that nobody reads.
 * Tests: test/integration/net/memory.test.ts.
 */
import { yamux } from "@chainsafe/libp2p-yamux";
import type { MessageStream, StreamMuxerFactory } from "@libp2p/interface";
import {
  CONNECTION_WRITE_BUFFER_BYTES_MAX,
  INACTIVITY_MS,
  MUXER_FRAME_BYTES_MAX,
  type NetLimits,
  READ_BUFFER_BYTES_MAX,
  STREAM_WINDOW_BYTES,
  STREAM_WINDOW_BYTES_MAX,
  WRITE_BUFFER_BYTES_MAX,
} from "./limits.ts";

/** A field of the muxer that its types hide: the bytes of a frame that is not complete yet. */
interface WithDecoder {
  readonly decoder: { readonly buffer: { readonly byteLength: number } };
}

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
      maxReadBufferLength: READ_BUFFER_BYTES_MAX,
      maxWriteBufferLength: WRITE_BUFFER_BYTES_MAX,
    },
  });
  return () => {
    const factory = createFactory();
    const createStreamMuxer = (connection: MessageStream): ReturnType<typeof factory.createStreamMuxer> => {
      connection.maxWriteBufferLength = CONNECTION_WRITE_BUFFER_BYTES_MAX;
      const muxer = factory.createStreamMuxer(connection);
      const { decoder } = muxer as unknown as WithDecoder;
      connection.addEventListener("message", () => {
        if (decoder.buffer.byteLength > MUXER_FRAME_BYTES_MAX) {
          connection.abort(new Error("a frame is longer than any window"));
        }
      });
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
