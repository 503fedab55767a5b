/**
 * A libp2p stream as the ByteStream of src/core/sync/ports.ts.
 * Tests: test/contracts/net.contract.ts.
 */
import type { Connection, PeerId, Stream } from "@libp2p/interface";
import { EngineError } from "../../core/base/errors.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import { writeAll } from "./stream-sink.ts";
import { StreamSource } from "./stream-source.ts";

export function createByteStream(stream: Stream, connection: Connection, own: PeerId): ByteStream {
  return {
    // Of the stream, not of the connection: whoever opens the stream speaks first.
    initiator: stream.direction === "outbound",
    ownTransport: own.toMultihash().bytes,
    peerTransport: connection.remotePeer.toMultihash().bytes,
    peerAddress: connection.remoteAddr.toString(),
    source: new StreamSource(stream),
    sink: (bytes) => writeAll(stream, bytes),
    abort: () => stream.abort(new EngineError("ABORTED", "this device ended the connection")),
  };
}
