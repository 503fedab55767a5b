/**
 * What a stranger on the network can do to a host with a libp2p of its own: fill its memory, take its slots, keep it waiting
 * (threats N7, N8, N10, N11). The stranger reaches into libp2p, since a decent peer sends none of this.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { generateKeyPair } from "@libp2p/crypto/keys";
import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import type { ByteStream, Net } from "../../../src/core/sync/ports.ts";
import { createNet, type NetOptions } from "../../../src/io/net/create-net.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { addressOf, answerAll, patterned, PROTOCOL, readAll } from "../../support/net-streams.ts";

const LOOPBACK = ["/ip4/127.0.0.1/tcp/0"];
const MEBIBYTE = 2 ** 20;

/** What the stranger reaches into. */
interface Inside {
  readonly muxer: {
    readonly maConn: { readonly send: (bytes: Uint8Array) => boolean };
    handleFrame: () => void;
  };
  readonly maConn: { readonly socket: { readonly pause: () => void; readonly end: () => void } };
}

describe("a stranger with a libp2p of its own", () => {
  const nets: Net[] = [];
  const strangers: Libp2p[] = [];

  afterEach(async () => {
    for (const node of strangers.splice(0)) await node.stop();
    await Promise.all(nets.splice(0).map((net) => net.close()));
  });

  async function open(limits: NetOptions["limits"] = {}): Promise<Net> {
    const net = await createNet({ listen: LOOPBACK, limits });
    nets.push(net);
    return net;
  }

  async function connect(net: Net, keyType: "Ed25519" | "secp256k1" = "Ed25519"): Promise<Connection> {
    const node = await createLibp2p({
      privateKey: await generateKeyPair(keyType),
      addresses: { listen: LOOPBACK },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ enableKeepAlive: false })],
      connectionMonitor: { enabled: false },
    });
    strangers.push(node);
    return node.dial(multiaddr(addressOf(net)));
  }

  const inside = (connection: Connection): Inside => connection as unknown as Inside;

  /** True once `condition` holds, false after five seconds. */
  async function until(condition: () => boolean): Promise<boolean> {
    for (let tries = 0; tries < 500; tries++) {
      if (condition()) return true;
      await tick();
    }
    return condition();
  }

  const tick = (): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, 10);
    });

  const openStreams = (
    connection: Connection,
    count: number,
  ): Promise<readonly PromiseSettledResult<Stream>[]> =>
    Promise.allSettled(
      Array.from({ length: count }, () => connection.newStream(PROTOCOL, { maxOutboundStreams: 99 })),
    );

  it("N8: cannot announce a frame that never ends", async () => {
    const connection = await connect(await open());
    const { maConn } = inside(connection).muxer;
    // A data frame of 2 GiB on stream 1, and then no end of it.
    maConn.send(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff));
    let sent = 0;
    const isOver = await until(() => {
      for (let n = 0; n < 16 && connection.status === "open"; n++) {
        maConn.send(new Uint8Array(60_000));
        sent += 60_000;
      }
      return connection.status !== "open";
    });
    ok(isOver);
    ok(sent < 32 * MEBIBYTE, `${sent} bytes were sent before`);
  });

  it("N8: cannot make it answer pings that it never reads", async () => {
    const connection = await connect(await open());
    const { muxer, maConn } = inside(connection);
    muxer.handleFrame = () => undefined;
    maConn.socket.pause();
    // Frames of type 2 with the flag SYN ask for an answer.
    const pings = new Uint8Array(12 * 5_000);
    for (let at = 0; at < pings.length; at += 12) pings.set([0, 2, 0, 1], at);
    let count = 0;
    const isOver = await until(() => {
      if (connection.status === "open") muxer.maConn.send(pings);
      count += 5_000;
      return connection.status !== "open" || count > 5_000_000;
    });
    ok(isOver && connection.status !== "open", `${count} pings, and the connection is ${connection.status}`);
  }).timeout(60_000);

  it("N8: cannot fill memory with tiny frames to a stream that nobody reads", async () => {
    const net = await open();
    const incoming = answerAll(net);
    const connection = await connect(net);
    const [opened] = await openStreams(connection, 1);
    ok(opened?.status === "fulfilled");
    const answered = await incoming.first;
    for (let n = 0; n < 4_000; n++) opened.value.send(Uint8Array.of(n % 256));
    await opened.value.close();
    // Not one piece for each frame: they were joined while they waited.
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    let pieces = 0;
    let bytes = 0;
    for await (const piece of answered.source) {
      pieces++;
      bytes += piece.length;
    }
    equal(bytes, 4_000);
    ok(pieces < 100, `${pieces} pieces`);
  });

  it("N8: opens so many streams and no more, and those go on", async () => {
    const net = await open({ streamsPerConnectionMax: 4 });
    const streams: ByteStream[] = [];
    net.handle(PROTOCOL, (stream) => {
      streams.push(stream);
      stream.sink(stream.source).catch(() => undefined);
    });
    const connection = await connect(net);
    const results = await openStreams(connection, 20);
    const fulfilled = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    equal(fulfilled.length, 4);
    equal(streams.length, 4);
  });

  it("N8: cannot pass off a connection that ends for the end of a stream", async () => {
    const net = await open();
    const incoming = answerAll(net);
    const connection = await connect(net);
    const [opened] = await openStreams(connection, 1);
    ok(opened?.status === "fulfilled");
    opened.value.send(patterned(1_000));
    const answered = await incoming.first;
    const reading = assertRejectsWithCode(readAll(answered), "PEER_CLOSED");
    await tick();
    inside(connection).maConn.socket.end();
    await reading;
  });

  it("N11: cannot keep a connection without a stream", async () => {
    const net = await open({ streamOpenMs: 100 });
    const connection = await connect(net);
    ok(await until(() => connection.status !== "open"));
  });

  it("N11: loses its connection when its last stream ended", async () => {
    const net = await open({ lingerMs: 50, streamOpenMs: 60_000 });
    answerAll(net, async (stream) => stream.sink(stream.source));
    const connection = await connect(net);
    const [opened] = await openStreams(connection, 1);
    ok(opened?.status === "fulfilled");
    await opened.value.close();
    ok(await until(() => connection.status !== "open"));
  });

  it("N12: is refused with another kind of key, whoever dials", async () => {
    const net = await open({ streamOpenMs: 60_000 });
    answerAll(net);
    const connection = await connect(net, "secp256k1").catch(() => undefined);
    ok(await until(() => connection === undefined || connection.status !== "open"));
    const address = strangers[0]?.getMultiaddrs()[0]?.toString() ?? "";
    await assertRejectsWithCode(net.dial(address, PROTOCOL, 5_000), "PEER_UNREACHABLE");
  });

  it("N7: holds so many connections of one address and no more", async () => {
    const net = await open({
      connectionsPerHostMax: 2,
      connectionsPerHostPerSecond: 99,
      loopbackIsExempt: false,
    });
    answerAll(net);
    const results = [];
    for (let n = 0; n < 4; n++) {
      const connection = await connect(net).catch(() => undefined);
      const [opened] = connection === undefined ? [] : await openStreams(connection, 1);
      results.push(opened?.status === "fulfilled");
    }
    deepEqual(results, [true, true, false, false]);
  });

  it("N7: holds so many connections and no more", async () => {
    const net = await open({ connectionsMax: 3, pendingMax: 2 });
    answerAll(net);
    const held: Connection[] = [];
    for (let n = 0; n < 6; n++) {
      const connection = await connect(net).catch(() => undefined);
      if (connection === undefined) continue;
      const [opened] = await openStreams(connection, 1);
      if (opened?.status === "fulfilled") held.push(connection);
    }
    equal(held.length, 3);
    held[0]?.abort(new Error("makes room"));
    ok(await until(() => held[0]?.status !== "open"));
    await tick();
    const [opened] = await openStreams(await connect(net), 1);
    equal(opened?.status, "fulfilled");
  });
});

describe("a reader that stops", () => {
  it("N8: holds memory, whatever the sender offers", async () => {
    const [a, b] = [await createNet({ listen: LOOPBACK }), await createNet({ listen: LOOPBACK })];
    try {
      const incoming = answerAll(b);
      const stream = await a.dial(addressOf(b), PROTOCOL, 5_000);
      const answered = await incoming.first;
      const before = process.memoryUsage();
      const chunk = patterned(MEBIBYTE);
      let offered = 0;
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for (; offered < 64; offered++) yield chunk;
      }
      const sending = stream.sink(chunks());
      let former = -1;
      while (former !== offered) {
        former = offered;
        await new Promise((resolve) => {
          setTimeout(resolve, 200);
        });
      }
      const after = process.memoryUsage();
      const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
      ok(offered < 64 && grown < 24 * MEBIBYTE, `${grown} bytes for ${offered} MiB offered`);
      const [whole] = await Promise.all([readAll(answered), sending]);
      equal(whole.length, 64 * MEBIBYTE);
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
  });
});
