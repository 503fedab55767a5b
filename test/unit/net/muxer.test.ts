/** What the muxer does to its connection, seen from the connection: limits, and slowing down. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { type MessageStream, StreamMessageEvent } from "@libp2p/interface";
import { defaultLimits } from "../../../src/io/net/limits.ts";
import { boundedYamux } from "../../../src/io/net/muxer.ts";
import { silentLog } from "../../../src/io/net/silent-log.ts";

/** A connection that sends nowhere and says what was done to it. */
class StubConnection extends EventTarget {
  readonly log = silentLog.forComponent("test");
  readonly direction = "inbound";
  readonly status = "open";
  readonly done: string[] = [];
  maxWriteBufferLength = Number.POSITIVE_INFINITY;
  send = (): boolean => true;
  pause = (): void => void this.done.push("pause");
  resume = (): void => void this.done.push("resume");
  abort = (): void => void this.done.push("abort");
}

/** The header of a Yamux frame: version, type, two bytes of flags, stream, length. */
function header(type: number, flags: number, stream: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint8(1, type);
  view.setUint16(2, flags);
  view.setUint32(4, stream);
  view.setUint32(8, length);
  return bytes;
}

const PING = header(2, 1, 0, 7);

function open(): {
  readonly connection: StubConnection;
  readonly receive: (...frames: Uint8Array[]) => void;
} {
  const connection = new StubConnection();
  boundedYamux(defaultLimits)().createStreamMuxer(connection as unknown as MessageStream);
  return {
    connection,
    receive: (...frames) => {
      for (const frame of frames) connection.dispatchEvent(new StreamMessageEvent(frame));
    },
  };
}

describe("the bounded muxer", () => {
  it("N8: bounds what a connection may leave unsent", () => {
    ok(open().connection.maxWriteBufferLength <= 4 * 2 ** 20);
  });

  it("N8: cuts a connection whose frame is longer than any window, before it has come", () => {
    const { connection, receive } = open();
    receive(header(0, 0, 1, 2 ** 31));
    for (let n = 0; n < 30; n++) receive(new Uint8Array(65_000));
    deepEqual(connection.done, []);
    for (let n = 0; n < 5; n++) receive(new Uint8Array(65_000));
    equal(connection.done[0], "abort");
  });

  it("N8: reads nothing for a second after 5,000 small frames in one, and then goes on", async () => {
    const { connection, receive } = open();
    for (let n = 0; n < 4_999; n++) receive(PING);
    deepEqual(connection.done, []);
    for (let n = 0; n < 5_000; n++) receive(PING);
    deepEqual(connection.done, ["pause"]);
    await new Promise((resolve) => {
      setTimeout(resolve, 1_050);
    });
    deepEqual(connection.done, ["pause", "resume"]);
  });

  it("does not mind window updates and frames of a good size, however many", () => {
    const { connection, receive } = open();
    const update = header(1, 0, 1, 128 * 1024);
    for (let n = 0; n < 20_000; n++) receive(update);
    deepEqual(connection.done, []);
  });
});
