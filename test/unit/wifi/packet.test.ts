import { deepEqual, equal } from "node:assert/strict";
import { readPacket } from "../../../simulations/wifi/packet.ts";

/** Frames as a capture on the bridge had them, addresses made short. */
const ethernet = (type: string): string => `ffffffffffff020000000001${type}`;
const ipv4 = (protocol: string, length: string): string =>
  `4500${length}00004000ff${protocol}00000a4d000b0a4d000c`;
const ipv6 = (next: string, length: string): string =>
  `60000000${length}${next}40fe80000000000000000000000000000bfe80000000000000000000000000000c`;
const read = (...parts: readonly string[]): ReturnType<typeof readPacket> =>
  readPacket(Buffer.from(parts.join(""), "hex"));

describe("what a captured frame is", () => {
  it("reads TCP over IPv4 with its ends, its sequence and its payload, without padding", () => {
    const tcp = "c00110e1" + "0000002a" + "00000000" + "5018ffff00000000";
    const packet = read(ethernet("0800"), ipv4("06", "002b"), tcp, "aabbcc", "000000000000");
    deepEqual(packet, {
      kind: "tcp",
      fromMac: "020000000001",
      from: "10.77.0.11",
      to: "10.77.0.12",
      fromPort: 0xc001,
      toPort: 0x10e1,
      sequence: 42,
      payload: Buffer.from("aabbcc", "hex"),
    });
  });

  it("tells mDNS from other UDP", () => {
    equal(read(ethernet("0800"), ipv4("11", "0020"), "14e914e9000c0000", "00000000").kind, "mdns");
    equal(
      read(ethernet("0800"), ipv4("11", "0020"), "c00100350 00c0000".replace(" ", ""), "00000000").kind,
      "udp",
    );
    const over6 = read(ethernet("86dd"), ipv6("11", "000c"), "14e914e9000c0000", "01020304");
    equal(over6.kind, "mdns");
    equal(over6.payload.toString("hex"), "01020304");
    equal(over6.from, "fe80:0000:0000:0000:0000:0000:0000:000b");
  });

  it("sees what machines say among themselves, behind a hop-by-hop header too", () => {
    equal(read(ethernet("0806"), "00".repeat(28)).kind, "network");
    equal(read(ethernet("0800"), ipv4("02", "001c"), "00".repeat(8)).kind, "network");
    equal(read(ethernet("86dd"), ipv6("3a", "0008"), "8700000000000000").kind, "network");
    equal(read(ethernet("86dd"), ipv6("00", "0010"), "3a00050200000000", "8f00000000000000").kind, "network");
  });

  it("takes all there is where a virtual interface leaves the length out", () => {
    const udp = "14e914e900000000";
    equal(read(ethernet("0800"), ipv4("11", "0000"), udp, "ab".repeat(9)).payload.length, 9);
  });

  it("calls everything else other, however short", () => {
    equal(read("").kind, "other");
    equal(read(ethernet("88cc"), "00").kind, "other");
    equal(read(ethernet("0800"), ipv4("84", "0020"), "00".repeat(12)).kind, "other");
    equal(read(ethernet("0800"), ipv4("06", "0018"), "00000000").kind, "other");
  });
});
