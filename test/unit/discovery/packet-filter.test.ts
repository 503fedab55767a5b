/** Which packets are decoded, judged by sender, size and content. */
import { deepEqual, equal } from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import type { LinkPlace } from "../../../src/io/discovery/link-places.ts";
import { claimsTooMuch, PacketFilter, type Verdict } from "../../../src/io/discovery/packet-filter.ts";

const LABELS = ["_abcdefghijklmno", "_ponmlkjihgfedcb"];
const OURS = Buffer.from("....\u0010_abcdefghijklmno\u0004_udp", "latin1");

const common = { mac: "", netmask: "", internal: false };
const addresses: readonly NetworkInterfaceInfo[] = [
  { ...common, family: "IPv4", address: "192.168.1.7", cidr: "192.168.1.7/24" },
  { ...common, family: "IPv6", address: "fe80::7", cidr: "fe80::7/64", scopeid: 2 },
];
const v4: LinkPlace = { name: "wlan0", family: "IPv4", address: "192.168.1.7", zone: "wlan0", addresses };
const v6: LinkPlace = { ...v4, family: "IPv6", address: "fe80::7" };

function open(place: LinkPlace): {
  readonly judge: (sender: string, message?: Buffer) => Verdict;
  readonly isQuiet: () => boolean;
  readonly wait: (ms: number) => void;
} {
  let now = 0;
  const filter = new PacketFilter(place, () => now);
  return {
    isQuiet: () => filter.isQuiet(),
    judge: (sender, message = OURS) => filter.judge(message, sender, LABELS),
    wait: (ms) => {
      now += ms;
    },
  };
}

describe("the filter of a link's packets", () => {
  it("takes those of its own subnet only", () => {
    const { judge } = open(v4);
    equal(judge("192.168.1.2"), "decode");
    for (const sender of ["192.168.2.2", "8.8.8.8", "127.0.0.1", "10.0.0.1", "::ffff:192.168.1.2"])
      equal(judge(sender), "elsewhere", sender);
  });

  it("takes those of its own zone only, over IPv6", () => {
    const { judge } = open(v6);
    equal(judge("fe80::2%wlan0"), "decode");
    equal(judge("fe80::2%eth0"), "elsewhere");
    equal(judge("fe80::2%wlan0%eth0"), "elsewhere");
    equal(judge("2001:db8::2"), "elsewhere");
  });

  it("N6: leaves alone what is too long or names no tag in use", () => {
    const { judge } = open(v4);
    equal(judge("192.168.1.2", Buffer.from("_googlecast\u0004_tcp")), "ignore");
    equal(judge("192.168.1.2", Buffer.alloc(0)), "ignore");
    equal(judge("192.168.1.2", Buffer.concat([OURS, Buffer.alloc(1_500)])), "ignore");
    equal(judge("192.168.1.2", Buffer.from("_ponmlkjihgfedcb")), "decode");
  });

  it("N6: takes 20 a second of one sender, and the others go on", () => {
    const { judge, wait } = open(v4);
    const verdicts = Array.from({ length: 30 }, () => judge("192.168.1.2"));
    deepEqual([verdicts.filter((each) => each === "decode").length, verdicts.at(-1)], [20, "flood"]);
    equal(judge("192.168.1.3"), "decode");
    wait(1_000);
    equal(judge("192.168.1.2"), "decode");
  });

  it("N6: takes 200 a second in all, of this machine's devices too", () => {
    const { judge } = open(v4);
    const own = Array.from({ length: 150 }, () => judge("192.168.1.7"));
    equal(
      own.every((each) => each === "decode"),
      true,
    );
    const others = Array.from({ length: 100 }, (_, n) => judge(`192.168.1.${100 + n}`));
    equal(others.filter((each) => each === "decode").length, 50);
  });

  it("N6: says when more than 100 packets of any kind come in a second", () => {
    const { isQuiet, wait } = open(v4);
    const second = Array.from({ length: 101 }, () => isQuiet());
    deepEqual([second.filter(Boolean).length, second.at(-1)], [100, false]);
    wait(1_000);
    equal(isQuiet(), true);
  });
});

describe("a packet's header", () => {
  it("N6, N9: is a lie where it counts more than the packet can hold", () => {
    const isLie = (counts: readonly number[], size: number): boolean => {
      const packet = Buffer.alloc(size);
      for (const [at, count] of counts.entries()) packet.writeUInt16BE(count, 4 + 2 * at);
      return claimsTooMuch(packet);
    };
    // A question takes five bytes at least, a record of any kind eleven.
    equal(isLie([1, 2, 0, 0], 39), false);
    equal(isLie([1, 2, 0, 0], 38), true);
    equal(isLie([0, 0, 1, 1], 34), false);
    equal(isLie([0, 0, 1, 1], 33), true);
    equal(isLie([65_535, 0, 0, 0], 1_500), true);
    equal(isLie([0, 0, 0, 65_535], 1_500), true);
    equal(isLie([0, 0, 0, 0], 12), false);
    equal(claimsTooMuch(Buffer.alloc(11, 0xff)), false);
  });
});
