/** Which announcements are told of, with which addresses, and how often. */
import { deepEqual, equal } from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import type { Announcement } from "../../../src/io/discovery/answers.ts";
import { FoundPeers } from "../../../src/io/discovery/found-peers.ts";
import { transportIdOf } from "../../contracts/discovery.contract.ts";

const HEARD = { sender: "192.168.1.2", zone: "wlan0" };

function interfaceOf(address: string, prefix: number): NetworkInterfaceInfo {
  const common = { address, netmask: "", mac: "", internal: false, cidr: `${address}/${prefix}` };
  return address.includes(":") ? { ...common, family: "IPv6", scopeid: 2 } : { ...common, family: "IPv4" };
}

function announcement(hosts: readonly string[], id = transportIdOf(2), tag = "_tag"): Announcement {
  return { tag, transportId: id, addresses: hosts.map((host) => ({ host, port: 4_001, transportId: id })) };
}

/** In 192.168.1.0/24, fd00:1::/64 and on a link, at an instant that moves by hand. */
function open(allowLoopback = false): { readonly peers: FoundPeers; readonly wait: (ms: number) => void } {
  let now = 0;
  const peers = new FoundPeers({ allowLoopback }, () => now);
  const addresses = [
    interfaceOf("192.168.1.7", 24),
    interfaceOf("fd00:1::7", 64),
    interfaceOf("fe80::7", 64),
  ];
  const loopback = allowLoopback ? [interfaceOf("127.0.0.1", 8)] : [];
  const place = { name: "wlan0", family: "IPv4", address: "192.168.1.7", zone: "wlan0" } as const;
  peers.setPlaces([{ ...place, addresses: [...addresses, ...loopback] }]);
  return {
    peers,
    wait: (ms) => {
      now += ms;
    },
  };
}

describe("found peers", () => {
  it("N5: are told of with private addresses of a shared subnet only", () => {
    const hosts = [
      "8.8.8.8",
      "10.0.0.1",
      "192.168.2.1",
      "192.168.1.2",
      "127.0.0.1",
      "fd00:2::1",
      "fd00:1::2",
      "2001:db8::1",
    ];
    const id = transportIdOf(2);
    deepEqual(open().peers.take(announcement(hosts), HEARD), {
      tag: "_tag",
      transportId: id,
      addresses: [`/ip4/192.168.1.2/tcp/4001/p2p/${id}`, `/ip6/fd00:1::2/tcp/4001/p2p/${id}`],
    });
  });

  it("N5: are no public ones, in the own subnet neither, as on a machine that stands in the internet", () => {
    const { peers } = open();
    const addresses = [interfaceOf("203.0.113.7", 24), interfaceOf("2001:db8::7", 64)];
    const place = { name: "eth0", family: "IPv4", address: "203.0.113.7", zone: "eth0" } as const;
    peers.setPlaces([{ ...place, addresses }]);
    const sender = { sender: "203.0.113.9", zone: "eth0" };
    equal(peers.take(announcement(["203.0.113.9", "2001:db8::9"]), sender), undefined);
  });

  it("N5: are not told of where no address remains", () => {
    equal(open().peers.take(announcement(["8.8.8.8", "127.0.0.1"]), HEARD), undefined);
  });

  it("have four addresses at most", () => {
    const hosts = [1, 2, 3, 4, 5, 6].map((n) => `192.168.1.${n}`);
    equal(open().peers.take(announcement(hosts), HEARD)?.addresses.length, 4);
  });

  it("have their link-local addresses tied to the interface they were heard on", () => {
    const told = open().peers.take(announcement(["fe80::2"]), HEARD);
    deepEqual(told?.addresses, [`/ip6zone/wlan0/ip6/fe80::2/tcp/4001/p2p/${transportIdOf(2)}`]);
  });

  it("are on loopback only where that is allowed", () => {
    equal(open(true).peers.take(announcement(["127.0.0.1"]), HEARD)?.addresses.length, 1);
  });

  it("are told of again, but not for every packet", () => {
    const { peers, wait } = open();
    const tell = (): boolean => peers.take(announcement(["192.168.1.2"]), HEARD) !== undefined;
    deepEqual([tell(), tell()], [true, false]);
    wait(200);
    equal(tell(), true);
  });

  it("N6: are 20 new ones a minute from one sender and 60 for a tag, while known ones go on", () => {
    const { peers, wait } = open();
    const idOf = (n: number): string => `12D3KooW${"1".repeat(40)}${1_000 + n}`;
    const tell = (n: number, sender: string): boolean =>
      peers.take(announcement(["192.168.1.2"], idOf(n)), { sender, zone: "wlan0" }) !== undefined;
    let told = 0;
    for (let n = 0; n < 300; n++) if (tell(n, `192.168.1.${Math.floor(n / 30)}`)) told++;
    equal(told, 60);
    wait(1_000);
    equal(tell(0, "192.168.1.0"), true);
    wait(60_000);
    equal(tell(400, "192.168.1.0"), true);
  });
});
