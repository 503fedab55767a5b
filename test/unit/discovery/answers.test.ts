/** What is announced, and which announcements are believed. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { ResponseOutgoingPacket, ResponsePacket } from "multicast-dns";
import {
  createAnswer,
  parseAnnouncedAddress,
  readAnswer,
  tagToName,
} from "../../../src/io/discovery/answers.ts";
import { addressAt, transportIdOf } from "../../contracts/discovery.contract.ts";

type Answer = ResponseOutgoingPacket["answers"][number];

const TAG = "_abcdefghijklmno";
const NAME = tagToName(TAG);
const PEER = `peer7.${NAME}`;
const ID = transportIdOf(2);
const ADDRESS = addressAt("192.168.1.7", 4_001, ID);

function packetOf(answers: readonly Answer[], additionals: readonly Answer[] = []): ResponsePacket {
  return {
    type: "response",
    id: 0,
    flags: 0,
    questions: [],
    answers: [...answers],
    authorities: [],
    additionals: [...additionals],
  };
}

const pointer = (name: string, data: string): Answer => ({ name, type: "PTR", data });
const text = (name: string, data: string | string[]): Answer => ({ name, type: "TXT", data });
const read = (...answers: Answer[]): ReturnType<typeof readAnswer> => readAnswer(packetOf(answers), [TAG]);

describe("an answer", () => {
  it("is read as it was made", () => {
    const addresses = [ADDRESS, `/ip6/fe80::1/tcp/4002/p2p/${ID}`];
    const made = createAnswer({ tag: TAG, peerName: "peer7", addresses });
    deepEqual(readAnswer(packetOf(made.answers), ["_other", TAG]), {
      tag: TAG,
      transportId: ID,
      addresses: [
        { host: "192.168.1.7", port: 4_001, transportId: ID },
        { host: "fe80::1", port: 4_002, transportId: ID },
      ],
    });
  });

  it("N1: holds nothing but the tag, a name that is used once, and addresses", () => {
    const made = createAnswer({ tag: TAG, peerName: "peer7", addresses: [ADDRESS] });
    deepEqual(made.answers, [
      { name: NAME, type: "PTR", class: "IN", ttl: 120, data: PEER },
      { name: PEER, type: "TXT", class: "IN", ttl: 120, data: `dnsaddr=${ADDRESS}` },
    ]);
  });

  it("has eight addresses at most", () => {
    const addresses = Array.from({ length: 20 }, (_, n) => addressAt("10.0.0.1", 2_000 + n, ID));
    equal(createAnswer({ tag: TAG, peerName: "p", addresses }).answers.length, 9);
  });

  it("may carry its addresses as additional records, as libp2p's specification says", () => {
    const packet = packetOf([pointer(NAME, PEER)], [text(PEER, [`dnsaddr=${ADDRESS}`])]);
    equal(readAnswer(packet, [TAG])?.transportId, ID);
  });

  it("N3: counts under no tag that was not asked for", () => {
    equal(
      readAnswer(packetOf([pointer(NAME, PEER), text(PEER, `dnsaddr=${ADDRESS}`)]), ["_other"]),
      undefined,
    );
  });

  it("N5: is refused whole where anything in it is not ours in form", () => {
    const good = text(PEER, `dnsaddr=${ADDRESS}`);
    const refused: readonly (readonly [string, readonly Answer[]])[] = [
      ["no pointer", [good]],
      ["no address", [pointer(NAME, PEER)]],
      [
        "a name that does not end in the tag",
        [pointer(NAME, "peer7.local"), text("peer7.local", `dnsaddr=${ADDRESS}`)],
      ],
      ["a name with dots", [pointer(NAME, `a.b.${NAME}`), text(`a.b.${NAME}`, `dnsaddr=${ADDRESS}`)]],
      ["a name with capitals", [pointer(NAME, `Peer.${NAME}`), text(`Peer.${NAME}`, `dnsaddr=${ADDRESS}`)]],
      ["addresses of another name", [pointer(NAME, PEER), text(`else.${NAME}`, `dnsaddr=${ADDRESS}`)]],
      ["another text beside", [pointer(NAME, PEER), good, text(PEER, "name=Ann's laptop")]],
      [
        "two identities",
        [pointer(NAME, PEER), good, text(PEER, `dnsaddr=${addressAt("10.0.0.2", 4_001, transportIdOf(3))}`)],
      ],
      [
        "nine addresses",
        [
          pointer(NAME, PEER),
          text(
            PEER,
            Array.from({ length: 9 }, () => `dnsaddr=${ADDRESS}`),
          ),
        ],
      ],
      ["40 records", [pointer(NAME, PEER), ...Array.from({ length: 40 }, () => good)]],
    ];
    for (const [what, answers] of refused) equal(read(...answers), undefined, what);
  });
});

describe("an announced address", () => {
  it("N5: is TCP over an IP address, above port 1023, with an Ed25519 identity", () => {
    const refused = [
      "",
      ADDRESS.replace("/tcp/4001", "/tcp/1023"),
      ADDRESS.replace("/tcp/4001", "/tcp/65536"),
      ADDRESS.replace("/tcp/4001", "/tcp/04001"),
      ADDRESS.replace("/tcp/", "/udp/"),
      ADDRESS.replace("/ip4/", "/ip6/"),
      ADDRESS.replace("192.168.1.7", "fe80::1"),
      ADDRESS.replace("192.168.1.7", "192.168.1.256"),
      ADDRESS.replace("192.168.1.7", "192.168.1.7.example.org"),
      ADDRESS.replace("/ip4/192.168.1.7", "/dns4/example.org"),
      ADDRESS.replace("/p2p/12D3KooW", "/p2p/QmNPubsD"),
      ADDRESS.replace("/p2p/12D3KooW2", "/p2p/12D3KooW0"),
      `${ADDRESS}/p2p-circuit`,
      ` ${ADDRESS}`,
      `${ADDRESS}\n`,
      `/ip6zone/eth0/ip6/fe80::1/tcp/4001/p2p/${ID}`,
    ];
    for (const each of refused) equal(parseAnnouncedAddress(each), undefined, JSON.stringify(each));
    ok(parseAnnouncedAddress(ADDRESS.replace("/tcp/4001", "/tcp/1024")) !== undefined);
    ok(parseAnnouncedAddress(ADDRESS.replace("/tcp/4001", "/tcp/65535")) !== undefined);
  });

  it("N6: takes any text without throwing", () => {
    const near = fc.constantFrom(
      "/ip4/",
      "/ip6/",
      "192.168.1.7",
      "fe80::1",
      "/tcp/",
      "4001",
      "/p2p/",
      ID,
      ":",
      ".",
      "9",
    );
    const anything = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.array(near, { maxLength: 12 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(anything, (each) => {
        const address = parseAnnouncedAddress(each);
        return address === undefined || (address.port >= 1_024 && address.port <= 65_535);
      }),
      { numRuns: 2_000 },
    );
  });
});
