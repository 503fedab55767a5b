/** Which multiaddrs are dialled and given out. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { dialableAddresses, isLoopbackHost, parseTcpAddress } from "../../../src/io/net/address.ts";

const ID = "12D3KooWBVmhLbA6bs8B3CYRYWwqtVkDme9496VFGd7k7trSL2LS";

describe("an address to dial", () => {
  it("has a host and a port, and a zone or an id where they are given", () => {
    const partsOf = (text: string): readonly unknown[] => {
      const { host, port, zone, transportId } = parseTcpAddress(text);
      return [host, port, zone, transportId];
    };
    deepEqual(partsOf("/ip4/192.168.1.7/tcp/4001"), ["192.168.1.7", 4_001, undefined, undefined]);
    deepEqual(partsOf(`/ip6/fd00::7/tcp/1/p2p/${ID}`), ["fd00::7", 1, undefined, ID]);
    deepEqual(partsOf("/ip6zone/eth0/ip6/fe80::7/tcp/4001"), ["fe80::7", 4_001, "eth0", undefined]);
  });

  it("N5: is no name, no relay, no socket of this machine and no other protocol", () => {
    const texts = [
      ...["dns", "dns4", "dns6", "dnsaddr"].map((kind) => `/${kind}/example.org/tcp/4001`),
      "/unix/tmp/kinlog",
      "/ip4/192.168.1.7/udp/4001",
      "/ip4/192.168.1.7/tcp/4001/ws",
      `/ip4/192.168.1.7/tcp/4001/p2p/${ID}/p2p-circuit`,
    ];
    const accepted = texts.filter((text) => {
      try {
        return parseTcpAddress(text).port > 0;
      } catch (error) {
        return !isEngineError(error, "ADDRESS_INVALID");
      }
    });
    deepEqual(accepted, []);
  });

  it("N5: is refused by one code, whatever the text", () => {
    const part = fc.constantFrom(
      "/ip4",
      "/ip6",
      "/tcp",
      "/udp",
      "/p2p",
      "/dns",
      "/unix",
      "/1.2.3.4",
      "/::1",
      "/4001",
      `/${ID}`,
      "/",
    );
    const anything = fc.oneof(
      fc.string({ maxLength: 250 }),
      fc.array(part, { maxLength: 9 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(anything, (text) => {
        try {
          return parseTcpAddress(text).host !== "";
        } catch (error) {
          return isEngineError(error, "ADDRESS_INVALID");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("addresses to give out", () => {
  it("are the one that is listened at, with port and id", () => {
    deepEqual(dialableAddresses("192.168.1.7", 4_001, ID), [`/ip4/192.168.1.7/tcp/4001/p2p/${ID}`]);
    deepEqual(dialableAddresses("fd00::7", 4_001, ID), [`/ip6/fd00::7/tcp/4001/p2p/${ID}`]);
  });

  it("are all of this machine's, of one family each, for a wildcard", () => {
    const v4 = dialableAddresses("0.0.0.0", 4_001, ID);
    equal(v4.at(-1), `/ip4/127.0.0.1/tcp/4001/p2p/${ID}`);
    equal(
      dialableAddresses("::", 4_001, ID).every((address) => address.startsWith("/ip6/")),
      true,
    );
  });

  it("are told from loopback, however that is written", () => {
    for (const host of ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"])
      equal(isLoopbackHost(host), true, host);
    for (const host of ["128.0.0.1", "10.127.0.1", "::2", "fe80::1"])
      equal(isLoopbackHost(host), false, host);
  });
});
