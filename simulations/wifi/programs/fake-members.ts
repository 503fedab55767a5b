/**
 * A program of its own, run in the namespace of an attacker: answers the mDNS tag of a link code with hundreds of made-up members,
 * each a libp2p host that greets as a member does, and counts who gives it a guess.
 * Arguments: the number of the code, how many members, and the addresses to answer from. Ends with its input.
 */
import "../../../src/promise-with-resolvers.ts";
import { randomBytes } from "node:crypto";
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { tcp } from "@libp2p/tcp";
import { createLibp2p, type Libp2p } from "libp2p";
import createMdns from "multicast-dns";
import { linkTag } from "../../../src/core/crypto/discovery.ts";

const PROTOCOL = "/kinlog/link/1";
/** The generator of ristretto255 (RFC 9496, section 4.3): a share that is a point, so that the joiner goes on to its proof. */
const POINT = Buffer.from("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76", "hex");
const HELLO = 1;
const SHARE = 3;
const CONFIRM = 5;
/** Faster than a person's own member would answer, and again and again. */
const ANNOUNCE_EVERY_MS = 20;

const [numberText, countText, ...addresses] = process.argv.slice(2);
const name = `${linkTag(Number(numberText))}._udp.local`;
const counts = { asked: 0, announced: 0, greeted: 0, exchanges: 0, proofs: 0 };

function say(event: string): void {
  process.stdout.write(`${JSON.stringify({ event, ...counts })}\n`);
}

/** A member that greets everybody and has no idea of the code. */
async function createFake(host: string): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: [`/ip4/${host}/tcp/0`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
  await node.handle(PROTOCOL, (stream) => {
    let bytes = Buffer.alloc(0);
    stream.addEventListener("message", ({ data }) => {
      bytes = Buffer.concat([bytes, Buffer.from(data.subarray())]);
      for (;;) {
        const size = bytes[0];
        if (size === undefined || bytes.length < 1 + size) return;
        const kind = bytes[1]!;
        bytes = bytes.subarray(1 + size);
        if (kind === HELLO) {
          counts.greeted++;
          stream.send(Buffer.concat([Buffer.from([34, 2, 1]), randomBytes(32)]));
        } else if (kind === SHARE) {
          counts.exchanges++;
          stream.send(Buffer.concat([Buffer.from([33, 4]), POINT]));
        } else if (kind === CONFIRM) {
          counts.proofs++;
          stream.send(Buffer.concat([Buffer.from([33, 6]), randomBytes(32)]));
        }
        say("heard");
      }
    });
  });
  return node;
}

const fakes = await Promise.all(
  Array.from({ length: Number(countText) }, (_, at) => createFake(addresses[at % addresses.length]!)),
);
const sockets = addresses.map((address) =>
  createMdns({ interface: address, bind: "0.0.0.0", reuseAddr: true, loopback: false }),
);
let next = 0;

function announce(): void {
  const at = next++ % fakes.length;
  const fake = fakes[at]!;
  const pointer = `${randomBytes(13).toString("hex")}.${name}`;
  const txt = fake.getMultiaddrs().map((each) => `dnsaddr=${each.toString()}`);
  counts.announced++;
  sockets[at % sockets.length]!.respond({
    answers: [
      { name, type: "PTR", class: "IN", ttl: 120, data: pointer },
      ...txt.map((data) => ({ name: pointer, type: "TXT" as const, class: "IN" as const, ttl: 120, data })),
    ],
  });
}

sockets[0]!.on("query", ({ questions }) => {
  if (questions?.some((question) => question.name === name) !== true) return;
  counts.asked++;
  for (let burst = 0; burst < 20; burst++) announce();
});
setInterval(announce, ANNOUNCE_EVERY_MS);
say("ready");
process.stdin.on("end", () => {
  say("done");
  process.exit(0);
});
process.stdin.resume();
