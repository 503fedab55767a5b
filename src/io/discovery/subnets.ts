/**
 * Which addresses may be dialled because somebody on the network named them: private ones of a subnet that this machine is
 * in. Anything else would let one forged answer make us connect to strangers (threat N5).
 * Spec: docs/spec/discovery.md. Tests: test/unit/discovery/subnets.test.ts.
 */
import { BlockList, isIP } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";

type Family = "ipv4" | "ipv6";

/** RFC 1918, RFC 3927, RFC 4193, RFC 4291. Addresses of carriers (RFC 6598) are not private: others share them. */
const PRIVATE: readonly (readonly [string, number, Family])[] = [
  ["10.0.0.0", 8, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
];

const LOOPBACK: readonly (readonly [string, number, Family])[] = [
  ["127.0.0.0", 8, "ipv4"],
  ["::1", 128, "ipv6"],
];

const privateAddresses = listOf(PRIVATE);
const loopbackAddresses = listOf(LOOPBACK);
const linkLocal6 = listOf([["fe80::", 10, "ipv6"]]);

function listOf(subnets: readonly (readonly [string, number, Family])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix, family] of subnets) list.addSubnet(address, prefix, family);
  return list;
}

function contains(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 4 ? "ipv4" : "ipv6");
}

export function isPrivateHost(host: string): boolean {
  return contains(privateAddresses, host);
}

export function isLoopbackHost(host: string): boolean {
  return contains(loopbackAddresses, host);
}

/** Needs a zone to be dialled, and every interface is in its subnet. */
export function isLinkLocal6(host: string): boolean {
  return contains(linkLocal6, host);
}

/** What is directly reachable over these interface addresses, by their netmasks. */
export class Subnets {
  readonly #list = new BlockList();

  constructor(addresses: readonly NetworkInterfaceInfo[]) {
    for (const { address, cidr, family } of addresses) {
      const prefix = Number(cidr?.split("/")[1]);
      // A prefix of the full length is a point-to-point link or loopback: nobody else is in that subnet.
      const isSubnet = Number.isInteger(prefix) && prefix > 0 && prefix < (family === "IPv4" ? 32 : 128);
      if (isSubnet) this.#list.addSubnet(address, prefix, family === "IPv4" ? "ipv4" : "ipv6");
      else this.#list.addAddress(address, family === "IPv4" ? "ipv4" : "ipv6");
    }
  }

  contains(host: string): boolean {
    return contains(this.#list, host);
  }
}
