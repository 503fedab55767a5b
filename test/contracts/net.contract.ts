/**
 * What every Net must do: run by the libp2p host over loopback and by the double of the simulations. Names carry the ids of the
 * threats they stand for.
 * Further part: net-streams.ts.
 */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { assertRejectsWithCode } from "../support/assert-code.ts";
import {
  addressOf,
  answerAll,
  type NetWorld,
  PROTOCOL,
  readAll,
  sendAndEnd,
} from "../support/net-streams.ts";
import { describeStreams } from "./net-streams.ts";

const DIAL_MS = 5_000;

export function describeNet(name: string, open: () => Promise<NetWorld>): void {
  describe(`${name} is a Net`, () => {
    let world: NetWorld;

    beforeEach(async () => {
      world = await open();
    });

    afterEach(() => world.cleanup());

    describeDialling(() => world);
    describeHandlers(() => world);
    describeRenewal(() => world);
    describeStreams(() => world);
  });
}

function withoutId(address: string): string {
  return address.slice(0, address.indexOf("/p2p/"));
}

function describeDialling(world: () => NetWorld): void {
  it("gives out addresses that end in its transport id", async () => {
    const net = await world().create();
    for (const address of net.addresses()) ok(address.endsWith(`/p2p/${net.transportId()}`), address);
  });

  it("shows both ends the same two transport ids", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    const incoming = answerAll(b);
    const stream = await run(a.dial(addressOf(b), PROTOCOL, DIAL_MS));
    const answered = await run(incoming.first);
    equal(stream.initiator, true);
    equal(answered.initiator, false);
    deepEqual(stream.ownTransport, answered.peerTransport);
    deepEqual(stream.peerTransport, answered.ownTransport);
    notEqual(
      Buffer.from(stream.ownTransport).toString("hex"),
      Buffer.from(stream.peerTransport).toString("hex"),
    );
    equal(stream.peerAddress, addressOf(b));
    ok(answered.peerAddress.endsWith(`/p2p/${a.transportId()}`), answered.peerAddress);
  });

  it("dials an address typed without an id", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    answerAll(b);
    const stream = await run(a.dial(withoutId(addressOf(b)), PROTOCOL, DIAL_MS));
    ok(stream.peerAddress.endsWith(`/p2p/${b.transportId()}`), stream.peerAddress);
  });

  it("N12: refuses whoever answers at an address under another id", async () => {
    const { create, run } = world();
    const [a, b, c] = [await create(), await create(), await create()];
    answerAll(b);
    const wrong = `${withoutId(addressOf(b))}/p2p/${c.transportId()}`;
    await assertRejectsWithCode(run(a.dial(wrong, PROTOCOL, DIAL_MS)), "PEER_UNREACHABLE");
  });

  it("refuses its own address, with its id and without", async () => {
    const { create, run } = world();
    const net = await create();
    answerAll(net);
    for (const address of [addressOf(net), withoutId(addressOf(net))]) {
      await assertRejectsWithCode(run(net.dial(address, PROTOCOL, DIAL_MS)), "ADDRESS_INVALID");
    }
  });

  it("N5: dials nothing but TCP over an IP address", async () => {
    const { create, run } = world();
    const net = await create();
    const id = net.transportId();
    const refused = [
      "",
      "192.168.1.7:4001",
      "/ip4/192.168.1.7",
      "/ip4/192.168.1.7/udp/4001",
      "/ip4/300.168.1.7/tcp/4001",
      "/ip4/192.168.1.7/tcp/70000",
      "/dns4/example.org/tcp/4001",
      "/dnsaddr/example.org",
      "/unix/%2Ftmp%2Fsocket",
      `/ip4/192.168.1.7/tcp/4001/p2p/${id}/p2p-circuit`,
      "/ip4/192.168.1.7/tcp/4001/ws",
      `/ip4/192.168.1.7/tcp/4001/p2p/${"1".repeat(300)}`,
    ];
    for (const address of refused) {
      await assertRejectsWithCode(run(net.dial(address, PROTOCOL, DIAL_MS)), "ADDRESS_INVALID");
    }
  });

  it("says that a device is unreachable where nothing listens", async () => {
    const { create, deadAddress, run } = world();
    const net = await create();
    await assertRejectsWithCode(run(net.dial(await deadAddress(), PROTOCOL, DIAL_MS)), "PEER_UNREACHABLE");
  });

  it("N10: gives up where something listens and says nothing", async () => {
    const { create, silentAddress, run } = world();
    const net = await create();
    await assertRejectsWithCode(run(net.dial(await silentAddress(), PROTOCOL, 200)), "TIMED_OUT");
  });

  it("dials one peer several times at once, each time with a stream of its own", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    answerAll(b, async (stream) => stream.sink(stream.source));
    const streams = await run(Promise.all([1, 2, 3].map(() => a.dial(addressOf(b), PROTOCOL, DIAL_MS))));
    const texts = await run(
      Promise.all(
        streams.map(async (stream, n) => {
          await sendAndEnd(stream, [Uint8Array.of(n)]);
          return readAll(stream);
        }),
      ),
    );
    deepEqual(texts, [Uint8Array.of(0), Uint8Array.of(1), Uint8Array.of(2)]);
  });
}

function describeHandlers(world: () => NetWorld): void {
  it("refuses a protocol that nobody handles", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    await assertRejectsWithCode(run(a.dial(addressOf(b), "/other/1", DIAL_MS)), "PEER_UNREACHABLE");
  });

  it("gives streams to the handler that was set last, and to none after null", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    const [former, latter] = [answerAll(b), answerAll(b)];
    await run(a.dial(addressOf(b), PROTOCOL, DIAL_MS));
    await run(latter.first);
    equal(former.count(), 0);
    b.handle(PROTOCOL, null);
    await assertRejectsWithCode(run(a.dial(addressOf(b), PROTOCOL, DIAL_MS)), "PEER_UNREACHABLE");
    equal(latter.count(), 1);
  });

  it("keeps protocols apart", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    const one = answerAll(b, undefined, "/one/1");
    const two = answerAll(b, undefined, "/two/1");
    await run(a.dial(addressOf(b), "/two/1", DIAL_MS));
    await run(two.first);
    equal(one.count(), 0);
  });
}

function describeRenewal(world: () => NetWorld): void {
  it("N2: renew changes the transport id and the addresses, and the handlers move along", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    answerAll(b, async (stream) => stream.sink(stream.source));
    const before = { id: b.transportId(), address: addressOf(b) };
    await run(b.renew());
    notEqual(b.transportId(), before.id);
    notEqual(addressOf(b), before.address);
    const stream = await run(a.dial(addressOf(b), PROTOCOL, DIAL_MS));
    await run(sendAndEnd(stream, [Uint8Array.of(7)]));
    deepEqual(await run(readAll(stream)), Uint8Array.of(7));
    await assertRejectsWithCode(run(a.dial(before.address, PROTOCOL, DIAL_MS)), "PEER_UNREACHABLE");
  });

  it("N14: streams of the former identity go on after renew", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    answerAll(b, async (stream) => stream.sink(stream.source));
    const stream = await run(a.dial(addressOf(b), PROTOCOL, DIAL_MS));
    await run(b.renew());
    await run(sendAndEnd(stream, [Uint8Array.of(1, 2, 3)]));
    deepEqual(await run(readAll(stream)), Uint8Array.of(1, 2, 3));
  });

  it("has no address and dials nothing once it is closed, and closes twice", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    const address = addressOf(b);
    await run(a.close());
    await run(a.close());
    deepEqual(a.addresses(), []);
    await assertRejectsWithCode(run(a.dial(address, PROTOCOL, DIAL_MS)), "NETWORK_UNAVAILABLE");
    await assertRejectsWithCode(run(a.renew()), "NETWORK_UNAVAILABLE");
  });

  it("closing breaks the streams for the other side too", async () => {
    const { create, run } = world();
    const [a, b] = [await create(), await create()];
    const incoming = answerAll(b);
    await run(a.dial(addressOf(b), PROTOCOL, DIAL_MS));
    const answered = await run(incoming.first);
    const read = assertRejectsWithCode(readAll(answered), "PEER_CLOSED");
    await run(a.close());
    await run(read);
    await assertRejectsWithCode(run(b.dial(addressOf(b), PROTOCOL, DIAL_MS)), "ADDRESS_INVALID");
  });
}
