/** What somebody who records the network's mDNS learns of a device (threats N1, N2). */
import { deepEqual, equal, ok } from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { hostname, userInfo } from "node:os";
import { createDiscovery } from "../../../src/io/discovery/create-discovery.ts";
import { addressAt, transportIdOf } from "../../contracts/discovery.contract.ts";
import { loopbackName, TEST_PORT } from "../../support/loopback.ts";

const TAGS = ["_aaaaaaaaaaaaaaa", "_bbbbbbbbbbbbbbb"] as const;

/** Shorter runs of letters are in common by chance. */
const SHARED_CHARACTERS = 6;

describe("the packets of discovery", () => {
  let recorder: Socket;
  let recorded: string[];

  beforeEach(async () => {
    recorded = [];
    recorder = createSocket({ type: "udp4", reuseAddr: true });
    recorder.on("message", (message) => recorded.push(message.toString("latin1")));
    await new Promise<void>((resolve) => {
      recorder.bind(TEST_PORT, resolve);
    });
    recorder.addMembership("224.0.0.251", "127.0.0.1");
  });

  afterEach(() => recorder.close());

  /** What a device says in one period: it asks, and answers another that asks. */
  async function record(period: 0 | 1): Promise<readonly string[]> {
    recorded = [];
    const options = { allowLoopback: true, interfaces: [loopbackName()], port: TEST_PORT };
    const [device, other] = [await createDiscovery(options), await createDiscovery(options)];
    const id = transportIdOf(2 + period);
    const addresses = [
      addressAt("127.0.0.1", 21_111 + 11_111 * period, id),
      addressAt("10.1.2.3", 21_111, id),
    ];
    const tag = TAGS[period];
    await device.update({ answer: [tag], ask: [tag], transportId: id, addresses });
    await other.update({ answer: [], ask: [tag], transportId: transportIdOf(9), addresses: [] });
    device.askSoon();
    other.askSoon();
    for (let tries = 0; tries < 100 && !recorded.some((packet) => packet.includes(id)); tries++) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    await Promise.all([device.close(), other.close()]);
    ok(
      recorded.some((packet) => packet.includes(id)),
      "an answer was recorded",
    );
    return recorded;
  }

  it("N1: name neither the machine nor its user", async () => {
    const packets = (await record(0)).join("\n").toLowerCase();
    for (const name of [hostname(), userInfo().username]) {
      equal(name.length > 2 && packets.includes(name.toLowerCase()), false, name);
    }
  });

  it("N2: name the addresses of their own interface only", async () => {
    const packets = (await record(0)).join("\n");
    equal(packets.includes("127.0.0.1"), true);
    equal(packets.includes("10.1.2.3"), false);
  });

  it("N2: of two periods have nothing in common but what all devices say", async () => {
    const [former, latter] = [(await record(0)).join("\n"), (await record(1)).join("\n")];
    // Before the address stand the lengths of the record and of its text, 90 and 89.
    const said = ["_udp", "local", "ZYdnsaddr=/ip4/127.0.0.1/tcp/", "/p2p/12D3KooW"];
    const common = new Set<string>();
    for (let at = 0; at + SHARED_CHARACTERS <= former.length; at++) {
      const piece = former.slice(at, at + SHARED_CHARACTERS);
      if (!/^[\x21-\x7e]+$/.test(piece) || !latter.includes(piece)) continue;
      if (!said.some((each) => each.includes(piece))) common.add(piece);
    }
    deepEqual([...common], []);
  });
});
