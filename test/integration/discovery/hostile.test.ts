/** What anybody on the network can send: nothing of it may crash, fill or silence discovery (threat N6). */
import { deepEqual, equal, ok } from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import fc from "fast-check";
import type { Discovery, FoundPeer } from "../../../src/core/sync/ports.ts";
import { tagToName } from "../../../src/io/discovery/answers.ts";
import { createDiscovery } from "../../../src/io/discovery/create-discovery.ts";
import { findLinkPlaces } from "../../../src/io/discovery/link-places.ts";
import { Link } from "../../../src/io/discovery/link.ts";
import { addressAt, transportIdOf } from "../../contracts/discovery.contract.ts";
import { loopbackName, TEST_PORT } from "../../support/loopback.ts";

const TAG = "_abcdefghijklmno";
const GROUP = "224.0.0.251";

describe("discovery among hostile packets", () => {
  let attacker: Socket;
  let a: Discovery;
  let b: Discovery;
  let found: FoundPeer[];

  beforeEach(async () => {
    const options = { allowLoopback: true, interfaces: [loopbackName()], port: TEST_PORT };
    [a, b] = [await createDiscovery(options), await createDiscovery(options)];
    found = [];
    a.onFound((peer) => found.push(peer));
    await a.update({ answer: [], ask: [TAG], transportId: transportIdOf(1), addresses: [] });
    const addresses = [addressAt("127.0.0.1", 20_002, transportIdOf(2))];
    await b.update({ answer: [TAG], ask: [], transportId: transportIdOf(2), addresses });
    attacker = createSocket({ type: "udp4", reuseAddr: true });
    await new Promise<void>((resolve) => {
      attacker.bind(TEST_PORT, resolve);
    });
    attacker.setMulticastInterface("127.0.0.1");
  });

  afterEach(async () => {
    attacker.close();
    await Promise.all([a.close(), b.close()]);
  });

  const send = (packet: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      attacker.send(packet, TEST_PORT, GROUP, () => resolve());
    });

  /** Waits, at most four seconds, until the honest one is found; asks anew, since floods may swallow a question. */
  const findsB = async (): Promise<boolean> => {
    found.length = 0;
    for (let tries = 0; tries < 40; tries++) {
      if (tries % 10 === 0) a.askSoon();
      if (found.some(({ transportId }) => transportId === transportIdOf(2))) return true;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
    return false;
  };

  it("N6: goes on after random bytes, with the tag in them and without", async () => {
    const label = Buffer.from(TAG, "latin1");
    const bytes = fc.uint8Array({ maxLength: 600 });
    const samples = fc.sample(fc.tuple(bytes, fc.boolean(), bytes), { numRuns: 300, seed: 1 });
    for (const [before, hasLabel, after] of samples) {
      await send(Buffer.concat([before, hasLabel ? label : Buffer.alloc(0), after]));
    }
    ok(await findsB());
    deepEqual(a.report().errors, []);
  });

  it("N6: goes on after headers that lie, names that loop, and packets that are too long", async () => {
    const name = Buffer.concat([
      ...tagToName(TAG)
        .split(".")
        .map((part) => Buffer.concat([Buffer.of(part.length), Buffer.from(part)])),
      Buffer.of(0),
    ]);
    const header = (counts: readonly number[], flags: number): Buffer =>
      Buffer.concat([
        Buffer.of(0, 0, flags, 0),
        ...counts.map((count) => Buffer.of(Math.floor(count / 256), count % 256)),
      ]);
    const hostile = [
      header([65_535, 65_535, 65_535, 65_535], 0x84),
      Buffer.concat([header([65_535, 0, 0, 0], 0), name]),
      Buffer.concat([header([0, 65_535, 0, 0], 0x84), name]),
      // A name that points to itself, and one that points forward.
      Buffer.concat([header([1, 0, 0, 0], 0), Buffer.of(0xc0, 12, 0, 12, 0, 1), name]),
      Buffer.concat([header([1, 0, 0, 0], 0), Buffer.of(0xc0, 40, 0, 12, 0, 1), name]),
      // A TXT record whose length goes beyond the packet.
      Buffer.concat([header([0, 1, 0, 0], 0x84), name, Buffer.of(0, 16, 0, 1, 0, 0, 0, 120, 0xff, 0xff, 5)]),
      Buffer.concat([header([0, 1, 0, 0], 0x84), name, Buffer.alloc(8_000, 0x41)]),
    ];
    for (const packet of hostile) await send(packet);
    ok(await findsB());
    deepEqual(a.report().errors, []);
  });

  it("N6: answers a flood of questions at its own pace, and is found during and after it", async () => {
    const name = Buffer.concat([
      ...tagToName(TAG)
        .split(".")
        .map((part) => Buffer.concat([Buffer.of(part.length), Buffer.from(part)])),
      Buffer.of(0),
    ]);
    const question = Buffer.concat([
      Buffer.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
      name,
      Buffer.of(0, 12, 0, 1),
    ]);
    const startedAt = performance.now();
    for (let n = 0; n < 3_000; n++) await send(question);
    const seconds = (performance.now() - startedAt) / 1_000;
    ok(b.report().packetsSent <= 4 + 4 * seconds, `${b.report().packetsSent} answers in ${seconds} s`);
    ok(await findsB());
  });

  it("N6: notices a flood that names no tag of ours, which others would decode packet by packet", async () => {
    await withLink(async (floods) => {
      for (let n = 0; n < 50; n++) await send(Buffer.from(`packet ${n} of a quiet network`));
      equal(floods(), 0);
      for (let n = 0; n < 300; n++) await send(Buffer.from(`packet ${n} of a flood`));
      await untilFlood(floods);
      ok(floods() > 0);
    });
  });

  it("N6: takes one header that counts more than its packet holds for a flood, since others decode it", async () => {
    await withLink(async (floods) => {
      await send(Buffer.from(`000084000000c0af00020000${"00".repeat(40)}`, "hex"));
      await untilFlood(floods);
      equal(floods(), 1);
    });
  });

  it("N5: tells of a flood of forged peers only so many", async () => {
    const forged = await createDiscovery({
      allowLoopback: true,
      interfaces: [loopbackName()],
      port: TEST_PORT,
    });
    try {
      for (let n = 0; n < 100; n++) {
        const id = `12D3KooW${"1".repeat(42)}${String(11 + (n % 80)).replaceAll("0", "2")}`;
        const addresses = [addressAt("127.0.0.1", 30_000 + n, id)];
        await forged.update({ answer: [TAG], ask: [], transportId: id, addresses });
        await send(
          Buffer.from(
            "000000000001000000000000105f6162636465666768696a6b6c6d6e6f045f756470056c6f63616c00000c0001",
            "hex",
          ),
        );
        await new Promise((resolve) => {
          setTimeout(resolve, 10);
        });
      }
      ok(found.length > 0 && found.length <= 20, `${found.length} were told of`);
    } finally {
      await forged.close();
    }
  });
});

/** A link of its own beside the two discoveries; `floods` says how many it has told of. */
async function withLink(run: (floods: () => number) => Promise<void>): Promise<void> {
  let floods = 0;
  const place = findLinkPlaces({ allowLoopback: true, only: [loopbackName()] }).find(
    ({ family }) => family === "IPv4",
  );
  const link = new Link(place!, TEST_PORT, {
    labels: () => [TAG],
    onQuery: () => undefined,
    onAnswer: () => undefined,
    onFlood: () => floods++,
    onError: () => undefined,
  });
  try {
    await link.ready;
    await run(() => floods);
  } finally {
    await link.close();
  }
}

/** Two seconds at most. */
async function untilFlood(floods: () => number): Promise<void> {
  for (let tries = 0; tries < 40 && floods() === 0; tries++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
