/**
 * A program of its own, run in the namespace of a host that belongs to nobody: a plain libp2p node that dials a device and tries
 * what a stranger can try. Prints one JSON line per attempt: what it sent, what came back, how it ended.
 * Arguments: an address with /p2p/, and how many connections to flood it with.
 */
import "../../../src/promise-with-resolvers.ts";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { tcp } from "@libp2p/tcp";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { pause } from "../measure.ts";

/** The handshake has ten seconds. */
const LISTEN_MS = 11_000;
const DIAL_MS = 5_000;
/** docs/spec/sync.md: kind 1 is u8 version, uint features, 32 bytes nonce, 32 bytes selector. */
const HELLO_BODY_BYTES = 1 + 1 + 32 + 32;

interface Attempt {
  readonly what: string;
  readonly protocol: string;
  readonly send: Buffer;
}

function frame(kind: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([body.length + 1, kind]), body]);
}

const hello = Buffer.concat([Buffer.from([1, 0]), randomBytes(HELLO_BODY_BYTES - 2)]);
const attempts: readonly Attempt[] = [
  { what: "a handshake with a made-up selector", protocol: "/kinlog/sync/1", send: frame(1, hello) },
  {
    what: "the third frame before the first",
    protocol: "/kinlog/sync/1",
    send: frame(3, randomBytes(160).subarray(0, 120)),
  },
  { what: "noise instead of frames", protocol: "/kinlog/sync/1", send: randomBytes(4_096) },
  {
    what: "a frame that claims 2^53 bytes",
    protocol: "/kinlog/sync/1",
    send: Buffer.from("ffffffffffffff0f01", "hex"),
  },
  { what: "silence", protocol: "/kinlog/sync/1", send: Buffer.alloc(0) },
  {
    what: "a link greeting while no code is open",
    protocol: "/kinlog/link/1",
    send: frame(1, Buffer.concat([Buffer.from([1]), randomBytes(32)])),
  },
  { what: "libp2p's identify", protocol: "/ipfs/id/1.0.0", send: Buffer.alloc(0) },
  { what: "libp2p's ping", protocol: "/ipfs/ping/1.0.0", send: randomBytes(32) },
];

function say(value: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function createStranger(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
}

async function attempt(node: Libp2p, address: string, { what, protocol, send }: Attempt): Promise<void> {
  const startedAt = performance.now();
  const received: Buffer[] = [];
  let ending = "still open";
  try {
    const connection = await node.dial(multiaddr(address), {
      signal: AbortSignal.timeout(DIAL_MS),
      force: true,
    });
    const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(DIAL_MS) });
    stream.addEventListener("message", ({ data }) => received.push(Buffer.from(data.subarray())));
    stream.addEventListener("close", () => (ending = "closed"));
    if (send.length > 0) stream.send(send);
    const limit = performance.now() + LISTEN_MS;
    while (ending === "still open" && performance.now() < limit) await pause(20);
    connection.abort(new Error("done"));
  } catch (error) {
    ending = `refused: ${error instanceof Error ? error.name : "unknown"}`;
  }
  const bytes = Buffer.concat(received);
  say({
    event: "attempt",
    what,
    bytes: bytes.length,
    hex: bytes.toString("hex", 0, 256),
    ending,
    tookMs: Math.round(performance.now() - startedAt),
  });
}

/** Sockets that say nothing, and connections as fast as they go, each with a handshake that fails. */
async function flood(node: Libp2p, address: string, count: number): Promise<void> {
  let opened = 0;
  const [, , host, , port] = address.split("/");
  const silent = Array.from({ length: count }, () => connect({ host: host!, port: Number(port) }));
  for (const socket of silent) socket.on("error", () => socket.destroy());
  const one = async (): Promise<void> => {
    try {
      const connection = await node.dial(multiaddr(address), {
        signal: AbortSignal.timeout(DIAL_MS),
        force: true,
      });
      const stream = await connection.newStream("/kinlog/sync/1", { signal: AbortSignal.timeout(DIAL_MS) });
      opened++;
      stream.send(frame(1, hello));
    } catch {
      // Turned away: that is what is counted.
      return;
    }
  };
  for (let at = 0; at < count; at += 10) await Promise.all(Array.from({ length: 10 }, one));
  for (const socket of silent) socket.destroy();
  say({ event: "flooded", count, opened });
}

const [address, floodCount] = process.argv.slice(2);
const stranger = await createStranger();
for (const each of attempts) await attempt(stranger, address!, each);
if (Number(floodCount) > 0) await flood(stranger, address!, Number(floodCount));
say({ event: "done" });
process.exit(0);
