/** On which interfaces discovery works. */
import { deepEqual, equal } from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { findLinkPlaces, placeKey } from "../../../src/io/discovery/link-places.ts";

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

function one(address: string, prefix: number, internal = false): NetworkInterfaceInfo {
  const common = { address, mac: "", internal, cidr: `${address}/${prefix}` };
  if (address.includes(":")) return { ...common, family: "IPv6", netmask: "", scopeid: 3 };
  return { ...common, family: "IPv4", netmask: prefix === 32 ? "255.255.255.255" : "255.255.255.0" };
}

const laptop: Interfaces = {
  lo: [one("127.0.0.1", 8, true), one("::1", 128, true)],
  wlan0: [one("192.168.1.7", 24), one("2001:db8::7", 64), one("fe80::7", 64)],
  eth0: [one("fe80::8", 64)],
  tun0: [one("10.8.0.7", 32)],
  none: undefined,
};

const placesOf = (
  interfaces: Interfaces,
  options: Partial<Parameters<typeof findLinkPlaces>[0]> = {},
): string[] =>
  findLinkPlaces({ allowLoopback: false, only: undefined, ...options }, interfaces).map(placeKey);

describe("the places of mDNS", () => {
  it("are each interface with a subnet, once for each family", () => {
    deepEqual(placesOf(laptop), ["wlan0 IPv4 192.168.1.7", "wlan0 IPv6 fe80::7", "eth0 IPv6 fe80::8"]);
  });

  it("include loopback only where that is allowed", () => {
    equal(placesOf(laptop, { allowLoopback: true })[0], "lo IPv4 127.0.0.1");
  });

  it("are those named, where some are named", () => {
    deepEqual(placesOf(laptop, { only: ["eth0"] }), ["eth0 IPv6 fe80::8"]);
  });

  it("are 16 at most", () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`br${n}`, [one(`10.1.${n}.1`, 24)]]),
    );
    equal(placesOf(many).length, 16);
  });
});
