/**
 * Which multiaddrs this room dials, listens at and gives out: TCP over an IP address, nothing else, since everything else
 * (names, relays, sockets of this machine) would let a stranger's address choose where we connect (threat N5).
 * Tests: test/unit/net/address.test.ts.
 */
import { networkInterfaces } from "node:os";
import { type Component, type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { EngineError } from "../../core/base/errors.ts";

/** Longer text is no address of ours: the longest has a zone, an IPv6 address, a port and an id. */
const ADDRESS_CHARACTERS_MAX = 200;

export interface TcpAddress {
  readonly multiaddr: Multiaddr;
  readonly host: string;
  readonly port: number;
  /** The interface that a link-local IPv6 address belongs to. */
  readonly zone: string | undefined;
  readonly transportId: string | undefined;
}

/**
 * Takes `/ip4|ip6/HOST/tcp/PORT[/p2p/ID]`, with `/ip6zone/NAME` before it for link-local addresses.
 *
 * @throws EngineError `ADDRESS_INVALID` for anything else.
 */
export function parseTcpAddress(text: string): TcpAddress {
  const invalid = (why: string, cause?: unknown): EngineError =>
    new EngineError("ADDRESS_INVALID", `not an address of a device: ${why}`, {
      cause,
      remedy:
        "Give an address like /ip4/192.168.1.7/tcp/4001, as `kinlog status` prints it on the other device.",
    });
  if (text.length > ADDRESS_CHARACTERS_MAX) throw invalid("too long");
  let address: Multiaddr;
  let components: readonly Component[];
  try {
    address = multiaddr(text);
    components = address.getComponents();
  } catch (cause) {
    throw invalid("not a multiaddr", cause);
  }
  const names = components.map(({ name }) => name).join("/");
  if (!/^(?:ip4|(?:ip6zone\/)?ip6)\/tcp(?:\/p2p)?$/.test(names)) {
    throw invalid("only TCP over an IPv4 or IPv6 address is used");
  }
  const valueOf = (name: string): string | undefined => components.find((part) => part.name === name)?.value;
  return {
    multiaddr: address,
    host: valueOf("ip4") ?? valueOf("ip6") ?? "",
    port: Number(valueOf("tcp")),
    zone: valueOf("ip6zone"),
    transportId: valueOf("p2p"),
  };
}

/** Loopback in either family, also written as IPv4 inside IPv6. */
export function isLoopbackHost(host: string): boolean {
  return host === "::1" || /^(?:::ffff:)?127\./.test(host);
}

/**
 * What others can dial of a listener at `host` and `port`: every address of this machine for a wildcard, the reachable ones
 * first, loopback last.
 */
export function dialableAddresses(host: string, port: number, transportId: string): readonly string[] {
  const family = host.includes(":") ? "IPv6" : "IPv4";
  const hosts =
    host === "0.0.0.0" || host === "::"
      ? Object.values(networkInterfaces())
          .flatMap((addresses) => addresses ?? [])
          .filter((address) => address.family === family)
          .toSorted((a, b) => Number(a.internal) - Number(b.internal))
          .map(({ address }) => address)
      : [host];
  const protocol = family === "IPv4" ? "ip4" : "ip6";
  return hosts.map((each) => `/${protocol}/${each}/tcp/${port}/p2p/${transportId}`);
}
