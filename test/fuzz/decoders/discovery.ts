/** Fuzzed: packets of the local network, and addresses. Format: docs/spec/discovery.md. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:dgram";
import multicastDns, { type ResponsePacket } from "multicast-dns";
import { concat, utf8 } from "../../../src/core/base/bytes.ts";
import {
  type Announcement,
  ANNOUNCED_ADDRESSES_MAX,
  createAnswer,
  parseAnnouncedAddress,
  readAnswer,
} from "../../../src/io/discovery/answers.ts";
import { claimsTooMuch, PacketFilter } from "../../../src/io/discovery/packet-filter.ts";
import { parseTcpAddress } from "../../../src/io/net/address.ts";
import { addressAt, transportIdOf } from "../../contracts/discovery.contract.ts";
import { type Decoder, promise } from "../decoder.ts";
import { looseText } from "./membership.ts";

const TAG = "_abcdefghijklmno";
const FROM = { address: "192.168.1.9", port: 5353, family: "IPv4", size: 0 };

/** multicast-dns over a socket that is none: packets come in by `message`, and what is sent is kept. */
class FakeSocket extends EventEmitter {
  readonly sent: Uint8Array[] = [];

  send(message: Uint8Array, ...rest: readonly unknown[]): void {
    this.sent.push(message);
    const done = rest.at(-1) as () => void;
    done();
  }

  close(): void {
    this.emit("close");
  }
}

const socket = new FakeSocket();
const mdns = multicastDns({
  socket: socket as unknown as Socket,
  bind: false as never,
  multicast: false,
  port: 0,
});
const heard: Announcement[] = [];
mdns.on("warning", () => undefined);
mdns.on("response", (packet: ResponsePacket) => {
  const announcement = readAnswer(packet, [TAG]);
  if (announcement !== undefined) heard.push(announcement);
});

/** What multicast-dns would send. */
async function sent(say: (done: () => void) => void): Promise<Uint8Array> {
  socket.sent.length = 0;
  await new Promise<void>((resolve) => {
    say(resolve);
  });
  return Uint8Array.from(socket.sent[0]!);
}

const packetOf = (addresses: readonly string[]): Promise<Uint8Array> =>
  sent((done) => mdns.respond(createAnswer({ tag: TAG, peerName: "peer7", addresses }), done));

const answer = await packetOf([addressAt("192.168.1.7", 4_001, transportIdOf(2))]);
const twoAddresses = await packetOf([
  addressAt("10.0.0.1", 2_000, transportIdOf(3)),
  `/ip6/fe80::1/tcp/4002/p2p/${transportIdOf(3)}`,
]);
const question = await sent((done) => mdns.query([{ name: `${TAG}._udp.local`, type: "PTR" }], done));

const packet: Decoder = {
  name: "mdns-packet",
  group: "discovery",
  codes: [],
  words: [TAG, "_udp", "local", "dnsaddr=", "/ip4/10.0.0.1/tcp/4001", "\xc0\x0c"],
  sizeMax: 1_500,
  samples: () => [answer, twoAddresses, question],
  read: (input) => {
    heard.length = 0;
    if (claimsTooMuch(Buffer.from(input))) return;
    socket.emit("message", Buffer.from(input), FROM);
    const [announcement] = heard;
    if (announcement === undefined) return;
    const { tag, transportId } = announcement;
    promise(
      tag === TAG && announcement.addresses.length <= ANNOUNCED_ADDRESSES_MAX,
      "an announcement is of ours",
    );
    for (const address of announcement.addresses) {
      promise(address.transportId === transportId, "of one identity");
      promise(address.port >= 1_024 && address.port <= 65_535, "above the system's ports");
    }
  },
};

const subnet = { mac: "", netmask: "", internal: false };
const place = {
  name: "wlan0",
  family: "IPv4" as const,
  address: "192.168.1.7",
  zone: "wlan0",
  addresses: [{ ...subnet, family: "IPv4" as const, address: "192.168.1.7", cidr: "192.168.1.7/24" }],
};
let now = 0;
const filter = new PacketFilter(place, () => now);

/** A sender, a line feed, a packet. */
const packetFilter: Decoder = {
  name: "packet-filter",
  group: "discovery",
  codes: [],
  words: ["192.168.1.", "fe80::1%wlan0", "\n", TAG, "::ffff:", "255.255.255.255"],
  sizeMax: 2_000,
  samples: () => [
    concat(utf8("192.168.1.9\n"), answer),
    utf8(`fe80::1%wlan0\n${TAG}`),
    utf8(`8.8.8.8\n${TAG}`),
  ],
  read: (input) => {
    const end = input.indexOf(0x0a);
    const sender = looseText(input.subarray(0, end === -1 ? 0 : end));
    const bytes = Buffer.from(input.subarray(end + 1));
    // So that what comes too fast does not hide what would come after it.
    now += 1_000;
    const verdict = filter.judge(bytes, sender, [TAG]);
    if (verdict !== "decode") return;
    promise(
      sender.startsWith("192.168.1.") || sender.endsWith("%wlan0"),
      "only the own subnet is listened to",
    );
    promise(bytes.includes(TAG) && bytes.length <= 1_500, "only what names a tag is decoded");
  },
};

const addresses: Decoder = {
  name: "addresses",
  group: "discovery",
  codes: ["ADDRESS_INVALID"],
  words: [
    "/ip4/",
    "/ip6/",
    "/tcp/",
    "/p2p/",
    "/ip6zone/",
    "/dns4/",
    "/unix/",
    "/p2p-circuit",
    transportIdOf(2),
  ],
  sizeMax: 400,
  samples: () =>
    [
      addressAt("192.168.1.7", 4_001, transportIdOf(2)),
      "/ip4/127.0.0.1/tcp/4001",
      "/ip6zone/eth0/ip6/fe80::1/tcp/4001",
      "/dns4/example.org/tcp/4001",
    ].map(utf8),
  read: (input) => {
    const text = looseText(input);
    const announced = parseAnnouncedAddress(text);
    if (announced !== undefined) promise(announced.port >= 1_024, "no announced port is the system's");
    const { multiaddr, port } = parseTcpAddress(text);
    promise(Number.isSafeInteger(port) && port >= 0 && port <= 65_535, "a port is one");
    promise(parseTcpAddress(multiaddr.toString()).port === port, "an address is read as it is written");
  },
};

export const discoveryDecoders: readonly Decoder[] = [packet, packetFilter, addresses];
