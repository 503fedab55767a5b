/** Which addresses count as private and as shared. */
import { deepEqual, equal } from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { isLinkLocal6, isLoopbackHost, isPrivateHost, Subnets } from "../../../src/io/discovery/subnets.ts";

function v4(cidr: string): NetworkInterfaceInfo {
  return { address: cidr.split("/")[0]!, netmask: "", family: "IPv4", mac: "", internal: false, cidr };
}

function v6(cidr: string): NetworkInterfaceInfo {
  return {
    address: cidr.split("/")[0]!,
    netmask: "",
    family: "IPv6",
    mac: "",
    internal: false,
    cidr,
    scopeid: 0,
  };
}

describe("private addresses", () => {
  it("N5: are those of RFC 1918, RFC 3927, RFC 4193 and link-local ones, to the edges", () => {
    const yes = [
      "10.0.0.0",
      "10.255.255.255",
      "172.16.0.0",
      "172.31.255.255",
      "192.168.0.1",
      "169.254.7.7",
      "fc00::1",
      "fdff::1",
      "fe80::1",
      "febf::1",
    ];
    const no = [
      "9.255.255.255",
      "11.0.0.0",
      "172.15.255.255",
      "172.32.0.0",
      "192.167.255.255",
      "192.169.0.0",
      "169.253.0.1",
      "100.64.0.1",
      "127.0.0.1",
      "0.0.0.0",
      "224.0.0.251",
      "255.255.255.255",
      "::",
      "::1",
      "fec0::1",
      "2001:db8::1",
      "ff02::fb",
    ];
    deepEqual(
      yes.filter((host) => !isPrivateHost(host)),
      [],
    );
    deepEqual(no.filter(isPrivateHost), []);
  });

  it("N5: are not reached through another spelling of a public one", () => {
    for (const host of ["::ffff:8.8.8.8", "::ffff:808:808", "64:ff9b::808:808", "2002:0808:0808::1"]) {
      equal(isPrivateHost(host), false, host);
    }
  });

  it("are no text that is not an address", () => {
    for (const host of ["", "localhost", "10.0.0", "10.0.0.1.1", "010.0.0.1", "10.0.0.1 ", "fe80::1%eth0"]) {
      equal(isPrivateHost(host) && !host.includes("%"), false, host);
    }
  });

  it("tells loopback and link-local apart", () => {
    equal(isLoopbackHost("127.1.2.3"), true);
    equal(isLoopbackHost("::1"), true);
    equal(isLoopbackHost("10.0.0.1"), false);
    equal(isLinkLocal6("fe80::1"), true);
    equal(isLinkLocal6("169.254.0.1"), false);
  });
});

describe("shared subnets", () => {
  it("follow the netmasks of the interfaces", () => {
    const subnets = new Subnets([v4("192.168.7.9/22"), v6("fd00:1::9/64"), v6("fe80::9/64")]);
    const inside = ["192.168.4.1", "192.168.7.255", "fd00:1::ffff", "fe80::1"];
    const outside = ["192.168.8.1", "192.168.3.255", "fd00:2::1", "10.0.0.1", "fe80:1::1"];
    deepEqual(
      inside.filter((host) => !subnets.contains(host)),
      [],
    );
    deepEqual(
      outside.filter((host) => subnets.contains(host)),
      [],
    );
  });

  it("hold nobody but itself on a point-to-point link", () => {
    const subnets = new Subnets([v4("10.8.0.7/32"), v6("fd00::7/128")]);
    equal(subnets.contains("10.8.0.7"), true);
    equal(subnets.contains("10.8.0.8"), false);
    equal(subnets.contains("fd00::8"), false);
  });
});
